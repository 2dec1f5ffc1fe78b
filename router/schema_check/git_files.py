"""Reads files as they were at another commit of a git repository, also in submodules and under an old name."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SUBMODULE_MODE = "160000"


class GitError(ValueError):
    """A file of another commit cannot be read. The message says what to do."""


@dataclass(frozen=True, slots=True)
class GitCommit:
    """A commit.

    Attributes:
        root: The working tree of the repository.
        name: The commit as the user named it, such as `origin/main`.
        commit: The full hash of the commit.
    """

    root: Path
    name: str
    commit: str

    @classmethod
    def find(cls, folder: Path, name: str) -> GitCommit:
        """Find a commit of the repository that contains `folder`.

        Raises:
            GitError: git is not installed, `folder` is not in a repository, or the repository has no such commit.
        """
        problem = (
            f'{folder} is not in a git repository, so there is no commit "{name}"; name a file or a URL as the base'
        )
        root = Path(_git(folder, "rev-parse", "--show-toplevel", problem=problem).strip())
        # git would read such a name as an option.
        if name.startswith("-"):
            raise GitError(f'"{name}" is not the name of a commit')
        problem = f'there is no file, no URL and no commit "{name}"'
        if _is_shallow(root):
            problem += f"; this clone is shallow, so fetch the commit first: {_fetch(name)}"
        else:
            problem += "; `git branch --all` lists the known branches, `git fetch` gets the branches of the remote"
        commit = _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", problem=problem).strip()
        return cls(root, name, commit)

    def read(self, path: Path) -> bytes:
        """Return the content that a file had at this commit.

        Raises:
            GitError: The commit has no such file.
        """
        relative = PurePosixPath(path.resolve().relative_to(self.root.resolve()).as_posix())
        found = _show(self.root, self.commit, relative)
        if found is None:
            found = self._read_in_submodule(relative)
        if found is None:
            raise GitError(f"{relative} does not exist at {self.name}; name a commit that has it, or a file")
        return found

    def read_all(self, paths: Sequence[Path]) -> list[bytes]:
        """Return the contents of many files, in their order. One process of git reads all of them.

        Raises:
            GitError: The commit does not have one of the files.
        """
        root = self.root.resolve()
        names = [path.resolve().relative_to(root).as_posix() for path in paths]
        found = _blobs(self.root, [f"{self.commit}:{name}" for name in names])
        return [self.read(path) if blob is None else blob for path, blob in zip(paths, found, strict=True)]

    def old_path(self, path: Path) -> Path:
        """Return the path that a file had at this commit.

        This path differs from `path` if the file was renamed since then.
        """
        relative = path.resolve().relative_to(self.root.resolve()).as_posix()
        if _show(self.root, self.commit, PurePosixPath(relative)) is not None:
            return path
        arguments = ("diff", "--find-renames", "--name-status", "-z", self.commit)
        fields = iter(_git(self.root, *arguments, problem=f"git cannot compare with {self.name}").split("\0"))
        for status in fields:
            if status.startswith(("R", "C")):
                before, after = next(fields), next(fields)
                if after == relative:
                    return self.root / before
            else:
                next(fields, None)
        return path

    def _read_in_submodule(self, relative: PurePosixPath) -> bytes | None:
        for folder in reversed(relative.parents[:-1]):
            entry = _git(self.root, "ls-tree", self.commit, "--", str(folder), problem=f"git cannot list {folder}")
            mode, _, rest = entry.partition(" ")
            if mode == _SUBMODULE_MODE:
                commit = rest.split()[1]
                inside = self.root / folder
                if not (inside / ".git").exists():
                    raise GitError(f"{folder} is a submodule that is not checked out: git submodule update --init")
                return GitCommit(inside, self.name, commit).read(inside / relative.relative_to(folder))
        return None


def default_branch(folder: Path) -> str:
    """Return the default branch of the remote repository, or `origin/main` if git does not know this branch."""
    try:
        return _git(folder, "rev-parse", "--abbrev-ref", "origin/HEAD", problem="").strip()
    except GitError:
        return "origin/main"


def _fetch(name: str) -> str:
    """Return the command that fetches a commit into a shallow clone."""
    remote, slash, branch = name.partition("/")
    if remote == "origin" and slash:
        # A shallow clone tracks only one branch. For another branch, git creates `origin/...` only if the command has
        # this name.
        return f"git fetch --depth=1 origin {branch}:refs/remotes/{name}"
    if any(each in name for each in "~^@"):
        return "git fetch --unshallow"
    return f"git fetch --depth=1 origin {name}"


def _is_shallow(root: Path) -> bool:
    return _git(root, "rev-parse", "--is-shallow-repository", problem="").strip() == "true"


def _show(root: Path, commit: str, relative: PurePosixPath) -> bytes | None:
    done = subprocess.run(  # noqa: S603 - the arguments are a hash and a path after `:`
        ("git", "show", f"{commit}:{relative}"),  # noqa: S607 - the user's own git
        cwd=root,
        capture_output=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


def _blobs(root: Path, names: Sequence[str]) -> list[bytes | None]:
    """Return the content of each object, or None if the object does not exist or is not a file."""
    # git reads one name from each line. A name with a line break is replaced by an empty name, which git cannot find.
    asked = "".join("\n" if "\n" in name else f"{name}\n" for name in names)
    command = ("git", "cat-file", "--batch")
    done = subprocess.run(command, cwd=root, input=os.fsencode(asked), capture_output=True, check=False)  # noqa: S603
    found: list[bytes | None] = []
    rest = done.stdout
    while rest:
        header, _, rest = rest.partition(b"\n")
        kind, _, size = header.partition(b" ")[2].partition(b" ")
        if not size.isdigit():
            found.append(None)
            continue
        content, rest = rest[: int(size)], rest[int(size) + 1 :]
        found.append(content if kind == b"blob" else None)
    return found if len(found) == len(names) else [None] * len(names)


def _git(folder: Path, *arguments: str, problem: str) -> str:
    try:
        done = subprocess.run(("git", *arguments), cwd=folder, capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError as error:
        raise GitError("git is not installed; name a file or a URL as the base") from error
    if done.returncode != 0:
        raise GitError(problem)
    return done.stdout.decode(errors="surrogateescape")
