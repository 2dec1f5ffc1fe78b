"""Finds the known operations that each change affects, and the known operations that each change breaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import validate

from router.schema_check.changes import Change, ChangeCode, Severity
from router.usage.used_coordinates import used_coordinates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLSchema

    from router.schema_check.operations.known_operations import KnownOperation

# A change with one of these codes can break a client even if its operation stays valid. For example, the values of the
# client's variables become invalid, or the response gets another form.
_BREAK_VALID_OPERATIONS: Final = frozenset(
    (
        ChangeCode.FIELD_TYPE_CHANGED,
        ChangeCode.ROOT_TYPE_CHANGED,
        ChangeCode.TYPE_KIND_CHANGED,
        ChangeCode.INPUT_FIELD_ADDED,
        ChangeCode.INPUT_FIELD_REMOVED,
        ChangeCode.INPUT_FIELD_TYPE_CHANGED,
        ChangeCode.INPUT_FIELD_DEFAULT_CHANGED,
        ChangeCode.ENUM_VALUE_REMOVED,
        ChangeCode.ONE_OF_ADDED,
        ChangeCode.APPLIED_DIRECTIVE_ADDED,
        ChangeCode.APPLIED_DIRECTIVE_CHANGED,
    )
)


@dataclass(frozen=True, slots=True)
class BrokenOperation:
    """A known operation that the new schema breaks.

    Attributes:
        operation: The operation.
        messages: The validation errors with the new schema. Empty if the operation stays valid and only the values of
            its variables or the form of its response are a problem.
        changes: The changes that break the operation.
    """

    operation: KnownOperation
    messages: tuple[str, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Impact:
    """What the changes do to the known operations.

    Attributes:
        affected: For each change that is not safe, the operations that use the changed element.
        broken: The operations that the new schema breaks.
        invalid_before: The operations that are already invalid with the old schema. They are not validated with the
            new schema.
    """

    affected: Mapping[Change, tuple[KnownOperation, ...]]
    broken: tuple[BrokenOperation, ...]
    invalid_before: tuple[KnownOperation, ...]


def find_impact(
    old: GraphQLSchema, new: GraphQLSchema, changes: Sequence[Change], operations: Sequence[KnownOperation]
) -> Impact:
    """Validate each known operation with both schemas, and find the changes that break it."""
    affected: dict[Change, list[KnownOperation]] = {}
    broken, invalid_before = [], []
    unsafe = [change for change in changes if change.severity is not Severity.SAFE]
    for operation in operations:
        if validate(old, operation.document):
            invalid_before.append(operation)
            continue
        used = used_coordinates(old, operation.document, operation.in_variables)
        touching = [change for change in unsafe if not used.isdisjoint(change.used_coordinates)]
        for change in touching:
            affected.setdefault(change, []).append(operation)
        errors = validate(new, operation.document) if touching else []
        causes = _causes(touching) if errors else [change for change in touching if _breaks_although_valid(change)]
        if causes:
            broken.append(BrokenOperation(operation, tuple(error.message for error in errors), tuple(causes)))
    return Impact({change: tuple(found) for change, found in affected.items()}, tuple(broken), tuple(invalid_before))


def _causes(touching: Sequence[Change]) -> Sequence[Change]:
    """Return the changes that probably made an operation invalid. `touching` are the changes that affect the operation.

    Return the breaking changes. If there are none, return the changes of field types. If there are no such changes
    either, return all changes.
    """
    breaking = [change for change in touching if change.severity is Severity.BREAKING]
    return breaking or [change for change in touching if change.code is ChangeCode.FIELD_TYPE_CHANGED] or touching


def _breaks_although_valid(change: Change) -> bool:
    return change.severity is Severity.BREAKING and change.code in _BREAK_VALID_OPERATIONS
