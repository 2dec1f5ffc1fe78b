"""Compares the definitions of the directives that clients can use in operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import is_required_argument, is_specified_directive

from router.schema_check.changes import Change, ChangeCode, Severity
from router.schema_check.diff.compare_inputs import InputCodes, compare_input_value
from router.schema_check.diff.comparison import Comparison, pairs
from router.supergraph.merged_and_api_schema import EXECUTABLE_LOCATIONS

if TYPE_CHECKING:
    from graphql import GraphQLArgument, GraphQLDirective, GraphQLSchema

_ARGUMENT_CODES = InputCodes(
    "argument", ChangeCode.DIRECTIVE_ARGUMENT_TYPE_CHANGED, ChangeCode.DIRECTIVE_ARGUMENT_DEFAULT_CHANGED
)


def compare_directive_definitions(comparison: Comparison) -> None:
    """Add the changes of directive definitions to `comparison`.

    Directives that are only allowed in schemas, not in operations, are compared too. Their changes are safe for
    clients.
    """
    for name, old, new in pairs(_directives(comparison.old), _directives(comparison.new)):
        coordinate = f"@{name}"
        used = frozenset((coordinate,))
        if old is not None and new is not None:
            _compare_directive(comparison, coordinate, old, new)
        elif old is not None:
            severity, reason = _judge(old, Severity.BREAKING, "Operations that contain it become invalid.")
            message = f"The directive {coordinate} was removed."
            comparison.add(
                Change(ChangeCode.DIRECTIVE_REMOVED, coordinate, severity, message, reason, used_coordinates=used)
            )
        else:
            message, reason = f"The directive {coordinate} was added.", "No operation contains it yet."
            comparison.add(Change(ChangeCode.DIRECTIVE_ADDED, coordinate, Severity.SAFE, message, reason))


def _directives(schema: GraphQLSchema) -> dict[str, GraphQLDirective]:
    return {each.name: each for each in schema.directives if not is_specified_directive(each)}


def _judge(directive: GraphQLDirective, severity: Severity, reason: str) -> tuple[Severity, str]:
    """Return the given severity and reason. If operations cannot contain the directive, return SAFE instead."""
    if EXECUTABLE_LOCATIONS.isdisjoint(directive.locations):
        return Severity.SAFE, "Operations cannot contain this directive."
    return severity, reason


def _compare_directive(comparison: Comparison, coordinate: str, old: GraphQLDirective, new: GraphQLDirective) -> None:
    comparison.describe(coordinate, "directive", old.description, new.description)
    used = frozenset((coordinate,))
    if old.is_repeatable != new.is_repeatable:
        if new.is_repeatable:
            code, severity, reason = ChangeCode.DIRECTIVE_REPEATABLE_ADDED, Severity.SAFE, "Operations stay valid."
            message = f"{coordinate} is now repeatable."
        else:
            code, message = ChangeCode.DIRECTIVE_REPEATABLE_REMOVED, f"{coordinate} is no longer repeatable."
            severity, reason = _judge(old, Severity.BREAKING, "Operations that repeat it become invalid.")
        comparison.add(Change(code, coordinate, severity, message, reason, used_coordinates=used))
    locations = pairs({each.name: each for each in old.locations}, {each.name: each for each in new.locations})
    for name, before, after in locations:
        if before is not None and after is None:
            code, message = ChangeCode.DIRECTIVE_LOCATION_REMOVED, f"{coordinate} is no longer allowed on {name}."
            executable = before in EXECUTABLE_LOCATIONS
            severity = Severity.BREAKING if executable else Severity.SAFE
            reason = "Operations with it there become invalid." if executable else "It is a location in schemas."
        elif before is None:
            code, severity, reason = ChangeCode.DIRECTIVE_LOCATION_ADDED, Severity.SAFE, "Operations stay valid."
            message = f"{coordinate} is now allowed on {name}."
        else:
            continue
        comparison.add(Change(code, coordinate, severity, message, reason, name, used))
    for name, before_argument, after_argument in pairs(old.args, new.args):
        _compare_argument(comparison, old, f"{coordinate}({name}:)", (before_argument, after_argument))


def _compare_argument(
    comparison: Comparison,
    directive: GraphQLDirective,
    coordinate: str,
    versions: tuple[GraphQLArgument | None, GraphQLArgument | None],
) -> None:
    old, new = versions
    if old is not None and new is not None:
        executable = not EXECUTABLE_LOCATIONS.isdisjoint(directive.locations)
        # If operations cannot contain the directive, `within` is a coordinate instead of the name of a type. No
        # operation uses such a type, so `Comparison.add` makes the change safe.
        within = None if executable else coordinate
        compare_input_value(comparison, _ARGUMENT_CODES, coordinate, (old, new), within=within)
        return
    if old is not None:
        code, message = ChangeCode.DIRECTIVE_ARGUMENT_REMOVED, f"The argument {coordinate} was removed."
        severity, reason = _judge(directive, Severity.BREAKING, "Operations that pass it become invalid.")
        used = frozenset((coordinate,))
    else:
        required = new is not None and is_required_argument(new)
        code = ChangeCode.DIRECTIVE_ARGUMENT_ADDED
        message = f"The {'required' if required else 'optional'} argument {coordinate} was added."
        severity, reason = (
            _judge(directive, Severity.BREAKING, "Operations that contain the directive become invalid.")
            if required
            else (Severity.SAFE, "Operations need not pass it.")
        )
        used = frozenset((f"@{directive.name}",))
    comparison.add(Change(code, coordinate, severity, message, reason, used_coordinates=used))
