"""Reads one version of a schema: from subgraphs, a supergraph or a plain schema; from files, a URL or a commit."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    build_ast_schema,
    build_client_schema,
    get_introspection_query,
    parse,
    print_schema,
    validate_schema,
)

from router.composition import compose
from router.composition.file_locations import SourceFile
from router.composition.rendering.collect_diagnostics import Diagnostics
from router.composition.subgraph_loading import RunningService, load_subgraphs, without_secrets
from router.composition.supergraph_yaml import ConfigError, SubgraphSource, read_config
from router.errors import InvalidSupergraph
from router.schema_check.coordinate_places import SchemaText
from router.schema_check.git_files import GitCommit, GitError
from router.supergraph.api_schema_loading import load_api_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from router.composition import Subgraph

YAML: Final = (".yaml", ".yml")


class UnreadableSchema(ValueError):
    """A version of the schema cannot be read. The message says where it is and what is wrong."""


class NotComposable(Exception):
    """The subgraphs of a version do not compose.

    Attributes:
        diagnostics: The errors of the composition.
    """

    def __init__(self, diagnostics: Diagnostics) -> None:
        super().__init__("the subgraphs do not compose")
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """One version of a schema.

    Attributes:
        label: What the user named, such as `supergraph.yaml` or `origin/main`.
        schema: The schema that clients see.
        texts: The texts that declare it: the SDL of each subgraph, or the supergraph, or the plain schema.
        directive_names: Names of directives in the schema → their names in the specifications of Apollo.
    """

    label: str
    schema: GraphQLSchema
    texts: tuple[SchemaText, ...]
    directive_names: Mapping[str, str]


def read_version(path: Path, timeout_seconds: float) -> SchemaVersion:
    """Read a version from a file: a list of subgraphs (`supergraph.yaml`), a supergraph, or a plain schema.

    Raises:
        UnreadableSchema: The file, or a file or service that it names, is not a schema.
        NotComposable: The subgraphs do not compose.
    """
    label = os.path.relpath(path)
    if path.suffix in YAML:
        try:
            sources = read_config(path, os.environ)
            return _composed(label, sources, load_subgraphs(sources, timeout_seconds))
        except ConfigError as error:
            raise UnreadableSchema(str(error)) from error
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableSchema(f"{label}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableSchema(f"{label}: is not UTF-8") from error
    return _of_text(label, SchemaText(text, SourceFile(label)))


async def read_url(
    url: str, timeout_seconds: float, transport: httpx.AsyncBaseTransport | None = None
) -> SchemaVersion:
    """Read a version from a running service, by introspection.

    The schema of introspection has no directives on its elements, so their changes are not found.

    Raises:
        UnreadableSchema: The service is unreachable, or does not allow introspection.
    """
    label = without_secrets(url)
    try:
        _, body = await RunningService(url, {}, timeout_seconds, transport).send(get_introspection_query())
    except ConfigError as error:
        raise UnreadableSchema(str(error)) from error
    try:
        schema = build_client_schema(json.loads(body)["data"])
        sdl = print_schema(schema)
    except (ValueError, TypeError, KeyError, RecursionError, GraphQLError):
        schema, sdl = None, ""
    if schema is None or schema.query_type is None:
        raise UnreadableSchema(
            f"{label}: does not return its schema; allow introspection there, or name a file or a commit"
        )
    return _of_text(label, SchemaText(sdl, None))


def read_commit(path: Path, name: str, timeout_seconds: float) -> SchemaVersion:
    """Read the version that `path` had at a commit, together with the files that it names.

    Raises:
        UnreadableSchema: The commit or a file does not exist, or is not a schema.
        NotComposable: The subgraphs of that commit do not compose.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        try:
            commit = GitCommit.find(path.resolve().parent, name)
            version = read_version(_export(commit, path, folder), timeout_seconds)
        except GitError as error:
            raise UnreadableSchema(str(error)) from error
        except UnreadableSchema as error:
            # The user knows the file by its path in the repository, not by the path of the copy.
            message = str(error).replace(f"{os.path.relpath(folder)}/", "").replace(f"{folder}/", "")
            raise UnreadableSchema(f"at {name}: {message}") from error
        except NotComposable as error:
            files = {key: _at_commit(file, folder, name) for key, file in error.diagnostics.files.items()}
            raise NotComposable(replace(error.diagnostics, files=files)) from error
        texts = tuple(
            replace(each, file=None if each.file is None else _at_commit(each.file, folder, name))
            for each in version.texts
        )
        return replace(version, label=name, texts=texts)


def _export(commit: GitCommit, path: Path, folder: Path) -> Path:
    """Write the file, and the files that it names, as they were at the commit. Return the path of the copy."""
    old = commit.old_path(path)
    copy = _write(commit, old, folder)
    if copy.suffix in YAML:
        try:
            sources = read_config(copy, os.environ)
        except ConfigError as error:
            raise UnreadableSchema(str(error)) from error
        for source in sources:
            if source.file is not None:
                inside = commit.root / source.file.resolve().relative_to(folder.resolve())
                _write(commit, inside, folder)
    return copy


def _write(commit: GitCommit, path: Path, folder: Path) -> Path:
    copy = folder / path.resolve().relative_to(commit.root.resolve())
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(commit.read(path))
    return copy


def _at_commit(file: SourceFile, folder: Path, name: str) -> SourceFile:
    """Return the file with the path that it had at the commit, such as `origin/main:users.graphql`."""
    relative = Path(file.path).resolve().relative_to(folder)
    return replace(file, path=f"{name}:{relative.as_posix()}")


def _composed(label: str, sources: Sequence[SubgraphSource], subgraphs: Sequence[Subgraph]) -> SchemaVersion:
    result = compose(subgraphs)
    origins = {source.name: source.origin for source in sources if source.origin is not None}
    files = {name: replace(file, path=os.path.relpath(file.path)) for name, file in origins.items()}
    if result.supergraph_sdl is None:
        sdl = {subgraph.name: subgraph.sdl for subgraph in subgraphs}
        raise NotComposable(Diagnostics.of(result, sdl, files, None))
    version = _of_text(label, SchemaText(result.supergraph_sdl, None))
    texts = tuple(SchemaText(subgraph.sdl, files.get(subgraph.name), subgraph.name) for subgraph in subgraphs)
    return replace(version, texts=texts)


def _of_text(label: str, source: SchemaText) -> SchemaVersion:
    try:
        document = parse(source.text)
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else 1
        raise UnreadableSchema(f"{label}:{line}: {error.message}") from error
    except RecursionError:
        raise UnreadableSchema(f"{label}: is nested too deeply") from None
    if "join__Graph" in source.text:
        try:
            loaded = load_api_schema(document)
        except InvalidSupergraph as error:
            raise UnreadableSchema(f"{label}: {error.message}") from error
        return SchemaVersion(label, loaded.schema, (source,), loaded.directive_names)
    return SchemaVersion(label, _plain(label, document), (source,), {})


def _plain(label: str, document: DocumentNode) -> GraphQLSchema:
    try:
        schema = build_ast_schema(document)
    except (GraphQLError, TypeError) as error:
        raise UnreadableSchema(f"{label}: {error}") from error
    problems = validate_schema(schema)
    if problems:
        raise UnreadableSchema(f"{label}: {problems[0].message}")
    return schema
