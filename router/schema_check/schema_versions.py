"""Makes versions of a schema from their texts: composes subgraphs, and loads the schema that clients see."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    build_client_schema,
    get_introspection_query,
    print_schema,
)

from router.composition import compose
from router.composition.rendering.collect_diagnostics import Diagnostics
from router.composition.supergraph_yaml import ConfigError
from router.composition.url_without_secrets import without_secrets
from router.errors import InvalidSupergraph
from router.federation.sdl.parse_sdl import parse_sdl
from router.schema_check.drop_join_directives import without_join_directives
from router.schema_check.find_lines_of_elements import SchemaText
from router.schema_check.plain_schemas import SchemaProblem, build_plain_schema
from router.schema_check.reuse_equal_definitions import parse_similar
from router.schema_check.schema_sources import SchemaSource, UnreadableSchema, read_source
from router.supergraph.load_api_schema import ApiSchema, load_api_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import httpx

    from router.composition import Composition


class NotComposable(Exception):
    """The subgraphs of a version do not compose.

    Attributes:
        label: The name of the version.
        diagnostics: The errors of the composition.
        is_base: Whether it is the version that clients know.
    """

    def __init__(self, label: str, diagnostics: Diagnostics, *, is_base: bool = False) -> None:
        super().__init__(f"{label}: the subgraphs do not compose")
        self.label = label
        self.diagnostics = diagnostics
        self.is_base = is_base


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """One version of a schema.

    Attributes:
        label: The file, URL or commit that the user gave, such as `supergraph.yaml` or `origin/main`.
        schema: The schema that clients see.
        texts: The texts that declare the schema: the SDL of each subgraph, or the supergraph, or the plain schema.
        directive_names: Maps the name of a directive in the schema to its name in Apollo's specification.
        supergraph_sdl: The supergraph; None for a plain schema.
        supergraph_document: The syntax tree of a composed supergraph, without the applied directives of the join
            specification. It can share nodes with another version (`parse_similar`).
        problems: What the GraphQL specification forbids in a plain schema.
    """

    label: str
    schema: GraphQLSchema
    texts: tuple[SchemaText, ...]
    directive_names: Mapping[str, str]
    supergraph_sdl: str | None = None
    supergraph_document: DocumentNode | None = None
    problems: tuple[SchemaProblem, ...] = ()


def read_version(path: Path, timeout_seconds: float) -> SchemaVersion:
    """Read a version from a file: a list of subgraphs (`supergraph.yaml`), a supergraph, or a plain schema.

    Raises:
        UnreadableSchema: The file, or a file or service that it names, is not a schema.
        NotComposable: The subgraphs do not compose.
    """
    source = read_source(path, timeout_seconds)
    return build_version(source, None if source.subgraphs is None else compose(source.subgraphs))


def build_version(
    source: SchemaSource,
    composition: Composition | None,
    document: DocumentNode | None = None,
    similar: SchemaVersion | None = None,
) -> SchemaVersion:
    """Load a version.

    Args:
        source: The texts.
        composition: The composition of the subgraphs; None if the source is one text.
        document: The syntax tree of the composed supergraph, if it is known.
        similar: Another version of the same schema, which makes loading faster.

    Raises:
        UnreadableSchema: The text is not a schema.
        NotComposable: The composition has errors.
    """
    if composition is None:
        if source.text is None:
            raise TypeError("the subgraphs of a source must be composed")
        return _of_text(source.label, source.text)
    subgraphs = source.subgraphs or ()
    sdl = composition.supergraph_sdl
    if sdl is None:
        texts = {subgraph.name: subgraph.sdl for subgraph in subgraphs}
        raise NotComposable(source.label, Diagnostics.of(composition, texts, source.files, None))
    if document is None:
        document = _parsed(source.label, lambda: _document(sdl, similar))
    loaded = _loaded(source.label, document)
    return SchemaVersion(
        label=source.label,
        schema=loaded.schema,
        texts=tuple(SchemaText(each.sdl, source.files.get(each.name), each.name) for each in subgraphs),
        directive_names=loaded.directive_names,
        supergraph_sdl=sdl,
        supergraph_document=document,
    )


def _document(sdl: str, similar: SchemaVersion | None) -> DocumentNode:
    if similar is None or similar.supergraph_sdl is None or similar.supergraph_document is None:
        return parse_sdl(without_join_directives(sdl))
    return parse_similar(sdl, similar.supergraph_sdl, similar.supergraph_document)


async def read_url(
    url: str, timeout_seconds: float, transport: httpx.AsyncBaseTransport | None = None
) -> SchemaVersion:
    """Read a version from a running service, by introspection.

    A schema from introspection does not show the directives on its elements. So changes of these directives are not
    found.

    Raises:
        UnreadableSchema: The service is unreachable, or does not allow introspection.
    """
    # The HTTP client takes a fifth of a second to import, and most checks compare files.
    from router.composition.query_running_service import RunningService  # noqa: PLC0415

    label = without_secrets(url)
    try:
        _, body = await RunningService(url, {}, timeout_seconds, transport).send(get_introspection_query())
    except ConfigError as error:
        raise UnreadableSchema(f"{error}; without a network, name a file or a commit as the base") from error
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


def _of_text(label: str, source: SchemaText) -> SchemaVersion:
    document = _parsed(label, lambda: parse_sdl(source.text))
    if "join__Graph" in source.text:
        loaded = _loaded(label, document)
        return SchemaVersion(label, loaded.schema, (source,), loaded.directive_names, source.text)
    schema, problems = build_plain_schema(label, document)
    return SchemaVersion(label, schema, (source,), {}, problems=problems)


def _parsed(label: str, parse: Callable[[], DocumentNode]) -> DocumentNode:
    try:
        return parse()
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else 1
        raise UnreadableSchema(f"{label}:{line}: {error.message}") from error
    except RecursionError:
        raise UnreadableSchema(f"{label}: is nested too deeply") from None


def _loaded(label: str, document: DocumentNode) -> ApiSchema:
    try:
        return load_api_schema(document)
    except InvalidSupergraph as error:
        raise UnreadableSchema(f"{label}: {error.message}") from error
