"""Build the executable schema of a subgraph: its types and, if the subgraph has entities, the field `_entities`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import DocumentNode, GraphQLSchema, ObjectTypeDefinitionNode, build_ast_schema, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import DefinitionNode


def executable_schema(definitions: Sequence[DefinitionNode], entities: Sequence[str]) -> GraphQLSchema:
    """Build the schema of one subgraph from its type definitions.

    `entities` are the names of the entity types. The schema has the field `_entities` only if there are entity types.
    """
    extra: list[DefinitionNode] = []
    if entities:
        union = parse(f"scalar _Any union _Entity = {' | '.join(entities)}", no_location=True)
        extra += union.definitions
    document = DocumentNode(definitions=(*_with_entities(definitions, bool(entities)), *extra))
    return build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)


def _with_entities(definitions: Sequence[DefinitionNode], has_entities: bool) -> list[DefinitionNode]:  # noqa: FBT001 - private
    """Return the definitions with a type `Query` that has at least one field.

    If the subgraph has entities, `Query` gets the field `_entities`. Otherwise, a `Query` without fields gets the
    placeholder field `_empty`. A missing `Query` is added.
    """
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
