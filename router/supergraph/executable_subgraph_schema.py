"""Build the executable schema of a subgraph: its types and, if it has entities, the field `_entities`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import DocumentNode, GraphQLSchema, ObjectTypeDefinitionNode, build_ast_schema, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import DefinitionNode


def executable_schema(definitions: Sequence[DefinitionNode], entities: Sequence[str]) -> GraphQLSchema:
    """Build the schema of one subgraph.

    `entities` are the members of the union `_Entity`. Without entities, the schema has no field `_entities`.
    """
    extra: list[DefinitionNode] = []
    if entities:
        union = parse(f"scalar _Any union _Entity = {' | '.join(entities)}", no_location=True)
        extra += union.definitions
    document = DocumentNode(definitions=(*_with_entities(definitions, bool(entities)), *extra))
    return build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)


def _with_entities(definitions: Sequence[DefinitionNode], has_entities: bool) -> list[DefinitionNode]:  # noqa: FBT001 - private
    """Add `_entities` to `Query`, or a placeholder field if `Query` would have no fields; add `Query` if missing."""
    added = "_entities(representations: [_Any!]!): [_Entity]!" if has_entities else "_empty: Boolean"
    shell = parse(f"type Query {{ {added} }}", no_location=True).definitions[0]
    assert isinstance(shell, ObjectTypeDefinitionNode)  # noqa: S101 - `parse` of a `type`
    result: list[DefinitionNode] = []
    found = False
    for definition in definitions:
        if isinstance(definition, ObjectTypeDefinitionNode) and definition.name.value == "Query":
            found = True
            if has_entities or not definition.fields:
                merged = (*(definition.fields or ()), *(shell.fields or ()))
                result.append(
                    ObjectTypeDefinitionNode(name=definition.name, fields=merged, interfaces=definition.interfaces)
                )
                continue
        result.append(definition)
    return result if found else [*result, shell]
