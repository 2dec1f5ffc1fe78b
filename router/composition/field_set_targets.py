"""Walk a field set over a schema: which fields it selects, on which types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode, SelectionSetNode

from router.composition.model import Applied, FieldDef, Kind, Schema
from router.composition.type_refs import base_name
from router.federation.field_sets import FieldSetSyntaxError, parse_field_set

if TYPE_CHECKING:
    from collections.abc import Iterator


def selected(schema: Schema, type_name: str, selections: SelectionSetNode) -> Iterator[tuple[FieldDef, bool]]:
    """Every field a set selects, at any depth, and whether it is a leaf of the set.

    What the schema does not have is passed over: this serves schemas not (yet) validated.
    """
    definition = schema.types.get(type_name)
    for selection in selections.selections:
        if isinstance(selection, InlineFragmentNode):
            inner = selection.type_condition.name.value if selection.type_condition else type_name
            yield from selected(schema, inner, selection.selection_set)
        elif isinstance(selection, FieldNode) and definition is not None:
            member = definition.fields.get(selection.name.value)
            if member is None:
                continue
            yield member, selection.selection_set is None
            if selection.selection_set is not None:
                yield from selected(schema, base_name(member.type), selection.selection_set)


def with_implementations(schema: Schema, member: FieldDef) -> Iterator[FieldDef]:
    """The field, and where it is an interface's, the same field of each implementation."""
    yield member
    definition = schema.types.get(member.parent)
    if definition is not None and definition.kind is Kind.INTERFACE:
        for name in schema.possible_types(member.parent):
            implementing = schema.types[name].fields.get(member.name)
            if implementing is not None:
                yield implementing


def target_fields(schema: Schema, type_name: str, applied: Applied) -> list[tuple[FieldDef, bool]]:
    """The fields selected by a directive's `fields` argument; none if it does not parse."""
    text = applied.text("fields")
    if text is None:
        return []
    try:
        selections = parse_field_set(text)
    except FieldSetSyntaxError:
        return []
    return list(selected(schema, type_name, selections))
