"""`router check` as somebody uses it who has never seen it: each output says what to do next.

Covers `router/schema_check/rendering/finding_texts.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from router.cli import command
from tests.router.schema_check.git_repository import BOOKS, Repository

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT_OLD = BOOKS.replace(" old: Int", "")
APPROVAL = """\
approvals:
  - {change: "FIELD_REMOVED:Query.old", reason: The last client moved., by: ann, until: 2020-01-31}
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    repository = Repository.create(tmp_path / "repository")
    monkeypatch.chdir(repository.folder)
    monkeypatch.setenv("NO_COLOR", "1")
    return repository


def check(*arguments: str, base: str = "base") -> tuple[int, str]:
    """The exit code, and all that a user reads."""
    result = CliRunner().invoke(command, ["check", "supergraph.yaml", "--base", base, *arguments], prog_name="router")
    message = str(result.exception) if result.exception and not isinstance(result.exception, SystemExit) else ""
    return result.exit_code, result.output + message


def test_a_breaking_change(repository: Repository) -> None:
    repository.write("subgraphs/books.graphql", WITHOUT_OLD)
    code, text = check()
    assert code == 1
    assert "mark it with @deprecated, and remove it when no client uses it" in text
    assert "Or approve FIELD_REMOVED:Query.old in .router/approvals.yaml (change, reason, by, until)." in text
    assert "name it with --operations or --usage" in text


def test_a_harmless_change(repository: Repository) -> None:
    repository.write("subgraphs/books.graphql", BOOKS.replace("old: Int", "old: Int new: Int"))
    code, text = check()
    assert code == 0
    assert text.splitlines() == [
        "safe[FIELD_ADDED]: The field Query.new was added.",
        "The check passes. Changes from base to supergraph.yaml: 0 breaking, 0 dangerous, 1 safe.",
    ]


def test_a_breaking_change_of_a_field_that_nobody_uses(repository: Repository) -> None:
    repository.write("subgraphs/books.graphql", WITHOUT_OLD)
    repository.write("operations/book.graphql", "{ book(id: 1) { title } }")
    code, text = check("--operations", "operations")
    assert code == 0
    assert "note: no known operation breaks, so the check passes" in text
    assert "--usage" not in text


def test_an_expired_approval(repository: Repository) -> None:
    repository.write("subgraphs/books.graphql", WITHOUT_OLD)
    repository.write(".router/approvals.yaml", APPROVAL)
    code, text = check()
    assert code == 1
    assert "the approval in .router/approvals.yaml:2 ended on 2020-01-31" in text
    assert "Or decide again, and set a later day `until` for its approval." in text


def test_a_broken_base(repository: Repository) -> None:
    repository.write("subgraphs/books.graphql", BOOKS.replace(": Book", ": Gone"))
    repository.commit()
    repository.git("tag", "broken")
    repository.write("subgraphs/books.graphql", BOOKS)
    code, text = check(base="broken")
    assert code != 0
    assert "Unknown type" in text
    assert "the subgraphs of the base do not compose" in text
    assert "Name the last version that was released as --base" in text


def test_a_shallow_clone(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.write("README.md", "A second commit.")
    repository.commit()
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    code, text = check(base="HEAD~1")
    assert code != 0
    assert "this clone is shallow, so fetch the commit first: git fetch --unshallow" in text


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("arguments", "base", "advice"),
    [
        ((), "nowhere", "`git branch --all` lists the known branches, `git fetch` gets the branches of the remote"),
        ((), "http://127.0.0.1:1/graphql", "without a network, name a file or a commit as the base"),
        (("--registry", "http://127.0.0.1:1/registry"), "base", "without a network, name a folder as --registry"),
        (("--registry", "git+http://127.0.0.1:1/x.git"), "base", "without a network, name a folder as the registry"),
    ],
)
def test_what_cannot_be_reached(arguments: tuple[str, ...], base: str, advice: str) -> None:
    code, text = check(*arguments, base=base)
    assert code != 0
    assert advice in text
