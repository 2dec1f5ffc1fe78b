from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.schema_check.git_files import GitCommit, GitError
from tests.router.schema_check.git_repository import BOOKS, Repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "repository")


def test_a_file_as_it_was(repository: Repository) -> None:
    path = repository.write("subgraphs/books.graphql", "type Query { new: Int }")
    assert GitCommit.find(repository.folder, "base").read(path).decode() == BOOKS


def test_a_file_under_its_old_name(repository: Repository) -> None:
    (repository.folder / "subgraphs").rename(repository.folder / "services")
    repository.git("add", "--all")
    commit = GitCommit.find(repository.folder, "base")
    path = repository.folder / "services" / "books.graphql"
    assert commit.old_path(path) == repository.folder / "subgraphs" / "books.graphql"
    assert commit.old_path(repository.folder / "supergraph.yaml") == repository.folder / "supergraph.yaml"


def test_a_file_in_a_submodule(repository: Repository, tmp_path: Path) -> None:
    inner = Repository.create(tmp_path / "inner")
    repository.git("submodule", "--quiet", "add", str(inner.folder), "inner")
    repository.commit()
    repository.git("tag", "with-submodule")
    inside = Repository(repository.folder / "inner")
    path = inside.write("subgraphs/books.graphql", "type Query { new: Int }")
    inside.commit()
    repository.commit()
    assert GitCommit.find(repository.folder, "with-submodule").read(path).decode() == BOOKS


def test_a_submodule_that_is_not_checked_out(repository: Repository, tmp_path: Path) -> None:
    inner = Repository.create(tmp_path / "inner")
    repository.git("submodule", "--quiet", "add", str(inner.folder), "inner")
    repository.commit()
    clone = Repository(tmp_path / "clone")
    repository.git("clone", "--quiet", str(repository.folder), str(clone.folder))
    with pytest.raises(GitError, match="inner is a submodule that is not checked out: git submodule update --init"):
        GitCommit.find(clone.folder, "HEAD").read(clone.folder / "inner" / "supergraph.yaml")


@pytest.mark.parametrize("name", ["nothing", "--version", "", "base:supergraph.yaml"])
def test_a_name_that_is_no_commit(repository: Repository, name: str) -> None:
    with pytest.raises(GitError):
        GitCommit.find(repository.folder, name)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("HEAD~1", ("fetch", "--unshallow")),
        ("origin/other/branch", ("fetch", "--depth=1", "origin", "other/branch:refs/remotes/origin/other/branch")),
    ],
)
def test_a_shallow_clone_says_what_to_do(
    repository: Repository, tmp_path: Path, name: str, command: tuple[str, ...]
) -> None:
    repository.git("branch", "other/branch")
    repository.write("more.txt", "x")
    repository.commit()
    clone = Repository(tmp_path / "clone")
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(clone.folder))
    with pytest.raises(GitError) as caught:
        GitCommit.find(clone.folder, name)
    assert str(caught.value).endswith(f"this clone is shallow, so fetch the commit first: git {' '.join(command)}")
    clone.git(*command)
    assert GitCommit.find(clone.folder, name).name == name


def test_a_shallow_clone_says_how_to_fetch_a_commit_by_its_hash(repository: Repository, tmp_path: Path) -> None:
    clone = Repository(tmp_path / "clone")
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(clone.folder))
    with pytest.raises(GitError, match=r"git fetch --depth=1 origin 0123456789abcdef$"):
        GitCommit.find(clone.folder, "0123456789abcdef")


def test_a_missing_file(repository: Repository) -> None:
    with pytest.raises(GitError, match=r"new\.graphql does not exist at base"):
        GitCommit.find(repository.folder, "base").read(repository.folder / "new.graphql")


def test_a_folder_outside_of_any_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(GitError, match="is not in a git repository"):
        GitCommit.find(tmp_path, "HEAD")
