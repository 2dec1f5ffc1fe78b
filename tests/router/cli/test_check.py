"""`router check` as a user runs it.

Covers `router/schema_check/schema_versions.py`, `router/schema_check/judge_changes.py`,
`router/schema_check/rendering/finding_texts.py`, `router/schema_check/rendering/github.py`,
`router/schema_check/rendering/gitlab.py`, `router/schema_check/rendering/json.py`,
`router/schema_check/rendering/junit.py`, `router/schema_check/rendering/markdown.py`,
`router/schema_check/rendering/sarif.py`, `router/schema_check/rendering/text.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from router.cli import command
from router.schema_check.rendering import FORMATS
from tests.router.schema_check.git_repository import BOOKS, SUPERGRAPH, Repository

if TYPE_CHECKING:
    from click.testing import Result

SCHEMA = Path("router/schema_check/rendering/check_result.schema.json").resolve()
APPROVAL = """\
approvals:
  - change: FIELD_REMOVED:Query.old
    reason: the last client is gone
    by: ann
    until: {until}
"""
UNKNOWN = (
    "note: it is not known what clients send, so every breaking change fails; name it with --operations or --usage"
)
HELP = (
    "Keep it, mark it with @deprecated, and remove it when no client uses it. "
    "Or approve FIELD_REMOVED:Query.old in .router/approvals.yaml (change, reason, by, until)."
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository with an uncommitted change that breaks clients of the field `Query.old`."""
    repository = Repository.create(tmp_path / "repository")
    repository.write("subgraphs/books.graphql", BOOKS.replace(" old: Int", ""))
    repository.write("uses-old/a.graphql", "query Old { old }")
    repository.write("uses-book/a.graphql", 'query Book { book(id: "1") { title } }')
    monkeypatch.chdir(repository.folder)
    monkeypatch.setenv("NO_COLOR", "1")
    return repository


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["check", *arguments], prog_name="router")


@pytest.mark.usefixtures("repository")
def test_a_breaking_change_fails() -> None:
    result = run("supergraph.yaml", "--base", "base")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "breaking[FIELD_REMOVED]: The field Query.old was removed.",
        "  --> subgraphs/books.graphql:2:6 (base:subgraphs/books.graphql:2:34)",
        "  why: Operations that select it become invalid.",
        f"  help: {HELP}",
        "",
        "note: it is not known what clients send, so every breaking change fails; name it with --operations or --usage",
        "The check fails. Changes from base to supergraph.yaml: 1 breaking, 0 dangerous, 0 safe.",
    ]


@pytest.mark.usefixtures("repository")
def test_it_fails_if_a_known_operation_uses_the_field() -> None:
    result = run("supergraph.yaml", "--base", "base", "--operations", "uses-old", "--operations", "uses-book")
    assert result.exit_code == 1
    assert "  breaks: Old (uses-old/a.graphql:1)" in result.stdout.splitlines()
    assert result.stdout.endswith("; known operations: 2, broken: 1.\n")


@pytest.mark.usefixtures("repository")
def test_it_passes_if_no_known_operation_uses_the_field() -> None:
    result = run("supergraph.yaml", "--base", "base", "--operations", "uses-book")
    assert result.exit_code == 0
    assert "  note: no known operation breaks, so the check passes" in result.stdout.splitlines()


@pytest.mark.parametrize(
    ("until", "code", "note"),
    [
        ("2999-12-31", 0, "  note: approved by ann until 2999-12-31: the last client is gone"),
        ("2020-12-31", 1, "  note: the approval in .router/approvals.yaml:2 ended on 2020-12-31"),
    ],
)
def test_an_approval(repository: Repository, until: str, code: int, note: str) -> None:
    repository.write(".router/approvals.yaml", APPROVAL.format(until=until))
    result = run("supergraph.yaml", "--base", "base")
    assert result.exit_code == code
    assert note in result.stdout.splitlines()


def test_an_approval_of_no_change_is_noted(repository: Repository) -> None:
    repository.write("approvals.yaml", APPROVAL.format(until="2999-12-31").replace("old", "older"))
    result = run("supergraph.yaml", "--base", "base", "--approvals", "approvals.yaml")
    assert "note: approvals.yaml:2: this check found no change FIELD_REMOVED:Query.older" in result.stdout.splitlines()


def test_a_harmless_change_passes(repository: Repository) -> None:
    repository.write("subgraphs/books.graphql", BOOKS.replace("title: String", "title: String pages: Int"))
    result = run("supergraph.yaml", "--base", "base")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        0,
        "safe[FIELD_ADDED]: The field Book.pages was added.",
    )


def test_dangerous_changes_fail_if_asked(repository: Repository) -> None:
    repository.write("subgraphs/books.graphql", BOOKS.replace("old: Int", "old(x: Int): Int"))
    assert run("supergraph.yaml", "--base", "base").exit_code == 0
    assert run("supergraph.yaml", "--base", "base", "--fail-on", "dangerous").exit_code == 1


def test_files_can_have_moved_since_the_base(repository: Repository) -> None:
    (repository.folder / "services").mkdir()
    repository.git("mv", "supergraph.yaml", "services/supergraph.yaml")
    repository.git("mv", "subgraphs", "services/subgraphs")
    result = run("services/supergraph.yaml", "--base", "base")
    assert (
        "  --> services/subgraphs/books.graphql:2:6 (base:subgraphs/books.graphql:2:34)" in result.stdout.splitlines()
    )


def test_a_file_that_does_not_exist_is_not_looked_for_in_the_base(repository: Repository) -> None:
    repository.write(".router/check.yaml", "proposed: gone.graphql\nbase: base\n")
    assert str(run().exception) == "gone.graphql: cannot be read: No such file or directory"


def test_a_new_file_has_no_base(repository: Repository) -> None:
    repository.write("new.yaml", SUPERGRAPH)
    result = run("new.yaml", "--base", "base")
    hint = "name a commit that has it, or a file"
    assert str(result.exception) == f"new.yaml does not exist at base; {hint}"


@pytest.mark.parametrize("name", ["old.graphql", "new.graphql"])
def test_two_files_are_compared(repository: Repository, name: str) -> None:
    repository.write("old.graphql", "type Query { a: Int b: Int }")
    repository.write("new.graphql", "type Query { a: Int }")
    result = run("new.graphql", "--base", name)
    assert result.exit_code == (1 if name == "old.graphql" else 0)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_tells_of_the_change(repository: Repository, form: str) -> None:
    arguments = ("--base", "base", "--operations", "uses-old", "--format", form, "--output", "report")
    assert run("supergraph.yaml", *arguments).exit_code == 1
    report = (repository.folder / "report").read_text(encoding="utf-8")
    assert "The field Query.old was removed." in report
    assert "uses-old/a.graphql" in report or form == "gitlab"


def test_the_json_format_has_a_schema(repository: Repository) -> None:
    repository.write(".router/approvals.yaml", APPROVAL.format(until="2999-12-31"))
    result = run("supergraph.yaml", "--base", "base", "--operations", "uses-old", "--format", "json")
    document = json.loads(result.stdout)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    (change,) = document["changes"]
    assert (change["verdict"], change["brokenOperations"]) == (
        "approved",
        [{"name": "Old", "place": "uses-old/a.graphql:1", "usage": None}],
    )


@pytest.mark.usefixtures("repository")
def test_the_junit_format_counts_failures() -> None:
    root = ET.fromstring(run("supergraph.yaml", "--base", "base", "--format", "junit").stdout)  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures")) == ("1", "1")


def test_text_from_a_schema_cannot_control_the_terminal_or_the_comment(repository: Repository) -> None:
    repository.write("old.graphql", 'type Query { a: Int @deprecated(reason: "x") }')
    repository.write("new.graphql", r'type Query { a: Int @deprecated(reason: "\u001b[2J<script>`@ann`") }')
    assert "\x1b" not in run("new.graphql", "--base", "old.graphql").stdout
    repository.write("newer.graphql", "type Query { b: Int }")
    repository.write("uses/`.graphql", "query A { a }")
    comment = run("newer.graphql", "--base", "old.graphql", "--operations", "uses", "--format", "markdown").stdout
    assert "@ann" not in comment
    assert "<script>" not in comment


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("supergraph.yaml", "--base", "nowhere"), 'there is no file, no URL and no commit "nowhere"'),
        (("supergraph.yaml", "--base", "base", "--operations", "broken.graphql"), "broken.graphql:1: Syntax Error"),
        (("supergraph.yaml", "--base", "broken.graphql"), "broken.graphql:1: Syntax Error"),
        (("subgraphs/books.graphql", "--base", "base"), "--subgraph NAME=subgraphs/books.graphql with the --registry"),
        (("supergraph.yaml", "--base", "base", "--approvals", "broken.graphql"), "broken.graphql:1"),
        (("supergraph.yaml", "--base", "http://127.0.0.1:1/graphql", "--timeout", "2"), "http://127.0.0.1:1/graphql"),
    ],
)
def test_what_cannot_be_read(repository: Repository, arguments: tuple[str, ...], message: str) -> None:
    repository.write("broken.graphql", "query {")
    result = run(*arguments)
    assert result.exit_code != 0
    assert message in result.output + str(result.exception)
    assert "Traceback" not in result.output


def test_a_base_that_does_not_compose(repository: Repository) -> None:
    repository.write("subgraphs/books.graphql", BOOKS.replace('fields: "id"', 'fields: "uuid"'))
    repository.commit()
    repository.write("subgraphs/books.graphql", BOOKS)
    result = run("supergraph.yaml", "--base", "HEAD")
    assert "  --> HEAD:subgraphs/books.graphql:3:11" in result.output.splitlines()
    assert "KEY_INVALID_FIELDS" in result.output
    assert "the subgraphs of the base do not compose" in str(result.exception)


def test_a_file_of_a_commit_is_named_as_in_the_repository(repository: Repository) -> None:
    repository.write("supergraph.yaml", "subgraphs:\n  books: 1\n")
    repository.commit()
    repository.write("supergraph.yaml", SUPERGRAPH)
    result = run("supergraph.yaml", "--base", "HEAD")
    problem, advice = str(result.exception).splitlines()
    assert problem.startswith("at HEAD: supergraph.yaml:2: ")
    assert advice.endswith("Name the last version that was released as --base")


def test_a_proposed_version_that_does_not_compose(repository: Repository) -> None:
    repository.write("subgraphs/books.graphql", BOOKS.replace('fields: "id"', 'fields: "uuid"'))
    result = run("supergraph.yaml", "--base", "base")
    assert result.exit_code == 1
    assert "KEY_INVALID_FIELDS" in result.output


def test_a_check_of_files_needs_no_http_client() -> None:
    # The import of httpx would take a third of the start of `router check`.
    script = "import sys, router.cli.check; sys.exit('httpx' in sys.modules)"
    subprocess.run((sys.executable, "-c", script), check=True)


DEPRECATED = "type Query implements I {\n  a: Int @deprecated\n}\ninterface I {\n  a: Int\n}\n"


def test_problems_that_the_base_has_too_do_not_prevent_a_check(repository: Repository) -> None:
    # Servers of earlier editions of the GraphQL specification allow this schema.
    repository.write("old.graphql", DEPRECATED)
    repository.write("new.graphql", DEPRECATED.replace("interface I {", "interface I {\n  b: Int"))
    result = run("new.graphql", "--base", "old.graphql")
    assert str(result.exception) == "new.graphql:5: Interface field I.b expected but Query does not provide it."
    repository.write("new.graphql", DEPRECATED.replace("  a: Int @", "  b: Int\n  a: Int @"))
    result = run("new.graphql", "--base", "old.graphql")
    assert result.exit_code == 0, result.output
    assert "FIELD_ADDED" in result.output
