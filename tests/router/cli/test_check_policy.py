"""`router check` with a policy in a file, and with a registry of other subgraphs, as a user runs it.

Covers `router/cli/check_inputs.py`, `router/cli/check_init_and_schema.py`, `router/cli/completion.py`,
`router/cli/publish.py`, `router/cli/registry.py`, `router/schema_check/registry_schema_sources.py` and
`router/schema_check/schema_sources.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from router.cli import command
from tests.router.schema_check.comment.comment_server import CommentServer
from tests.router.schema_check.git_repository import BOOKS, Repository

if TYPE_CHECKING:
    from click.testing import Result

PEOPLE = "type Query { person: Int }"
WITHOUT_OLD = BOOKS.replace(" old: Int", "")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository with an uncommitted change that breaks clients of the field `Query.old`."""
    repository = Repository.create(tmp_path / "repository")
    repository.write("subgraphs/books.graphql", WITHOUT_OLD)
    monkeypatch.chdir(repository.folder)
    for name in ("CI_MERGE_REQUEST_IID", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    return repository


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, prog_name="router")


def changes(*arguments: str) -> list[str]:
    """The ids of the changes that a check finds."""
    result = run("check", *arguments, "--format", "json")
    assert result.exit_code in {0, 1}, str(result.exception)
    return [change["id"] for change in json.loads(result.stdout)["changes"]]


def test_the_policy_says_what_is_compared(repository: Repository) -> None:
    repository.write(".router/check.yaml", "proposed: supergraph.yaml\nbase: base\n")
    assert changes() == ["FIELD_REMOVED:Query.old"]


def test_an_option_overrides_its_key(repository: Repository) -> None:
    repository.write(
        ".router/check.yaml", "proposed: supergraph.yaml\nbase: nowhere\nseverities: {FIELD_REMOVED: safe}"
    )
    assert run("check", "--base", "base").exit_code == 0
    assert run("check", "--base", "base", "--skip", "diff").exit_code == 0


def test_a_policy_with_another_name(repository: Repository) -> None:
    repository.write("ci/policy.yaml", "proposed: ../supergraph.yaml\nbase: base\nfail_on: dangerous")
    assert changes("--policy", "ci/policy.yaml") == ["FIELD_REMOVED:Query.old"]


@pytest.mark.parametrize(
    ("policy", "arguments", "message"),
    [
        ("", (), "Name the schema to check as PROPOSED, such as supergraph.yaml, or write .router/check.yaml"),
        ("", ("supergraph.yaml",), "Name --base, such as origin/main."),
        ("", ("--subgraph", "books=subgraphs/books.graphql"), "name --registry"),
        ("", ("--subgraph", "books"), '"books" is not NAME=FILE'),
    ],
)
def test_what_is_missing(repository: Repository, policy: str, arguments: tuple[str, ...], message: str) -> None:
    repository.write(".router/check.yaml", policy)
    result = run("check", *arguments)
    assert result.exit_code == 2
    assert message in result.output.replace("\n", " ")


@pytest.mark.usefixtures("repository")
def test_init_writes_a_policy_that_works() -> None:
    assert run("check", "init").exit_code == 0
    assert changes("--base", "base") == ["FIELD_REMOVED:Query.old"]
    assert json.loads(Path(".router/check.schema.json").read_text()) == json.loads(run("check", "schema").stdout)
    again = run("check", "init")
    assert str(again.exception) == ".router/check.yaml exists already; --force overwrites it"
    assert run("check", "init", "--force").exit_code == 0


def test_lint_runs_if_asked(repository: Repository) -> None:
    repository.write("subgraphs/books.graphql", BOOKS.replace("old: Int", "old: Int Shouted: Int"))
    arguments = ("check", "supergraph.yaml", "--base", "base")
    assert "Query.Shouted" not in run(*arguments, "--skip", "diff").stdout
    assert "Query.Shouted" in run(*arguments, "--skip", "diff", "--lint").stdout
    assert "Query.Shouted" not in run(*arguments, "--skip", "diff", "--lint", "--skip", "lint").stdout
    repository.write(".router/check.yaml", "lint: {rule: {}}")
    assert str(run(*arguments).exception).startswith(".router/check.yaml:1: lint: unknown key rule")


def test_several_reports_of_one_check(repository: Repository) -> None:
    reports = ("--report", "gitlab=quality.json", "--report", "junit=report.xml")
    assert run("check", "supergraph.yaml", "--base", "base", *reports).stdout.startswith("breaking[FIELD_REMOVED]")
    assert json.loads((repository.folder / "quality.json").read_text())[0]["check_name"] == "FIELD_REMOVED"
    assert (repository.folder / "report.xml").read_text().startswith("<?xml")
    wrong = run("check", "supergraph.yaml", "--base", "base", "--report", "xml=report.xml")
    assert wrong.exit_code == 2
    assert "is not FORMAT=FILE; the formats are text, json" in wrong.output.replace("\n", " ")


def test_init_without_a_schema_says_what_to_write(repository: Repository) -> None:
    (repository.folder / "supergraph.yaml").unlink()
    assert "write its path as `proposed`, or `registry` and `subgraphs`" in run("check", "init").output


@pytest.fixture
def registry(repository: Repository) -> str:
    """A registry with `books` as it was at the tag `base`, and the subgraph of another repository."""
    repository.write("old.graphql", BOOKS)
    repository.write("people.graphql", PEOPLE)
    folder = str(repository.folder.parent / "registry")
    assert (
        run("publish", folder, "--subgraph", "books=old.graphql", "--routing-url", "http://b.example/").exit_code == 0
    )
    done = run("publish", folder, "--subgraph", "people=people.graphql", "--routing-url", "http://p.example/")
    assert done.output == f"{folder}: version 2 is published (people)\n"
    return folder


def test_one_subgraph_is_checked_together_with_the_published_ones(registry: str) -> None:
    assert changes("--registry", registry, "--subgraph", "books=subgraphs/books.graphql") == ["FIELD_REMOVED:Query.old"]


@pytest.mark.usefixtures("repository")
def test_the_base_can_be_a_commit_of_one_subgraph(registry: str) -> None:
    arguments = ("--registry", registry, "--subgraph", "books=subgraphs/books.graphql")
    assert changes(*arguments, "--base", "base") == ["FIELD_REMOVED:Query.old"]


def test_a_subgraph_that_does_not_fit_the_others_fails(repository: Repository, registry: str) -> None:
    repository.write("subgraphs/books.graphql", "type Query { person: String }")
    result = run("check", "--registry", registry, "--subgraph", "books=subgraphs/books.graphql")
    assert result.exit_code == 1
    assert "FIELD_TYPE_MISMATCH" in result.output


def test_a_new_subgraph_needs_a_url(repository: Repository, registry: str) -> None:
    repository.write("new.graphql", "type Query { new: Int }")
    result = run("check", "--registry", registry, "--subgraph", "new=new.graphql")
    assert 'has no subgraph "new" yet, so its routing_url is needed' in str(result.exception)
    policy = f"registry: {registry}\nsubgraphs: {{new: {{file: new.graphql, routing_url: http://n.example/}}}}\n"
    repository.write(".router/check.yaml", policy)
    assert changes() == ["FIELD_ADDED:Query.new"]


def test_the_registry_is_readable(registry: str) -> None:
    lines = run("registry", "history", registry).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["2", "1"]
    assert run("registry", "show", registry, "people").stdout.strip() == PEOPLE
    assert run("registry", "show", registry).stdout.startswith("books  version 1  http://b.example/  ")
    assert 'has no subgraph "x"; it has books, people' in str(run("registry", "show", registry, "x").exception)
    assert run("registry", "verify", registry).stdout == f"{registry}: all files of 2 versions have their checksums\n"
    for path in Path(registry).rglob("*.graphql"):
        path.unlink()
    assert len(str(run("registry", "verify", registry).exception).splitlines()) == 4


def test_publishing_what_is_published_or_does_not_compose(repository: Repository, registry: str) -> None:
    assert "already has these subgraphs" in run("publish", registry, "--subgraph", "books=old.graphql").output
    repository.write("bad.graphql", "type Query { person: String }")
    result = run("publish", registry, "--subgraph", "books=bad.graphql")
    assert result.exit_code == 1
    assert "Nothing is published" in result.output
    assert "bad.graphql:1:" in result.output
    assert run("publish", registry, "--remove", "books").exit_code == 0


@pytest.mark.parametrize(
    "arguments", [(), ("--subgraph", "x"), ("--subgraph", "x=gone"), ("--remove", "x", "--routing-url", "http://x/")]
)
def test_bad_usage_of_publish(registry: str, arguments: tuple[str, ...]) -> None:
    assert run("publish", registry, *arguments).exit_code == 2


def test_a_comment_is_written_and_replaced(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    with CommentServer.running() as server:
        for name, value in server.gitlab().items():
            monkeypatch.setenv(name, value)
        arguments = ("check", "supergraph.yaml", "--base", "base", "--comment")
        assert "The comment of this check was created." in run(*arguments).stderr
        repository.write("subgraphs/books.graphql", BOOKS)
        assert "The comment of this check was replaced." in run(*arguments).stderr
        (comment,) = server.comments
        assert "The check passes" in comment.body


@pytest.mark.usefixtures("repository")
def test_a_comment_that_cannot_be_written_does_not_change_the_verdict() -> None:
    result = run("check", "supergraph.yaml", "--base", "supergraph.yaml", "--comment")
    assert result.exit_code == 0
    assert "warning: no comment was written: this job does not belong to a merge request" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_options(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "_ROUTER_COMPLETE" in run("completion", shell).stdout
    monkeypatch.setenv("_ROUTER_COMPLETE", f"{shell}_complete")
    for words, expected in (
        ("router che", "check"),
        ("router check --fail-o", "--fail-on"),
        ("router check ini", "init"),
    ):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", words.rpartition(" ")[2] if shell == "fish" else str(words.count(" ")))
        assert expected in CliRunner().invoke(command, prog_name="router").output
