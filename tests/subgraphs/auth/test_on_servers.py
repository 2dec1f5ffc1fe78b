"""The tests of the service on embedded stores pass on PostgreSQL and Redis, too.

The tests of the listed modules run here again with other settings, except for those that look into the embedded files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from servicekit.settings import load
from subgraphs.auth.settings import AuthSettings
from tests.subgraphs.auth import test_app, test_wrong_clock

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

MODULES: Final = (test_app, test_wrong_clock)
# What a test uses that looks into the embedded files, or has settings of its own.
EMBEDDED: Final = {
    "sqlite3",
    "SqliteRevocationList",
    "FILE_NAME",
    "load",
    "mosafe_auth",
    "tmp_path",
    "database",
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


@pytest.fixture
def settings(tmp_path: Path, postgres_url: str, redis_url: str) -> AuthSettings:
    environ = {
        "MOSAFE_ENV": "development",
        "MOSAFE_DATA_DIR": str(tmp_path),
        "AUTH_ISSUER": "http://auth.test",
        "SUBGRAPH_SIGNATURES": "off",
        "AUTH_DB_URL": postgres_url,
        "REDIS_URL": redis_url,
    }
    return load(AuthSettings, environ)


def test_most_tests_of_the_service_run_on_servers() -> None:
    assert len(_tests_of(test_app)) >= 15
