"""The page of error codes has every code that a client can see, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from router.cli import command
from router.errors import RequestError, RouterError, TransportError
from router.server.client_error_reference import CODES, FIELD_CODES, HTTP_CODES, REQUEST_CODES, reference
from router.server.http_refusals import STATUS
from router.settings.all_keys import keys

ROOT = Path(__file__).parents[3]
# Where the router reports errors to clients.
FOLDERS = ("server", "policies", "preparation", "pipeline", "executor", "transport", "lifecycle", "request")
CODE = re.compile(
    r'(?:code[=:]\s*|HttpRefusal\(\s*|Unavailable\(\s*|CODE(?:: Final)? = |VALUE: Final = )"([A-Z][A-Z_]+)"'
)
# In the log only: the client has gone, or the server ends.
LOGGED = {"CANCELLED"}


def classes(base: type[RouterError]) -> set[type[RouterError]]:
    return {base}.union(*map(classes, base.__subclasses__()))


def test_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert page == reference(), "run: router explain --clients > docs/errors.md"


def test_every_code_of_the_error_tree_is_explained() -> None:
    assert {error.code for error in classes(RequestError)} <= CODES.keys()
    assert {error.code for error in classes(TransportError)} <= CODES.keys()


def test_every_code_of_an_http_refusal_is_explained() -> None:
    assert set(STATUS) <= HTTP_CODES.keys() | REQUEST_CODES.keys()


def test_every_code_in_the_sources_is_explained() -> None:
    sources = [path for folder in FOLDERS for path in (ROOT / "router" / folder).rglob("*.py")]
    found = {code for path in sources for code in CODE.findall(path.read_text(encoding="utf-8"))}
    assert len(found) > 10
    assert found - CODES.keys() == LOGGED & found


def test_no_code_is_explained_that_no_source_has() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "router").rglob("*.py"))
    assert [code for code in CODES if sources.count(f'"{code}"') < 2] == []


def test_every_key_that_the_advice_names_exists() -> None:
    known = {key.path for key in keys()}
    for row in CODES.values():
        for name in re.findall(r"`([a-z_]+\.[a-z_]+)`", row.advice):
            assert name in known or name.startswith("extensions."), name


@pytest.mark.parametrize("code", ["PERSISTED_QUERY_NOT_FOUND", "gateway_timeout"])
def test_the_command_line_explains_a_code(code: str) -> None:
    output = CliRunner().invoke(command, ["explain", code]).output
    assert output.startswith(f"{code.upper()}: ")


def test_a_shell_completes_codes_of_composition_and_of_the_router() -> None:
    completion = ShellComplete(command, {}, "router", "_ROUTER_COMPLETE")
    found = {item.value for item in completion.get_completions(["explain"], "key_")}
    assert found
    assert all(code.startswith("KEY_") for code in found)
    assert completion.get_completions(["explain"], "PERSISTED_QUERY_NOT_F")
    assert {item.value for item in completion.get_completions([], "exp")} >= {"explain", "explain-plan"}


def test_field_codes_are_those_of_responses_with_data() -> None:
    assert not FIELD_CODES.keys() & REQUEST_CODES.keys()
