"""Find the fields that a field set selects in a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode, SelectionSetNode

from router.composition.model import Applied, FieldDef, Kind, Schema
from router.composition.type_refs import base_name
from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Iterator


def selected(schema: Schema, type_name: str, selections: SelectionSetNode) -> list[tuple[FieldDef, bool]]:
    """Return `(field, is_leaf)` for every field that a field set selects, at any depth.

    A leaf is a field that is selected without subfields. If a selected field does not exist, the result contains only
    the fields before the missing field.
    """
    found: list[tuple[FieldDef, bool]] = []
    _collect(schema, type_name, selections, found)
    return found


def _collect(schema: Schema, type_name: str, selections: SelectionSetNode, found: list[tuple[FieldDef, bool]]) -> bool:
    """Add the selected fields to `found`, up to the first field that does not exist.

    Returns whether all selected fields exist.
    """
    definition = schema.types.get(type_name)
    for selection in selections.selections:
        if isinstance(selection, InlineFragmentNode):
            inner = selection.type_condition.name.value if selection.type_condition else type_name
            if not _collect(schema, inner, selection.selection_set, found):
                return False
        elif isinstance(selection, FieldNode) and definition is not None and selection.name.value != TYPENAME:
            member = definition.fields.get(selection.name.value)
            if member is None:
                return False
            found.append((member, selection.selection_set is None))
            below = selection.selection_set
            if below is not None and not _collect(schema, base_name(member.type), below, found):
                return False
    return True


def with_implementations(schema: Schema, member: FieldDef) -> Iterator[FieldDef]:
    """Yield the field `member`.

    If it is a field of an interface, also yield the field of the same name in each implementation.
    """
    yield member
    definition = schema.types.get(member.parent)
    if definition is not None and definition.kind is Kind.INTERFACE:
        for name in schema.possible_types(member.parent):
            implementing = schema.types[name].fields.get(member.name)
            if implementing is not None:
                yield implementing


def target_fields(schema: Schema, type_name: str, applied: Applied) -> list[tuple[FieldDef, bool]]:
    """Return `(field, is_leaf)` for every field that a directive selects in its argument `fields` (see `selected`).

    If the argument cannot be parsed, the result is empty.
    """
    selections = applied.field_set
    return [] if selections is None else selected(schema, type_name, selections)
