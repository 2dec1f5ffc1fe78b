"""Walk a field set over a schema: which fields it selects, on which types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode, SelectionSetNode, print_ast

from router.composition.literals import fits
from router.composition.model import COMPOSITE, Applied, FieldDef, Kind, Schema
from router.composition.type_refs import base_name
from router.federation.field_sets import FieldSetSyntaxError, parse_field_set

if TYPE_CHECKING:
    from collections.abc import Iterator


def selected(schema: Schema, type_name: str, selections: SelectionSetNode) -> list[tuple[FieldDef, bool]]:
    """Every field a set selects, at any depth, and whether it is a leaf of the set.

    This serves schemas not (yet) validated: the walk ends before the first field that the schema does not have.
    """
    found: list[tuple[FieldDef, bool]] = []
    _collect(schema, type_name, selections, found)
    return found


def _collect(schema: Schema, type_name: str, selections: SelectionSetNode, found: list[tuple[FieldDef, bool]]) -> bool:
    """Whether the whole set could be read."""
    definition = schema.types.get(type_name)
    for selection in selections.selections:
        if isinstance(selection, InlineFragmentNode):
            inner = selection.type_condition.name.value if selection.type_condition else type_name
            if not _collect(schema, inner, selection.selection_set, found):
                return False
        elif isinstance(selection, FieldNode) and definition is not None and selection.name.value != "__typename":
            member = definition.fields.get(selection.name.value)
            if member is None:
                return False
            found.append((member, selection.selection_set is None))
            below = selection.selection_set
            if below is not None and not _collect(schema, base_name(member.type), below, found):
                return False
    return True


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
    return selected(schema, type_name, selections)


def unreadable(schema: Schema, type_name: str, selections: SelectionSetNode) -> Iterator[str]:
    """What a field set selects and the schema does not have."""
    definition = schema.types.get(type_name)
    if definition is None:
        yield f"there is no type {type_name}"
        return
    for item in selections.selections:
        if isinstance(item, InlineFragmentNode):
            inner = item.type_condition.name.value if item.type_condition else type_name
            yield from unreadable(schema, inner, item.selection_set)
        elif isinstance(item, FieldNode) and item.name.value != "__typename":
            member = definition.fields.get(item.name.value)
            if member is None:
                yield f"{type_name} has no field {item.name.value}"
                continue
            yield from _unreadable_arguments(schema, member, item)
            if item.selection_set is not None and schema.kind_of(member.type) in COMPOSITE:
                yield from unreadable(schema, base_name(member.type), item.selection_set)


def _unreadable_arguments(schema: Schema, member: FieldDef, selection: FieldNode) -> Iterator[str]:
    given = {argument.name.value: argument.value for argument in selection.arguments or ()}
    for name in sorted(given):
        argument = member.arguments.get(name)
        if argument is None:
            yield f"{member.coordinate} has no argument {name}"
        elif not fits(schema, given[name], argument.type):
            yield f"{print_ast(given[name])} is no {argument.type}, which {member.coordinate} takes as {name}"
    for argument in member.arguments.values():
        if argument.required and argument.name not in given:
            yield f"{member.coordinate} needs the argument {argument.name}"
