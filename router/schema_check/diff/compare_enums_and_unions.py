"""Compares the values of enum types and the members of union types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.schema_check.changes import Change, ChangeCode, Severity
from router.schema_check.diff.comparison import Comparison, pairs
from router.schema_check.diff.lost_overlaps import without_overlap

if TYPE_CHECKING:
    from graphql import GraphQLEnumType, GraphQLUnionType


def compare_enums(comparison: Comparison, before: GraphQLEnumType, after: GraphQLEnumType) -> None:
    """Add the changes of the values of an enum type to `comparison`."""
    for name, old, new in pairs(before.values, after.values):
        coordinate = f"{before.name}.{name}"
        if old is not None and new is not None:
            comparison.describe(coordinate, "enum value", old.description, new.description)
            comparison.deprecate(coordinate, "enum value", old.deprecation_reason, new.deprecation_reason)
            continue
        if new is None:
            code, message = ChangeCode.ENUM_VALUE_REMOVED, f"The enum value {coordinate} was removed."
            severity, reason = _judge_removed_value(comparison, before.name)
            used = frozenset((coordinate,))
        else:
            code, message = ChangeCode.ENUM_VALUE_ADDED, f"The enum value {coordinate} was added."
            severity, reason = _judge_added_value(comparison, before.name)
            used = frozenset((before.name,))
        comparison.add(Change(code, coordinate, severity, message, reason, used_coordinates=used), within=before.name)


def _judge_removed_value(comparison: Comparison, name: str) -> tuple[Severity, str]:
    if name in comparison.positions.inputs:
        return Severity.BREAKING, "Operations and variables that contain this value become invalid."
    return Severity.SAFE, f"{name} is only in responses, so no operation contains this value."


def _judge_added_value(comparison: Comparison, name: str) -> tuple[Severity, str]:
    if name in comparison.positions.outputs:
        return Severity.DANGEROUS, "Clients can receive a value that they do not know."
    return Severity.SAFE, f"{name} is only in arguments and input fields, so no client receives the value."


def compare_unions(comparison: Comparison, before: GraphQLUnionType, after: GraphQLUnionType) -> None:
    """Add the changes of the members of a union type to `comparison`."""
    old_members = {member.name: member for member in before.types}
    for name, old, new in pairs(old_members, {member.name: member for member in after.types}):
        if old is not None and new is None:
            code, severity = ChangeCode.UNION_MEMBER_REMOVED, Severity.BREAKING
            message = f"{name} is no longer a member of the union {before.name}."
            reason = f"Fragments on {name} where {before.name} is expected, or the reverse, become invalid."
            used = without_overlap(comparison, name) | {name}
        elif old is None:
            code, severity = ChangeCode.UNION_MEMBER_ADDED, Severity.DANGEROUS
            message = f"{name} is now a member of the union {before.name}."
            reason = f"Clients that select {before.name} can receive objects of a type that they do not know."
            used = frozenset((before.name,))
        else:
            continue
        comparison.add(Change(code, before.name, severity, message, reason, name, used), within=before.name)
