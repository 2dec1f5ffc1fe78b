"""Find the fields that a field set selects in a schema, and find the errors of a field set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode, SelectionSetNode, print_ast

from router.composition.literal_type_check import fits_type
from router.composition.model import COMPOSITE, Applied, FieldDef, Kind, Schema
from router.composition.type_refs import base_name
from router.federation.type_references import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphql.language import ArgumentNode


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
    """Yield the field. For a field of an interface, also yield the field of the same name in each implementation."""
    yield member
    definition = schema.types.get(member.parent)
    if definition is not None and definition.kind is Kind.INTERFACE:
        for name in schema.possible_types(member.parent):
            implementing = schema.types[name].fields.get(member.name)
            if implementing is not None:
                yield implementing


def target_fields(schema: Schema, type_name: str, applied: Applied) -> list[tuple[FieldDef, bool]]:
    """Return the result of `selected` for the field set in the argument `fields` of a directive.

    The result is empty if the argument cannot be parsed.
    """
    selections = applied.field_set
    return [] if selections is None else selected(schema, type_name, selections)


def field_set_problems(schema: Schema, type_name: str, selections: SelectionSetNode) -> Iterator[str]:
    """Yield a message for each type or field in a field set that does not exist, and for each wrong argument."""
    definition = schema.types.get(type_name)
    if definition is None:
        yield f"there is no type {type_name}"
        return
    for item in selections.selections:
        if isinstance(item, InlineFragmentNode):
            inner = item.type_condition.name.value if item.type_condition else type_name
            yield from field_set_problems(schema, inner, item.selection_set)
        elif isinstance(item, FieldNode) and item.name.value != TYPENAME:
            member = definition.fields.get(item.name.value)
            if member is None:
                yield f"{type_name} has no field {item.name.value}"
                continue
            yield from argument_problems(schema, member, given_arguments(item))
            if item.selection_set is not None and schema.kind_of(member.type) in COMPOSITE:
                yield from field_set_problems(schema, base_name(member.type), item.selection_set)


def given_arguments(selection: FieldNode) -> list[ArgumentNode]:
    """Return the arguments of a selected field. If an argument is given twice, only its last value is returned."""
    return [*{argument.name.value: argument for argument in selection.arguments or ()}.values()]


def argument_problems(
    schema: Schema, member: FieldDef, given: Sequence[ArgumentNode], *, contextual_may_be_missing: bool = False
) -> Iterator[str]:
    """Yield one message for each unknown argument, each missing required argument, and each value of a wrong type.

    Args:
        schema: The schema that contains the field.
        member: The definition of a field that the field set selects.
        given: The arguments of the field in the field set.
        contextual_may_be_missing: Whether a field set can leave out a required argument that has `@fromContext`.
    """
    by_name = {argument.name.value: argument for argument in given}
    for name in sorted(by_name.keys() - member.arguments.keys()):
        yield f'{member.coordinate} has no argument "{name}"'
    for wanted in member.arguments.values():
        may_be_missing = contextual_may_be_missing and wanted.has("fromContext")
        if wanted.required and wanted.name not in by_name and not may_be_missing:
            yield f'{member.coordinate} requires the argument "{wanted.name}"'
    for argument in given:
        known = member.arguments.get(argument.name.value)
        if known is not None and not fits_type(schema, argument.value, known.type):
            yield f"{print_ast(argument)} does not fit the argument of {member.coordinate}, whose type is {known.type}"
