"""Compares input object types, and the types and default values of arguments and input fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLNonNull,
    is_required_input_field,
    print_ast,
)

from router.composition.const_value_nodes import identity
from router.schema_check.changes import Change, ChangeCode, Severity
from router.schema_check.diff.comparison import Comparison, pairs
from router.schema_check.diff.compatible_type_changes import is_wider_input

if TYPE_CHECKING:
    from graphql import GraphQLInputObjectType

InputValue: TypeAlias = GraphQLArgument | GraphQLInputField


@dataclass(frozen=True, slots=True)
class InputCodes:
    """The word and the codes for changes of arguments, or for changes of input fields.

    Attributes:
        what: The word for the kind in messages, such as `input field`.
        type_changed: The code of a change of the type.
        default_changed: The code of a change of the default value.
    """

    what: str
    type_changed: ChangeCode
    default_changed: ChangeCode


_INPUT_FIELD_CODES = InputCodes(
    "input field", ChangeCode.INPUT_FIELD_TYPE_CHANGED, ChangeCode.INPUT_FIELD_DEFAULT_CHANGED
)


def compare_input_objects(
    comparison: Comparison, before: GraphQLInputObjectType, after: GraphQLInputObjectType
) -> None:
    """Add the changes of an input object type and its fields to `comparison`."""
    _compare_one_of(comparison, before, after)
    for name, old, new in pairs(before.fields, after.fields):
        coordinate = f"{before.name}.{name}"
        if old is not None and new is not None:
            compare_input_value(comparison, _INPUT_FIELD_CODES, coordinate, (old, new), within=before.name)
        elif old is not None:
            message, reason = f"The input field {coordinate} was removed.", "Operations that send it become invalid."
            used = frozenset((coordinate,))
            change = Change(
                ChangeCode.INPUT_FIELD_REMOVED, coordinate, Severity.BREAKING, message, reason, used_coordinates=used
            )
            comparison.add(change, within=before.name)
        elif new is not None:
            _add_input_field(comparison, before.name, coordinate, new)


def _compare_one_of(comparison: Comparison, before: GraphQLInputObjectType, after: GraphQLInputObjectType) -> None:
    was, now = before.is_one_of, after.is_one_of
    if was == now:
        return
    if now:
        code, severity = ChangeCode.ONE_OF_ADDED, Severity.BREAKING
        message, reason = f"{before.name} is now @oneOf.", "Values with no field or several fields become invalid."
    else:
        code, severity = ChangeCode.ONE_OF_REMOVED, Severity.SAFE
        message, reason = f"{before.name} is no longer @oneOf.", "Values with exactly one field stay valid."
    used = frozenset((before.name,))
    comparison.add(Change(code, before.name, severity, message, reason, used_coordinates=used), within=before.name)


def _add_input_field(comparison: Comparison, parent: str, coordinate: str, new: GraphQLInputField) -> None:
    if is_required_input_field(new):
        severity, reason = Severity.BREAKING, f"Values of {parent} without this field become invalid."
        message = f"The required input field {coordinate} was added."
    elif has_default(new):
        severity, reason = Severity.DANGEROUS, "Services now receive its default value if a client does not send it."
        message = f"The input field {coordinate} with a default value was added."
    else:
        severity, reason = Severity.SAFE, "Clients need not send it."
        message = f"The optional input field {coordinate} was added."
    used = frozenset((parent,))
    comparison.add(
        Change(ChangeCode.INPUT_FIELD_ADDED, coordinate, severity, message, reason, used_coordinates=used),
        within=parent,
    )


def compare_input_value(
    comparison: Comparison,
    codes: InputCodes,
    coordinate: str,
    versions: tuple[InputValue, InputValue],
    *,
    within: str | None,
) -> None:
    """Compare an argument or input field that is in both schemas, and add its changes to `comparison`."""
    old, new = versions
    comparison.describe(coordinate, codes.what, old.description, new.description)
    comparison.deprecate(coordinate, codes.what, old.deprecation_reason, new.deprecation_reason)
    used = frozenset((coordinate,))
    if str(old.type) != str(new.type):
        wider = is_wider_input(old.type, new.type)
        severity = Severity.SAFE if wider else Severity.BREAKING
        message = f"The type of {coordinate} was {old.type}, and is now {new.type}."
        reason = "Every value that was valid stays valid." if wider else _narrowed(old, new)
        if not wider and isinstance(new.type, GraphQLNonNull) and not has_default(new):
            used |= {_container(coordinate)}
        comparison.add(
            Change(codes.type_changed, coordinate, severity, message, reason, used_coordinates=used), within=within
        )
    if _default_identity(old) != _default_identity(new):
        _change_default(comparison, codes, coordinate, versions, within=within)


def _narrowed(old: InputValue, new: InputValue) -> str:
    if not is_wider_input(new.type, old.type):
        return "Values that were valid become invalid."
    if isinstance(new.type, GraphQLNonNull) and not isinstance(old.type, GraphQLNonNull) and not has_default(new):
        return "Null becomes invalid, and so does leaving it out."
    return "Null becomes invalid."


def _change_default(
    comparison: Comparison,
    codes: InputCodes,
    coordinate: str,
    versions: tuple[InputValue, InputValue],
    *,
    within: str | None,
) -> None:
    old, new = versions
    before, after = default_text(old), default_text(new)
    message = f"The default value of {coordinate} was {before or 'not given'}, and is now {after or 'not given'}."
    used = frozenset((_container(coordinate), coordinate))
    if not has_default(new) and isinstance(new.type, GraphQLNonNull):
        severity = Severity.BREAKING
        reason = f"Operations without this {codes.what}, or with a nullable variable for it, become invalid."
    else:
        severity = Severity.DANGEROUS
        reason = f"Operations without this {codes.what} may behave in another way than before."
    comparison.add(
        Change(codes.default_changed, coordinate, severity, message, reason, used_coordinates=used), within=within
    )


def default_text(value: InputValue) -> str | None:
    """Return the default value as written in SDL; None if there is none."""
    node = value.ast_node.default_value if value.ast_node else None
    return None if node is None else print_ast(node)


def has_default(value: InputValue) -> bool:
    """Return whether the argument or input field has a default value."""
    return default_text(value) is not None


def _default_identity(value: InputValue) -> object:
    """Return a key that is equal for equal default values."""
    return identity(value.ast_node.default_value if value.ast_node else None)


def _container(coordinate: str) -> str:
    """Return the coordinate of the field, directive or input object type that contains the input value."""
    if coordinate.endswith(":)"):
        return coordinate.partition("(")[0]
    return coordinate.partition(".")[0]
