"""`mosafe up` gives the router the secret with which it signs its requests to the services."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from bank.signature_secret import read_or_create_signature_secret
from mosafe.process_variables import variables_for
from mosafe.processes import PROCESSES
from mosafe.signature_variables import signature_variables
from servicekit.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "SUBGRAPH_SIGNATURE_SECRET_FILE"


@pytest.mark.parametrize("switch", [{}, {"SUBGRAPH_SIGNATURES": ""}, {"SUBGRAPH_SIGNATURES": "on"}])
def test_the_router_gets_the_file_that_the_services_read(switch: dict[str, str], tmp_path: Path) -> None:
    variables = signature_variables({"MOSAFE_DATA_DIR": str(tmp_path), **switch})
    assert variables == {FILE: str(tmp_path / "secrets" / "signatures.key")}
    file = tmp_path / "secrets" / "signatures.key"
    assert file.read_text() == read_or_create_signature_secret(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "environ",
    [
        {"SUBGRAPH_SIGNATURES": "off"},
        {"SUBGRAPH_SIGNATURES": "false"},
        {"SUBGRAPH_SIGNATURE_SECRET": "x"},
        {FILE: "/run/secrets/signatures"},
    ],
)
def test_what_the_user_has_decided_stays(environ: dict[str, str], tmp_path: Path) -> None:
    assert signature_variables({"MOSAFE_DATA_DIR": str(tmp_path), **environ}) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_malformed_switch_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"^SUBGRAPH_SIGNATURES: "):
        signature_variables({"SUBGRAPH_SIGNATURES": "perhaps"})


def test_only_the_router_and_the_services_get_the_secret() -> None:
    given = {"SUBGRAPH_SIGNATURE_SECRET": "x", FILE: "y", "SUBGRAPH_SIGNATURE_OLD_SECRET": "z"}
    kept = {process.name: variables_for(process, given).keys() & given.keys() for process in PROCESSES}
    assert kept["rest"] == set()
    assert kept["router"] == {"SUBGRAPH_SIGNATURE_SECRET", FILE}
    assert all(kept[name] == given.keys() for name in ("auth", "account", "transaction"))
