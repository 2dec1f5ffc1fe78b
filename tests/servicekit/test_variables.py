"""The table of variables, ``.env.example`` and the settings of every process say the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from rest_compat.settings import RestSettings
from servicekit.settings import ProcessSettings, variable_names
from servicekit.variables import KNOWN, SECRETS, SECTIONS, Variable, render_env_example
from subgraphs.account.settings import AccountSettings
from subgraphs.auth.settings import AuthSettings
from subgraphs.transaction.settings import TransactionSettings

ROOT: Final = Path(__file__).parents[2]
SETTINGS: Final[tuple[type[ProcessSettings], ...]] = (AuthSettings, AccountSettings, TransactionSettings, RestSettings)
VARIABLES: Final[dict[str, Variable]] = {
    variable.name: variable for section in SECTIONS for variable in section.variables
}


def read_by_the_router() -> set[str]:
    text = (ROOT / "router.yaml").read_text(encoding="utf-8")
    return set(re.findall(r"^[^#\n]*\{from_env: (\w+)", text, re.MULTILINE))


def test_the_table_has_what_the_processes_read_and_nothing_else() -> None:
    read = set[str]().union(*(variable_names(settings) for settings in SETTINGS), read_by_the_router())
    assert read == KNOWN


def test_no_variable_is_listed_twice() -> None:
    assert len(VARIABLES) == sum(len(section.variables) for section in SECTIONS)


def test_the_defaults_of_the_table_are_those_of_the_settings() -> None:
    for settings in SETTINGS:
        for field in settings.model_fields.values():
            assert field.alias is not None
            shown = VARIABLES[field.alias].default
            # In angle brackets stands what happens when the variable is unset.
            assert shown.startswith("<") or shown == str(field.default), field.alias


def test_secret_variables_are_secret_in_the_settings_too() -> None:
    for settings in SETTINGS:
        for field in settings.model_fields.values():
            assert (SecretStr.__name__ in str(field.annotation)) == (field.alias in SECRETS), field.alias


def test_the_env_example_is_printed_from_the_table() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == render_env_example()
