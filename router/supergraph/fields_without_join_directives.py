"""Find the fields of a subgraph about which join v0.1 says nothing (supergraphs of Federation 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from graphql import FieldNode, InlineFragmentNode, InterfaceTypeDefinitionNode, ObjectTypeDefinitionNode

from router.federation.find_type_name_in_reference import named_type
from router.supergraph.model import SubgraphField

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.supergraph.types_and_fields_by_subgraph import JoinedType

# The fields of object types and interfaces, by name.
Fields: TypeAlias = dict[str, dict[str, SubgraphField]]


def add_provided(present: Mapping[str, JoinedType], extracted: Fields) -> None:
    """Add the fields that a `@provides` of the subgraph selects.

    Join v0.1 has no `@join__field` for these fields.
    """
    pending = [
        (named_type(field.type), field.provides)
        for fields in extracted.values()
        for field in fields.values()
        if field.provides is not None
    ]
    while pending:
        type_name, selection_set = pending.pop()
        for selection in selection_set.selections:
            if isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                pending.append((condition.name.value if condition else type_name, selection.selection_set))
            elif isinstance(selection, FieldNode):
                field = _provided(present, extracted, type_name, selection.name.value)
                if field is not None and selection.selection_set is not None:
                    pending.append((named_type(field.type), selection.selection_set))


def _provided(present: Mapping[str, JoinedType], extracted: Fields, type_name: str, name: str) -> SubgraphField | None:
    type_ = present.get(type_name)
    definition = type_ and type_.definition
    if not isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        return None
    for field in definition.fields or ():
        if field.name.value == name:
            return extracted[type_name].setdefault(name, SubgraphField(name, field.type, external=True))
    return None


def drop_empty(present: dict[str, JoinedType], extracted: Fields) -> None:
    """Remove the types that have no fields in this subgraph, and the fields that return such types (join v0.1)."""
    while True:
        empty = {name for name, fields in extracted.items() if not fields}
        if not empty:
            return
        for name in empty:
            del extracted[name], present[name]
        for fields in extracted.values():
            for field in [entry for entry in fields.values() if named_type(entry.type) in empty]:
                del fields[field.name]
