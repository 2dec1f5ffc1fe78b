"""`mosafe up` gives the router and the REST layer, and nobody else, the secret of statements about DPoP proofs."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from mosafe.dpop_variables import dpop_variables
from mosafe.process_variables import variables_for
from mosafe.processes import PROCESSES

if TYPE_CHECKING:
    from pathlib import Path

FILE = "DPOP_STATEMENT_SECRET_FILE"


def test_the_secret_is_made_once_and_private(tmp_path: Path) -> None:
    environ = {"MOSAFE_DATA_DIR": str(tmp_path)}
    file = tmp_path / "secrets" / "dpop-statements.key"
    assert dpop_variables(environ) == {FILE: str(file)}
    secret = file.read_text()
    assert dpop_variables(environ) == {FILE: str(file)}
    assert (file.read_text(), len(secret), stat.S_IMODE(file.stat().st_mode)) == (secret, 64, 0o600)


@pytest.mark.parametrize("environ", [{"DPOP_STATEMENT_SECRET": "x"}, {FILE: "/run/secrets/dpop_statement_secret"}])
def test_what_the_user_has_set_stays(environ: dict[str, str], tmp_path: Path) -> None:
    assert dpop_variables({"MOSAFE_DATA_DIR": str(tmp_path), **environ}) == {}
    assert list(tmp_path.iterdir()) == []


def test_only_the_router_and_the_rest_layer_get_it() -> None:
    given = {"DPOP_STATEMENT_SECRET": "x", FILE: "y"}
    kept = {process.name: variables_for(process, given).keys() & given.keys() for process in PROCESSES}
    assert {name for name, names in kept.items() if names} == {"router", "rest"}
    assert kept["router"] == kept["rest"] == given.keys()
