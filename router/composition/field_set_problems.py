"""Find the errors of a field set in a schema: unknown types and fields, and wrong arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode, SelectionSetNode, print_ast

from router.composition.literal_type_check import fits_type
from router.composition.model import COMPOSITE, FieldDef, Schema
from router.composition.type_refs import base_name
from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphql.language import ArgumentNode


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
        contextual_may_be_missing: Whether a field set may leave out a required argument that has `@fromContext`.
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
