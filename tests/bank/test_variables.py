"""The table of variables, `.env.example`, `router.yaml` and the settings of every process agree.

Covers `bank/settings.py` and `servicekit/variables.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from bank.variables import SECTIONS, VARIABLES
from mosafe.backup.settings import BackupSettings
from mosafe.sandbox_provider.settings import SandboxProviderSettings
from rest_compat.settings import RestSettings
from router.settings.load import ENVIRONMENT
from servicekit.settings import ProcessSettings, refuse_unknown, variable_names
from servicekit.variables import PROCESS_VARIABLES, Variable
from subgraphs.account.settings import AccountSettings
from subgraphs.auth.settings import AuthSettings
from subgraphs.transaction.settings import TransactionSettings

if TYPE_CHECKING:
    from bank.settings import BankSettings

ROOT: Final = Path(__file__).parents[2]
SETTINGS: Final[tuple[type[BankSettings], ...]] = (
    AuthSettings,
    AccountSettings,
    TransactionSettings,
    RestSettings,
    SandboxProviderSettings,
    BackupSettings,
)
BY_NAME: Final[dict[str, Variable]] = {variable.name: variable for variable in VARIABLES.variables}


def read_by_the_router() -> set[str]:
    text = (ROOT / "router.yaml").read_text(encoding="utf-8")
    return {*re.findall(r"^[^#\n]*\{from_env: (\w+)", text, re.MULTILINE), *ENVIRONMENT.values()}


def test_the_table_has_exactly_the_variables_that_processes_read() -> None:
    read = set[str]().union(*(variable_names(settings) for settings in SETTINGS), read_by_the_router())
    assert read == VARIABLES.names


def test_the_generic_table_has_exactly_the_variables_of_any_process() -> None:
    assert variable_names(ProcessSettings) == PROCESS_VARIABLES.names


def test_both_tables_accept_the_same_mosafe_variables() -> None:
    def with_prefix(names: frozenset[str]) -> set[str]:
        return {name for name in names if name.startswith("MOSAFE_")}

    assert with_prefix(VARIABLES.names) == with_prefix(PROCESS_VARIABLES.names)
    assert with_prefix(VARIABLES.secrets) == with_prefix(PROCESS_VARIABLES.secrets)


def test_no_variable_is_listed_twice() -> None:
    assert len(BY_NAME) == sum(len(section.variables) for section in SECTIONS)


def test_every_known_variable_passes_the_check_for_unknown_ones() -> None:
    names = VARIABLES.names | {f"{name}_FILE" for name in VARIABLES.secrets}
    refuse_unknown(dict.fromkeys(names, "x"), VARIABLES)


def test_the_defaults_of_the_table_are_those_of_the_settings() -> None:
    for settings in SETTINGS:
        for field in settings.model_fields.values():
            assert field.alias is not None
            shown = BY_NAME[field.alias].default
            # A default in angle brackets describes what happens when the variable is unset.
            default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
            assert shown.startswith("<") or shown == default, field.alias


def test_secret_variables_are_secret_in_the_settings_too() -> None:
    for settings in SETTINGS:
        for field in settings.model_fields.values():
            assert (SecretStr.__name__ in str(field.annotation)) == (field.alias in VARIABLES.secrets), field.alias


def test_the_env_example_is_printed_from_the_table() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == VARIABLES.env_example()


def test_the_env_example_shows_every_variable_commented_out() -> None:
    text = VARIABLES.env_example()
    for variable in VARIABLES.variables:
        assert f"\n# {variable.name}=" in text
    assert all(line.startswith("#") or not line for line in text.splitlines())
