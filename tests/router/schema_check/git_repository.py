"""A temporary git repository for tests, with a list of subgraphs as its schema."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

BOOKS: Final = """\
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
type Query { book(id: ID!): Book old: Int }
type Book @key(fields: "id") { id: ID! title: String }
"""
SUPERGRAPH: Final = """\
subgraphs:
  books:
    routing_url: http://books.example/graphql
    schema: {file: subgraphs/books.graphql}
"""


@dataclass(frozen=True, slots=True)
class Repository:
    folder: Path

    @classmethod
    def create(cls, folder: Path) -> Repository:
        """A repository whose first commit, the tag `base`, has `supergraph.yaml` and the subgraph `books`."""
        folder.mkdir(parents=True, exist_ok=True)
        repository = cls(folder)
        repository.git("init", "--quiet", "--initial-branch=main")
        repository.write("supergraph.yaml", SUPERGRAPH)
        repository.write("subgraphs/books.graphql", BOOKS)
        repository.commit()
        repository.git("tag", "base")
        return repository

    def git(self, *arguments: str) -> None:
        identity = {
            name: "test" for each in ("AUTHOR", "COMMITTER") for name in (f"GIT_{each}_NAME", f"GIT_{each}_EMAIL")
        }
        quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        subprocess.run(
            ("git", "-c", "protocol.file.allow=always", *arguments),  # noqa: S607 - the git of the machine
            cwd=self.folder,
            check=True,
            capture_output=True,
            env={**os.environ, **identity, **quiet},
        )

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=change")
