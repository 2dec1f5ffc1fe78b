"""`router explain`, `router contract`, `router supergraph` and `router subgraph`: arguments, outputs, exit codes.

Covers `router/cli/contract.py`, `router/cli/explain_code.py`, `router/cli/introspect_subgraph.py` and
`router/cli/supergraph.py`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from router.cli import command
from router.composition import Subgraph, compose
from router.composition.explain import CODES
from router.schema_check.lint.find_rules import all_rules
from servicekit.errors import StartupError
from tests.router.cli.sdl_server import SdlServer, serving_sdl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SDL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key", "@tag"])

type Query { me: User audit: Audit }
type User @key(fields: "id") { id: ID! email: String @tag(name: "internal") }
type Audit @tag(name: "secret") { at: String }
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


@pytest.fixture
def supergraph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    composed = compose([Subgraph("users", "http://users.test", SDL)]).supergraph_sdl
    assert composed is not None
    file = tmp_path / "supergraph.graphql"
    file.write_text(composed)
    return file


@pytest.mark.parametrize("code", ["KEY_INVALID_FIELDS", "key_invalid_fields"])
def test_explain_prints_the_page_of_a_code(code: str) -> None:
    result = run("explain", code)
    assert result.exit_code == 0
    assert result.stdout.startswith("# KEY_INVALID_FIELDS\n")
    assert "**What to do:**" in result.stdout


def test_explain_alone_lists_every_code_with_its_kind() -> None:
    lines = run("explain").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [*CODES, *all_rules()]
    last_code = lines[len(CODES) - 1]
    assert "UNUSED_ENUM_TYPE" in last_code
    assert "DEBUG" in last_code


def test_explain_suggests_the_code_that_was_meant() -> None:
    result = run("explain", "KEY_INVALID_FIELD")
    assert result.exit_code == 2
    assert "Did you mean KEY_INVALID_FIELDS?" in result.stderr


@pytest.mark.usefixtures("supergraph")
def test_contract_goes_to_stdout_or_to_the_output(tmp_path: Path) -> None:
    result = run("contract", "supergraph.graphql", "--exclude-tag", "internal")
    assert result.exit_code == 0
    assert 'email: String @tag(name: "internal") @inaccessible' in result.stdout
    written = run("contract", "supergraph.graphql", "--exclude-tag", "internal", "--output", "public.graphql")
    assert written.stdout == ""
    assert (tmp_path / "public.graphql").read_text() == result.stdout


@pytest.mark.usefixtures("supergraph")
def test_an_invalid_contract_is_reported_like_a_composition_error() -> None:
    result = run("contract", "supergraph.graphql", "--exclude-tag", "secret")
    assert result.exit_code == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert "error[REFERENCED_INACCESSIBLE]: Audit is @inaccessible, but Query.audit" in lines[0]
    assert lines[1].startswith("  --> supergraph.graphql:")
    assert lines[2].endswith("|   audit: Audit")
    assert lines[-1] == "1 error: the contract is not valid (hidden elements are treated as @inaccessible)."


@pytest.mark.usefixtures("supergraph")
def test_a_contract_has_the_formats_for_programs() -> None:
    result = run("contract", "supergraph.graphql", "--exclude-tag", "secret", "--format", "json")
    (error,) = json.loads(result.stdout)["errors"]
    assert error["locations"][0]["file"]["path"] == "supergraph.graphql"


@pytest.mark.usefixtures("supergraph")
def test_an_unknown_tag_is_a_warning() -> None:
    result = run("contract", "supergraph.graphql", "--exclude-tag", "intrenal")
    assert result.exit_code == 0
    assert result.stderr == 'warning: no element has the tag "intrenal", did you mean "internal"?\n'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Nothing to filter by"),
        (["--include-tag", "a", "--exclude-tag", "a"], "both included and excluded: a"),
    ],
)
@pytest.mark.usefixtures("supergraph")
def test_a_contract_without_filters_is_bad_usage(arguments: list[str], message: str) -> None:
    result = run("contract", "supergraph.graphql", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    "arguments", [["contract", "x.graphql", "--exclude-tag", "a"], ["supergraph", "schema", "x.graphql"]]
)
def test_a_file_that_is_not_a_supergraph_is_refused(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("type Query { a: Int }", "{", "\udcff"):
        (tmp_path / "x.graphql").write_text(text, errors="surrogateescape")
        error = run(*arguments).exception
        assert isinstance(error, StartupError)
        assert str(error).startswith("x.graphql: ")


@pytest.mark.usefixtures("supergraph")
def test_the_api_schema_is_printed_without_federation_metadata() -> None:
    result = run("supergraph", "schema", "supergraph.graphql")
    assert "type Query {\n  me: User\n" in result.stdout
    assert re.findall(r"@\w+", result.stdout) == []
    assert "join__" not in result.stdout


@pytest.mark.usefixtures("supergraph")
def test_the_schema_of_one_subgraph_is_printed() -> None:
    assert "_entities" in run("supergraph", "schema", "supergraph.graphql", "--subgraph", "users").stdout
    wrong = run("supergraph", "schema", "supergraph.graphql", "--subgraph", "posts")
    assert wrong.exit_code == 2
    assert "there are users" in wrong.stderr


@pytest.mark.usefixtures("supergraph")
def test_the_subgraphs_are_listed() -> None:
    assert run("supergraph", "subgraphs", "supergraph.graphql").stdout == "users\thttp://users.test\n"


@pytest.fixture
def service() -> Iterator[SdlServer]:
    with serving_sdl(SDL) as server:
        yield server


def test_introspect_prints_the_sdl_of_a_running_subgraph(service: SdlServer) -> None:
    result = run("subgraph", "introspect", service.url, "--header", "X-Key=a=b", "--header", "Authorization: Bearer c")
    assert result.exit_code == 0
    assert result.stdout == SDL
    assert service.headers["x-key"] == "a=b"
    assert service.headers["authorization"] == "Bearer c"


def test_introspect_refuses_a_malformed_header() -> None:
    assert run("subgraph", "introspect", "http://users.test", "--header", "X-Key").exit_code == 2


def test_introspect_names_a_subgraph_that_cannot_be_reached() -> None:
    error = run("subgraph", "introspect", "http://127.0.0.1:1/graphql").exception
    assert isinstance(error, StartupError)
    assert str(error).startswith("http://127.0.0.1:1/graphql: cannot be queried")


def test_a_running_subgraph_composes(service: SdlServer, tmp_path: Path) -> None:
    (tmp_path / "supergraph.yaml").write_text(f"subgraphs:\n  users:\n    schema:\n      subgraph_url: {service.url}\n")
    result = run("compose", "--config", str(tmp_path / "supergraph.yaml"))
    assert result.exit_code == 0
    assert f'@join__graph(name: "users", url: "{service.url}")' in result.stdout
