"""Parse a subgraph's SDL into a `SubgraphDocument`, which contains the definitions for the next steps of reading."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import GraphQLSyntaxError
from graphql.language import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DirectiveNode,
    InputValueDefinitionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    TypeSystemDefinitionNode,
)

from router.composition.model import BUILT_IN_SCALARS, ROOTS
from router.composition.reading.check_own_graphql_directives import own_graphql_directives
from router.composition.reading.drop_subgraph_spec_parts import spec_types, without_spec_parts
from router.composition.reading.give_each_type_one_kind import with_one_kind_per_type
from router.composition.reading.parse_sdl_with_repetitions import parse_schema
from router.composition.reading.schema_limits import MAX_TOKENS, exceeded_limit
from router.composition.report import Location, Report
from router.federation.link_directives import links_federation
from router.federation.sdl.node_places import IndexedSource
from router.federation.sdl.parse_sdl import parse_regular_sdl
from router.federation.sdl.split_into_tokens import Irregular

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphql.language import DocumentNode, Source


@dataclass(frozen=True, slots=True)
class SubgraphDocument:
    """The definitions of one subgraph in source order.

    Attributes:
        definitions: The definitions.
        spec_types: The removed definitions and extensions of types of the subgraph specification, such as `_Any`.
        graphql_directives: The removed definitions of `@deprecated` and `@specifiedBy`.
        replaced_arguments: Definitions of arguments that are left out of `definitions`, because a later definition of
            the same argument replaces them.
    """

    definitions: tuple[DefinitionNode, ...]
    spec_types: tuple[TypeDefinitionNode | TypeExtensionNode, ...] = ()
    graphql_directives: tuple[DirectiveDefinitionNode, ...] = ()
    replaced_arguments: tuple[InputValueDefinitionNode, ...] = ()

    @property
    def removed_types(self) -> frozenset[str]:
        """The names of the removed types."""
        return frozenset(node.name.value for node in self.spec_types)

    @property
    def schema_blocks(self) -> Iterator[SchemaDefinitionNode | SchemaExtensionNode]:
        """The schema definition and its extensions."""
        return (node for node in self.definitions if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode))

    @property
    def schema_directives(self) -> tuple[DirectiveNode, ...]:
        """The directives on the schema."""
        return tuple(directive for block in self.schema_blocks for directive in block.directives or ())

    @property
    def root_names(self) -> dict[str, str]:
        """A mapping: kind of operation → name of its root type, for example `query` → `MyQuery`.

        The schema definition and its extensions name root types. If the schema definition names a root type, the
        mapping has only the named root types. Otherwise, the default names, such as `Mutation`, are added.
        """
        named = {
            operation.operation.value: operation.type.name.value
            for block in self.schema_blocks
            for operation in block.operation_types or ()
        }
        explicit = any(
            isinstance(block, SchemaDefinitionNode) and block.operation_types for block in self.schema_blocks
        )
        return named if explicit else {**ROOTS, **named}


def read_document(subgraph: str, sdl: str, report: Report) -> SubgraphDocument | None:
    """Check the size limits and parse the SDL. Returns None if an error was reported.

    The error INVALID_GRAPHQL is reported for each operation, for each type that is defined twice, and for each
    extension of a built-in scalar.
    """
    replaced: list[InputValueDefinitionNode] = []
    document = _parsed(IndexedSource(sdl, subgraph), replaced, report)
    if document is None:
        return None
    executable = [node for node in document.definitions if not _is_type_system(node)]
    message = f"[{subgraph}] A schema has type definitions only, not operations or fragments."
    for node in executable:
        report.error("INVALID_GRAPHQL", message, [(subgraph, node)])
    twice = [*_defined_twice(document.definitions)]
    for first, second in twice:
        report.error(
            "INVALID_GRAPHQL",
            f"[{subgraph}] The type {first.name.value} is defined twice.",
            [(subgraph, first), (subgraph, second)],
        )
    is_wrong = _extends_scalars(subgraph, document.definitions, report)
    if executable or twice or is_wrong:
        return None
    whole = SubgraphDocument(document.definitions)
    removed = spec_types(whole.definitions, federation_2=links_federation(whole.schema_directives))
    kept = without_spec_parts(whole.definitions, removed, whole.root_names.get("query"))
    graphql_directives = own_graphql_directives(whole.definitions)
    return SubgraphDocument(with_one_kind_per_type(kept), removed, graphql_directives, tuple(replaced))


def _parsed(source: Source, replaced: list[InputValueDefinitionNode], report: Report) -> DocumentNode | None:
    subgraph = source.name
    # A text of at most `MAX_TOKENS` characters has at most `MAX_TOKENS` tokens, and regular SDL is not nested deeply.
    # So the text exceeds neither of the two limits that `exceeded_limit` checks.
    if len(source.body) <= MAX_TOKENS:
        with suppress(Irregular):
            return parse_regular_sdl(source)
    limit = exceeded_limit(source.body)
    if limit is not None:
        report.error("INVALID_GRAPHQL", f"[{subgraph}] The schema {limit}.")
        return None
    try:
        return parse_schema(source, replaced)
    except GraphQLSyntaxError as error:
        places = [Location(subgraph, place.line, place.column) for place in error.locations or ()]
        report.error("INVALID_GRAPHQL", f"[{subgraph}] {error.message}", places)
        return None


def _is_type_system(node: DefinitionNode) -> bool:
    return isinstance(node, TypeSystemDefinitionNode | TypeExtensionNode | SchemaExtensionNode)


def _defined_twice(definitions: Sequence[DefinitionNode]) -> Iterator[tuple[TypeDefinitionNode, TypeDefinitionNode]]:
    seen: dict[str, TypeDefinitionNode] = {}
    for node in definitions:
        if isinstance(node, TypeDefinitionNode):
            first = seen.setdefault(node.name.value, node)
            if first is not node:
                yield first, node


def _extends_scalars(subgraph: str, definitions: Sequence[DefinitionNode], report: Report) -> bool:
    """Report each extension of a built-in scalar, such as `extend scalar ID`. Returns whether an error was reported.

    If the subgraph itself defines a type named `ID`, later extensions of `ID` extend that type, and they are not
    reported here. The merge reports the type itself.
    """
    defined: set[str] = set()
    before = len(report.errors)
    for node in definitions:
        if isinstance(node, TypeDefinitionNode):
            defined.add(node.name.value)
        elif isinstance(node, TypeExtensionNode) and node.name.value in BUILT_IN_SCALARS - defined:
            report.error(
                "INVALID_GRAPHQL",
                f"[{subgraph}] {node.name.value} is a built-in scalar: it cannot be extended.",
                [(subgraph, node)],
            )
    return len(report.errors) > before
