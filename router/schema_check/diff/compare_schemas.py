"""Compares two schemas. Other modules of this package compare the elements of types, and the directives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
)

from router.schema_check.changes import Change, ChangeCode, Severity
from router.schema_check.diff.compare_applied_directives import compare_applied_directives
from router.schema_check.diff.compare_directive_definitions import compare_directive_definitions
from router.schema_check.diff.compare_enums_and_unions import compare_enums, compare_unions
from router.schema_check.diff.compare_fields import compare_fields, compare_interfaces
from router.schema_check.diff.compare_inputs import compare_input_objects
from router.schema_check.diff.comparison import Comparison, pairs
from router.schema_check.diff.lost_overlaps import without_overlap
from router.schema_check.diff.renames import with_renames
from router.schema_check.input_and_output_types import is_composite, is_own_type, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLNamedType, GraphQLSchema

_NO_OTHER_NAMES: Final[Mapping[str, str]] = {}
_ORDER: Final = (Severity.BREAKING, Severity.DANGEROUS, Severity.SAFE)


def compare_schemas(
    old: GraphQLSchema, new: GraphQLSchema, directive_names: Mapping[str, str] = _NO_OTHER_NAMES
) -> Sequence[Change]:
    """Return all changes from `old` to `new`: breaking changes first, then by coordinate.

    Args:
        old: The old schema. It must be valid and built from SDL, because its syntax nodes contain the directives.
        new: The new schema, with the same conditions.
        directive_names: Maps the name of a directive in the schemas to its name in Apollo's specification, for
            directives that are imported under another name.
    """
    comparison = Comparison.of(old, new, directive_names)
    _compare_root_types(comparison)
    equal = comparison.equal_types
    for _, before, after in pairs(_own_types(old, equal), _own_types(new, equal)):
        _compare_type(comparison, before, after)
    compare_directive_definitions(comparison)
    compare_applied_directives(comparison)
    changes = with_renames(comparison)
    return sorted(changes, key=lambda change: (_ORDER.index(change.severity), change.coordinate, change.id))


def _own_types(schema: GraphQLSchema, equal: frozenset[str]) -> dict[str, GraphQLNamedType]:
    return {name: found for name, found in schema.type_map.items() if name not in equal and is_own_type(found)}


def _compare_root_types(comparison: Comparison) -> None:
    for operation in ("query", "mutation", "subscription"):
        before: GraphQLObjectType | None = getattr(comparison.old, f"{operation}_type")
        after: GraphQLObjectType | None = getattr(comparison.new, f"{operation}_type")
        if before is None and after is not None:
            message, reason = f"The schema now has {operation} operations.", "No client sends them yet."
            change = Change(ChangeCode.ROOT_TYPE_ADDED, after.name, Severity.SAFE, message, reason, operation)
        elif before is not None and after is None:
            message = f"The schema no longer has {operation} operations."
            reason = f"Every {operation} operation becomes invalid."
            used = frozenset((before.name,))
            change = Change(
                ChangeCode.ROOT_TYPE_REMOVED, before.name, Severity.BREAKING, message, reason, operation, used
            )
        elif before is not None and after is not None and before.name != after.name:
            message = f"The root type of {operation} operations was {before.name}, and is now {after.name}."
            reason = f"Fragments on {before.name} become invalid, and __typename has another value."
            used = frozenset((before.name,))
            change = Change(
                ChangeCode.ROOT_TYPE_CHANGED, before.name, Severity.BREAKING, message, reason, operation, used
            )
        else:
            continue
        comparison.add(change)


def _compare_type(comparison: Comparison, before: GraphQLNamedType | None, after: GraphQLNamedType | None) -> None:
    if after is None:
        if before is not None:
            _remove_type(comparison, before)
        return
    if before is None:
        message = f"The {kind_of(after)} {after.name} was added."
        change = Change(ChangeCode.TYPE_ADDED, after.name, Severity.SAFE, message, "No operation uses it yet.")
        comparison.add(change)
        if isinstance(after, GraphQLObjectType | GraphQLInterfaceType):
            compare_interfaces(comparison, None, after)
        return
    if kind_of(before) != kind_of(after):
        message = f"{before.name} was declared as {kind_of(before)}, and is now declared as {kind_of(after)}."
        reason = "Operations that select from this type, or send values of this type, become invalid."
        used = without_overlap(comparison, before.name) | {before.name}
        change = Change(
            ChangeCode.TYPE_KIND_CHANGED, before.name, Severity.BREAKING, message, reason, used_coordinates=used
        )
        comparison.add(change, within=before.name)
        return
    comparison.describe(before.name, kind_of(before), before.description, after.description)
    _compare_same_kind(comparison, before, after)


def _compare_same_kind(comparison: Comparison, before: GraphQLNamedType, after: GraphQLNamedType) -> None:
    match before, after:
        case (GraphQLObjectType() | GraphQLInterfaceType(), GraphQLObjectType() | GraphQLInterfaceType()):
            compare_interfaces(comparison, before, after)
            compare_fields(comparison, before, after)
        case GraphQLInputObjectType(), GraphQLInputObjectType():
            compare_input_objects(comparison, before, after)
        case GraphQLEnumType(), GraphQLEnumType():
            compare_enums(comparison, before, after)
        case GraphQLUnionType(), GraphQLUnionType():
            compare_unions(comparison, before, after)
        case GraphQLScalarType(), GraphQLScalarType():
            _compare_scalars(comparison, before, after)


def _compare_scalars(comparison: Comparison, before: GraphQLScalarType, after: GraphQLScalarType) -> None:
    if before.specified_by_url == after.specified_by_url:
        return
    message = (
        f"The specification of {before.name} was {before.specified_by_url or 'not given'}, "
        f"and is now {after.specified_by_url or 'not given'}."
    )
    dangerous = before.specified_by_url is not None and after.specified_by_url is not None
    severity = Severity.DANGEROUS if dangerous else Severity.SAFE
    reason = (
        "Values may have another form, which the schema does not describe." if dangerous else "It is documentation."
    )
    used = frozenset((before.name,))
    comparison.add(
        Change(ChangeCode.SPECIFIED_BY_CHANGED, before.name, severity, message, reason, used_coordinates=used),
        within=before.name,
    )


def _remove_type(comparison: Comparison, before: GraphQLNamedType) -> None:
    message = f"The {kind_of(before)} {before.name} was removed."
    named = is_composite(before) or before.name in comparison.positions.inputs
    if named:
        severity, reason = Severity.BREAKING, "Operations that name this type become invalid."
    else:
        severity, reason = Severity.SAFE, "Operations cannot name a type whose values are only in responses."
    used = without_overlap(comparison, before.name) | {before.name}
    comparison.add(
        Change(ChangeCode.TYPE_REMOVED, before.name, severity, message, reason, used_coordinates=used),
        within=before.name,
    )
