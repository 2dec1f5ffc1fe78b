"""Reads the texts of one version of a schema: of subgraphs, a supergraph or a plain schema, in files or in a commit.

Composition comes later (`schema_versions`), so that both versions of a check can be composed at the same time.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from router.composition.file_locations import SourceFile
from router.composition.subgraph_loading import load_subgraphs
from router.composition.supergraph_yaml import ConfigError, read_config
from router.schema_check.find_lines_of_elements import SchemaText
from router.schema_check.git_files import GitCommit, GitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.composition import Subgraph

YAML: Final = (".yaml", ".yml")


class UnreadableSchema(ValueError):
    """A version of the schema cannot be read. The message says where it is and what is wrong."""


@dataclass(frozen=True, slots=True)
class SchemaSource:
    """The texts of one version. Either `subgraphs` or `text` is given.

    Attributes:
        label: The file, URL or commit that the user gave, such as `supergraph.yaml` or `origin/main`.
        subgraphs: The subgraphs to compose.
        text: A supergraph or a plain schema.
        files: The name of a subgraph → its file, as messages name it.
    """

    label: str
    subgraphs: tuple[Subgraph, ...] | None = None
    text: SchemaText | None = None
    files: Mapping[str, SourceFile] = field(default_factory=dict)


def read_source(path: Path, timeout_seconds: float) -> SchemaSource:
    """Read one schema, or a list of subgraphs (`supergraph.yaml`) with the files and services in the list.

    Raises:
        UnreadableSchema: A file or service cannot be read.
    """
    label = os.path.relpath(path)
    if path.suffix not in YAML:
        return SchemaSource(label, text=SchemaText(read_utf_8(path), SourceFile(label)))
    try:
        sources = read_config(path, os.environ)
        subgraphs = load_subgraphs(sources, timeout_seconds)
    except ConfigError as error:
        raise UnreadableSchema(str(error)) from error
    origins = {source.name: source.origin for source in sources if source.origin is not None}
    files = {name: replace(file, path=os.path.relpath(file.path)) for name, file in origins.items()}
    return SchemaSource(label, subgraphs=tuple(subgraphs), files=files)


def read_utf_8(path: Path) -> str:
    """Return the text of a file.

    Raises:
        UnreadableSchema: It cannot be read, or is not UTF-8.
    """
    label = os.path.relpath(path)
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableSchema(f"{label}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableSchema(f"{label}: is not UTF-8") from error


def read_source_at_commit(path: Path, name: str, timeout_seconds: float) -> SchemaSource:
    """Read the file at `path`, and the files that it names, as they were at a commit.

    Raises:
        UnreadableSchema: The commit or a file does not exist.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        try:
            commit = GitCommit.find(path.resolve().parent, name)
            source = read_source(_export(commit, path, folder), timeout_seconds)
        except GitError as error:
            raise UnreadableSchema(str(error)) from error
        except UnreadableSchema as error:
            # The user knows the file by its path in the repository, not by the path of the copy.
            message = str(error).replace(f"{os.path.relpath(folder)}/", "").replace(f"{folder}/", "")
            advice = f"{name} cannot be used. Name the last version that was released as --base"
            raise UnreadableSchema(f"at {name}: {message}\n{advice}") from error
        files = {key: _at_commit(file, folder, name) for key, file in source.files.items()}
        text = source.text
        if text is not None and text.file is not None:
            text = replace(text, file=_at_commit(text.file, folder, name))
        return replace(source, label=name, text=text, files=files)


def _export(commit: GitCommit, path: Path, folder: Path) -> Path:
    """Copy the file, and the files that it names, from the commit into `folder`. Return the path of the copy."""
    old = commit.old_path(path)
    (copy,) = _write(commit, [old], folder)
    if copy.suffix in YAML:
        try:
            sources = read_config(copy, os.environ)
        except ConfigError as error:
            raise UnreadableSchema(str(error)) from error
        named = [source.file.resolve().relative_to(folder) for source in sources if source.file is not None]
        _write(commit, [commit.root / each for each in named], folder)
    return copy


def _write(commit: GitCommit, paths: list[Path], folder: Path) -> list[Path]:
    root = commit.root.resolve()
    copies = [folder / path.resolve().relative_to(root) for path in paths]
    for copy, content in zip(copies, commit.read_all(paths), strict=True):
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
    return copies


def _at_commit(file: SourceFile, folder: Path, name: str) -> SourceFile:
    """Return the file with a path for messages, such as `origin/main:users.graphql`."""
    relative = Path(file.path).resolve().relative_to(folder)
    return replace(file, path=f"{name}:{relative.as_posix()}")
