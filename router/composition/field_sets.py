"""Field sets over a schema: which fields they select on which types, and what is wrong with them."""

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
    """Every field that a set selects, at any depth, and whether it is a leaf of the set.

    The schema need not be valid: the walk ends before the first field that the schema does not have.
    """
    found: list[tuple[FieldDef, bool]] = []
    _collect(schema, type_name, selections, found)
    return found


def _collect(schema: Schema, type_name: str, selections: SelectionSetNode, found: list[tuple[FieldDef, bool]]) -> bool:
    """Collect the fields; False if one does not exist."""
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
    """The field, and the same field of each implementation if it is an interface's."""
    yield member
    definition = schema.types.get(member.parent)
    if definition is not None and definition.kind is Kind.INTERFACE:
        for name in schema.possible_types(member.parent):
            implementing = schema.types[name].fields.get(member.name)
            if implementing is not None:
                yield implementing


def target_fields(schema: Schema, type_name: str, applied: Applied) -> list[tuple[FieldDef, bool]]:
    """The fields that the `fields` argument of a directive selects; nothing if it cannot be parsed."""
    selections = applied.field_set
    return [] if selections is None else selected(schema, type_name, selections)


def field_set_problems(schema: Schema, type_name: str, selections: SelectionSetNode) -> Iterator[str]:
    """What a field set selects although the schema does not have it, and arguments that do not fit."""
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
    """The arguments of a selected field; of an argument that is given twice the last one counts."""
    return [*{argument.name.value: argument for argument in selection.arguments or ()}.values()]


def argument_problems(
    schema: Schema, member: FieldDef, given: Sequence[ArgumentNode], *, contextual_may_be_missing: bool = False
) -> Iterator[str]:
    """Unknown arguments, then required arguments that are missing, then values that do not fit.

    Args:
        schema: The schema of the field.
        member: The field.
        given: The arguments in the field set.
        contextual_may_be_missing: Whether a required argument with `@fromContext` can be left out.
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
