"""Remove definitions that a subgraph's SDL may contain but that do not belong in a supergraph.

- The subgraph specification of federation requires the query root fields `_entities` and `_service`, and the types
  `_Any`, `_Entity` and `_Service`. Only the router uses these fields and types.
- A Federation 1 schema may define the scalar `_FieldSet`, the type of field sets.
- Some servers print definitions of built-in scalars and built-in directives, although GraphQL itself defines them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from graphql.language import (
    DirectiveDefinitionNode,
    FieldDefinitionNode,
    NamedTypeNode,
    NameNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
)

from router.composition.model import BUILT_IN_SCALARS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql.language import DefinitionNode

_TYPES = frozenset({"_Any", "_Entity", "_Service"})
# The type of field sets in Federation 1. In Federation 2, a subgraph may define any type with this name.
_FIELD_SET = "_FieldSet"
# GraphQL itself defines these directives, so a subgraph's definitions of them are removed.
_BUILT_IN_DIRECTIVES = frozenset({"skip", "include", "deprecated", "specifiedBy"})
SUBGRAPH_SPEC_FIELDS = frozenset({"_entities", "_service"})


def spec_types(
    definitions: Sequence[DefinitionNode], *, federation_2: bool
) -> tuple[TypeDefinitionNode | TypeExtensionNode, ...]:
    """Return the definitions and extensions of types that `without_spec_parts` will remove."""
    names = _TYPES if federation_2 else _TYPES | {_FIELD_SET}
    return tuple(
        node
        for node in definitions
        if isinstance(node, TypeDefinitionNode | TypeExtensionNode) and node.name.value in names
    )


def without_spec_parts(
    definitions: Sequence[DefinitionNode],
    types: Sequence[TypeDefinitionNode | TypeExtensionNode],
    query: str | None,
) -> tuple[DefinitionNode, ...]:
    """Return `definitions` without the fields, types and directives that the docstring of this module lists.

    Args:
        definitions: All definitions of a subgraph.
        types: The result of `spec_types`.
        query: The name of the query root type. None if the schema has no query root.
    """
    removed = set(map(id, types))
    kept: list[DefinitionNode] = []
    has_fields = False
    for node in definitions:
        if id(node) in removed:
            continue
        if isinstance(node, ScalarTypeDefinitionNode) and node.name.value in BUILT_IN_SCALARS:
            continue
        if isinstance(node, DirectiveDefinitionNode) and node.name.value in _BUILT_IN_DIRECTIVES:
            continue
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode) and node.name.value == query:
            block = _query_without_spec_fields(node, stub=not has_fields)
            has_fields = has_fields or bool(block.fields)
            kept.append(block)
        else:
            kept.append(node)
    return tuple(kept)


def _query_without_spec_fields(
    node: ObjectTypeDefinitionNode | ObjectTypeExtensionNode, *, stub: bool
) -> ObjectTypeDefinitionNode | ObjectTypeExtensionNode:
    fields = tuple(member for member in node.fields or () if member.name.value not in SUBGRAPH_SPEC_FIELDS)
    if fields and len(fields) == len(node.fields or ()):
        return node
    # A query root without fields is not valid. So the root gets a stub field, which the schema builder drops later.
    return replace(node, fields=fields or ((_service_stub(),) if stub else ()))


def _service_stub() -> FieldDefinitionNode:
    """Return the field `_service: String`, which makes an empty query root valid for the GraphQL rules."""
    return FieldDefinitionNode(name=NameNode(value="_service"), type=NamedTypeNode(name=NameNode(value="String")))
