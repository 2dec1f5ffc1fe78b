"""Compares the fields, arguments and interfaces of object and interface types."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from graphql import GraphQLInterfaceType, GraphQLObjectType, is_required_argument

from router.schema_check.changes import Change, ChangeCode, Severity
from router.schema_check.diff.compare_inputs import InputCodes, compare_input_value
from router.schema_check.diff.comparison import Comparison, pairs
from router.schema_check.diff.compatible_type_changes import is_narrower_output
from router.schema_check.input_and_output_types import kind_of

if TYPE_CHECKING:
    from graphql import GraphQLArgument, GraphQLField

TypeWithFields: TypeAlias = GraphQLObjectType | GraphQLInterfaceType

_ARGUMENT_CODES = InputCodes("argument", ChangeCode.ARGUMENT_TYPE_CHANGED, ChangeCode.ARGUMENT_DEFAULT_CHANGED)


def compare_fields(comparison: Comparison, before: TypeWithFields, after: TypeWithFields) -> None:
    """Add the changes of the fields of a type, and of their arguments, to `comparison`."""
    for name, old, new in pairs(before.fields, after.fields):
        coordinate = f"{before.name}.{name}"
        if new is None:
            message = f"The field {coordinate} was removed."
            reason = "Operations that select it become invalid."
            code, severity = ChangeCode.FIELD_REMOVED, Severity.BREAKING
        elif old is None:
            message, reason = f"The field {coordinate} was added.", "No operation selects it yet."
            code, severity = ChangeCode.FIELD_ADDED, Severity.SAFE
        else:
            _compare_field(comparison, before, coordinate, (old, new))
            continue
        used = frozenset((coordinate,))
        comparison.add(Change(code, coordinate, severity, message, reason, used_coordinates=used), within=before.name)


def _compare_field(
    comparison: Comparison, parent: TypeWithFields, coordinate: str, versions: tuple[GraphQLField, GraphQLField]
) -> None:
    old, new = versions
    comparison.describe(coordinate, "field", old.description, new.description)
    comparison.deprecate(coordinate, "field", old.deprecation_reason, new.deprecation_reason)
    if str(old.type) != str(new.type):
        severity, reason = _judge_type(comparison, parent, old, new)
        message = f"The type of {coordinate} was {old.type}, and is now {new.type}."
        used = frozenset((coordinate,))
        comparison.add(
            Change(ChangeCode.FIELD_TYPE_CHANGED, coordinate, severity, message, reason, used_coordinates=used),
            within=parent.name,
        )
    for name, before, after in pairs(old.args, new.args):
        _compare_argument(comparison, parent.name, f"{coordinate}({name}:)", (before, after))


def _judge_type(
    comparison: Comparison, parent: TypeWithFields, old: GraphQLField, new: GraphQLField
) -> tuple[Severity, str]:
    if not is_narrower_output(old.type, new.type):
        if is_narrower_output(new.type, old.type):
            return Severity.BREAKING, "Clients can receive null where they expect a value."
        return Severity.BREAKING, "Clients can receive values that they do not expect."
    if parent.name in comparison.positions.beside_others:
        return (
            Severity.DANGEROUS,
            "Operations can become invalid that select a field of another type under the same name at the same place.",
        )
    return Severity.SAFE, "Every response still has the old type."


def _compare_argument(
    comparison: Comparison,
    parent: str,
    coordinate: str,
    versions: tuple[GraphQLArgument | None, GraphQLArgument | None],
) -> None:
    old, new = versions
    field = coordinate.partition("(")[0]
    if old is not None and new is not None:
        compare_input_value(comparison, _ARGUMENT_CODES, coordinate, (old, new), within=parent)
    elif old is not None:
        message, reason = f"The argument {coordinate} was removed.", "Operations that pass it become invalid."
        used = frozenset((coordinate,))
        comparison.add(
            Change(ChangeCode.ARGUMENT_REMOVED, coordinate, Severity.BREAKING, message, reason, used_coordinates=used),
            within=parent,
        )
    elif new is not None:
        required = is_required_argument(new)
        severity = Severity.BREAKING if required else Severity.DANGEROUS
        message = f"The {'required' if required else 'optional'} argument {coordinate} was added."
        reason = (
            "Operations that select the field without this argument become invalid."
            if required
            else "Without the argument, the field may behave in another way than before."
        )
        used = frozenset((field,))
        comparison.add(
            Change(ChangeCode.ARGUMENT_ADDED, coordinate, severity, message, reason, used_coordinates=used),
            within=parent,
        )


def compare_interfaces(comparison: Comparison, before: TypeWithFields | None, after: TypeWithFields) -> None:
    """Add the changes of a type's list of interfaces to `comparison`. `before` is None for a new type."""
    old = {each.name: each for each in before.interfaces} if before else {}
    for name, was, now in pairs(old, {each.name: each for each in after.interfaces}):
        if was is not None and now is None:
            message = f"The {kind_of(after)} {after.name} no longer implements {name}."
            reason = f"Fragments on {after.name} where {name} is expected, or the reverse, become invalid."
            code, severity = ChangeCode.INTERFACE_REMOVED, Severity.BREAKING
        elif was is None:
            message = f"The {kind_of(after)} {after.name} now implements {name}."
            code = ChangeCode.INTERFACE_ADDED
            if name in comparison.positions.outputs and isinstance(after, GraphQLObjectType):
                severity = Severity.DANGEROUS
                reason = f"Clients that select {name} can receive objects of a type that they do not know."
            else:
                severity, reason = Severity.SAFE, "No response can contain an object that clients do not know."
        else:
            continue
        used = frozenset((name,))
        change = Change(code, after.name, severity, message, reason, name, used)
        comparison.add(change, within=None if code is ChangeCode.INTERFACE_ADDED else after.name)
