"""Find and remove impossible type conditions in field sets.

Example: in `type Review @key(fields: "... on User { id }")`, the condition is impossible, because a `Review` is never a
`User`. Other federation tools ignore the condition, and read the field set as `id` of the `Review`. Composition does
the same, with one exception: the original field set decides which fields are external, shareable and used (see
`SubgraphMetadata`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode, SelectionNode, SelectionSetNode

from router.composition.const_value_nodes import string
from router.composition.model import COMPOSITE, Kind
from router.composition.type_refs import base_name
from router.federation.field_sets import print_field_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.model import Applied, Schema


def drop_impossible_conditions(subgraph: SubgraphMetadata) -> None:
    """Remove impossible type conditions from the field sets of `@key` and `@requires` in the subgraph's schema.

    `SubgraphMetadata` computes facts about fields, such as `shareable`, from the field sets as they were written. All
    these facts are therefore computed before the first removal.
    """
    for type_name, applied in _carriers(subgraph.schema):
        selections = applied.field_set if "..." in (applied.text("fields") or "") else None
        if selections is None:
            continue
        possible = _possible(subgraph.schema, type_name, selections)
        if possible != selections:
            subgraph.settle()
            applied.arguments["fields"] = string(print_field_set(possible))


def impossible_conditions(schema: Schema, type_name: str, selections: SelectionSetNode) -> Iterator[str]:
    """Yield the type name of each impossible type condition in a field set on the type `type_name`."""
    definition = schema.types.get(type_name)
    for selection in selections.selections:
        if isinstance(selection, InlineFragmentNode):
            inner = selection.type_condition.name.value if selection.type_condition is not None else type_name
            if definition is not None and definition.kind is Kind.OBJECT and is_impossible(schema, type_name, inner):
                yield inner
            else:
                yield from impossible_conditions(schema, inner, selection.selection_set)
        elif isinstance(selection, FieldNode) and selection.selection_set is not None and definition is not None:
            member = definition.fields.get(selection.name.value)
            if member is not None and schema.kind_of(member.type) in COMPOSITE:
                yield from impossible_conditions(schema, base_name(member.type), selection.selection_set)


def is_impossible(schema: Schema, type_name: str, condition: str) -> bool:
    """Return whether no object can be both of type `type_name` and of type `condition`."""
    return type_name != condition and not set(schema.possible_types(type_name)) & set(schema.possible_types(condition))


def _carriers(schema: Schema) -> Iterator[tuple[str, Applied]]:
    for definition in schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
        for key in definition.keys:
            yield definition.name, key
    for _, member in schema.fields():
        for requires in member.applied("requires"):
            yield member.parent, requires


def _possible(
    schema: Schema, type_name: str, selections: SelectionSetNode, *, dropped: bool = False
) -> SelectionSetNode:
    found = (_selection(schema, type_name, each, dropped=dropped) for each in selections.selections)
    return replace(selections, selections=tuple(each for each in found if each is not None))


def _selection(schema: Schema, type_name: str, selection: SelectionNode, *, dropped: bool) -> SelectionNode | None:
    """Return the selection without impossible type conditions. If the selection becomes empty, return None.

    `dropped` is True if the selection is inside a fragment whose condition was removed.
    """
    definition = schema.types.get(type_name)
    if isinstance(selection, InlineFragmentNode):
        condition = selection.type_condition
        inner = condition.name.value if condition is not None else type_name
        if definition is not None and definition.kind is Kind.OBJECT and is_impossible(schema, type_name, inner):
            if dropped:
                # This impossible condition is inside another impossible condition. Other federation tools ignore only
                # the outer condition, and drop the fields under the inner condition.
                return None
            condition, inner, dropped = None, type_name, True
        below = _possible(schema, inner, selection.selection_set, dropped=dropped)
        return replace(selection, type_condition=condition, selection_set=below) if below.selections else None
    if isinstance(selection, FieldNode) and selection.selection_set is not None and definition is not None:
        member = definition.fields.get(selection.name.value)
        if member is not None and schema.kind_of(member.type) in COMPOSITE:
            below = _possible(schema, base_name(member.type), selection.selection_set)
            return replace(selection, selection_set=below)
    return selection
