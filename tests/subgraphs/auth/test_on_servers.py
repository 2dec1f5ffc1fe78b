"""The tests of the service on embedded stores pass on PostgreSQL and Redis, too.

The tests of the listed modules run here again with other settings, except for those that look into the embedded files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from bank import redis_revocation
from servicekit import redis_rate_limits
from servicekit.settings import load
from subgraphs.auth.settings import AuthSettings
from tests.subgraphs.auth import (
    test_app,
    test_authorization,
    test_cli,
    test_graphql_sessions,
    test_key_commands,
    test_wrong_clock,
)
from tests.subgraphs.auth.administration import test_administration
from tests.subgraphs.auth.api_keys import test_api_keys
from tests.subgraphs.auth.audit_log import test_graphql_audit_log, test_operations_of_services
from tests.subgraphs.auth.command_line import CommandLine
from tests.subgraphs.auth.second_factor import test_codes, test_passkeys
from tests.subgraphs.auth.second_factor.conftest import desk

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

__all__ = ["desk"]  # the fixture

MODULES: Final = (
    test_administration,
    test_api_keys,
    test_app,
    test_authorization,
    test_cli,
    test_codes,
    test_graphql_audit_log,
    test_graphql_sessions,
    test_key_commands,
    test_operations_of_services,
    test_passkeys,
    test_wrong_clock,
)
# What a test uses that looks into the embedded files, or has settings of its own.
EMBEDDED: Final = {
    "sqlite3",
    "SqliteRevocationList",
    "FILE_NAME",
    "load",
    "tmp_path",
    "database",
    "changed",
    "age_login",
    "data_dir",
}


def _is_for_servers(test: Any) -> bool:
    code = test.__code__
    names = {*code.co_names, *code.co_varnames}
    for each in code.co_consts:  # the code of functions within the test
        names |= {*getattr(each, "co_names", ()), *getattr(each, "co_varnames", ())}
    return not EMBEDDED & names


def _tests_of(module: ModuleType) -> dict[str, Any]:
    return {name: test for name, test in vars(module).items() if name.startswith("test_") and _is_for_servers(test)}


for _module in MODULES:
    _tests = _tests_of(_module)
    assert _tests, _module.__name__
    assert not _tests.keys() & globals().keys()
    # The fixtures of a module belong to its tests; those of this module replace the ones of `conftest`.
    _fixtures = {
        name: value for name, value in vars(_module).items() if type(value).__name__ == "FixtureFunctionDefinition"
    }
    globals().update({**_fixtures, **_tests})


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, a Redis that responds late is not taken for one that fails."""
    for module in (redis_rate_limits, redis_revocation):
        monkeypatch.setattr(module, "TIMEOUT_SECONDS", 10.0)
        monkeypatch.setattr(module, "CALL_SECONDS", 20.0)


@pytest.fixture
def mosafe_auth(tmp_path: Path, postgres_url: str, redis_url: str) -> CommandLine:
    return CommandLine(tmp_path, AUTH_DB_URL=postgres_url, REDIS_URL=redis_url)


@pytest.fixture
def settings(mosafe_auth: CommandLine) -> AuthSettings:
    environ = {
        **mosafe_auth.variables,
        "AUTH_ISSUER": "http://auth.test",
        "AUTH_PUBLIC_URL": "http://127.0.0.1:3001",  # where the passkeys of tests are
    }
    return load(AuthSettings, environ)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_most_tests_of_each_module_run_on_servers(module: ModuleType) -> None:
    tests = [name for name in vars(module) if name.startswith("test_")]
    assert len(_tests_of(module)) > len(tests) / 2
