"""The changes between two versions of a schema, and the table of all kinds of changes.

A *coordinate* names an element of a schema, as in the GraphQL specification (Schema Coordinates): `Query.book`,
`Query.book(id:)`, `BookFilter.title`, `Genre.NOVEL`, `@cached(ttl:)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a change does to clients.

    Members:
        BREAKING: An operation can become invalid, or a response can get a form that its client does not know.
        DANGEROUS: Every operation stays valid, but clients may see different behaviour.
        SAFE: No client sees a difference.
    """

    BREAKING = "breaking"
    DANGEROUS = "dangerous"
    SAFE = "safe"


class ChangeCode(StrEnum):
    """The kind of a change. Codes are part of change ids, so they are never renamed."""

    ROOT_TYPE_ADDED = "ROOT_TYPE_ADDED"
    ROOT_TYPE_CHANGED = "ROOT_TYPE_CHANGED"
    ROOT_TYPE_REMOVED = "ROOT_TYPE_REMOVED"
    TYPE_ADDED = "TYPE_ADDED"
    TYPE_REMOVED = "TYPE_REMOVED"
    TYPE_KIND_CHANGED = "TYPE_KIND_CHANGED"
    FIELD_ADDED = "FIELD_ADDED"
    FIELD_REMOVED = "FIELD_REMOVED"
    FIELD_TYPE_CHANGED = "FIELD_TYPE_CHANGED"
    ARGUMENT_ADDED = "ARGUMENT_ADDED"
    ARGUMENT_REMOVED = "ARGUMENT_REMOVED"
    ARGUMENT_TYPE_CHANGED = "ARGUMENT_TYPE_CHANGED"
    ARGUMENT_DEFAULT_CHANGED = "ARGUMENT_DEFAULT_CHANGED"
    INPUT_FIELD_ADDED = "INPUT_FIELD_ADDED"
    INPUT_FIELD_REMOVED = "INPUT_FIELD_REMOVED"
    INPUT_FIELD_TYPE_CHANGED = "INPUT_FIELD_TYPE_CHANGED"
    INPUT_FIELD_DEFAULT_CHANGED = "INPUT_FIELD_DEFAULT_CHANGED"
    ONE_OF_ADDED = "ONE_OF_ADDED"
    ONE_OF_REMOVED = "ONE_OF_REMOVED"
    ENUM_VALUE_ADDED = "ENUM_VALUE_ADDED"
    ENUM_VALUE_REMOVED = "ENUM_VALUE_REMOVED"
    UNION_MEMBER_ADDED = "UNION_MEMBER_ADDED"
    UNION_MEMBER_REMOVED = "UNION_MEMBER_REMOVED"
    INTERFACE_ADDED = "INTERFACE_ADDED"
    INTERFACE_REMOVED = "INTERFACE_REMOVED"
    DIRECTIVE_ADDED = "DIRECTIVE_ADDED"
    DIRECTIVE_REMOVED = "DIRECTIVE_REMOVED"
    DIRECTIVE_LOCATION_ADDED = "DIRECTIVE_LOCATION_ADDED"
    DIRECTIVE_LOCATION_REMOVED = "DIRECTIVE_LOCATION_REMOVED"
    DIRECTIVE_REPEATABLE_ADDED = "DIRECTIVE_REPEATABLE_ADDED"
    DIRECTIVE_REPEATABLE_REMOVED = "DIRECTIVE_REPEATABLE_REMOVED"
    DIRECTIVE_ARGUMENT_ADDED = "DIRECTIVE_ARGUMENT_ADDED"
    DIRECTIVE_ARGUMENT_REMOVED = "DIRECTIVE_ARGUMENT_REMOVED"
    DIRECTIVE_ARGUMENT_TYPE_CHANGED = "DIRECTIVE_ARGUMENT_TYPE_CHANGED"
    DIRECTIVE_ARGUMENT_DEFAULT_CHANGED = "DIRECTIVE_ARGUMENT_DEFAULT_CHANGED"
    DEPRECATION_ADDED = "DEPRECATION_ADDED"
    DEPRECATION_REMOVED = "DEPRECATION_REMOVED"
    DEPRECATION_REASON_CHANGED = "DEPRECATION_REASON_CHANGED"
    SPECIFIED_BY_CHANGED = "SPECIFIED_BY_CHANGED"
    DESCRIPTION_CHANGED = "DESCRIPTION_CHANGED"
    APPLIED_DIRECTIVE_ADDED = "APPLIED_DIRECTIVE_ADDED"
    APPLIED_DIRECTIVE_REMOVED = "APPLIED_DIRECTIVE_REMOVED"
    APPLIED_DIRECTIVE_CHANGED = "APPLIED_DIRECTIVE_CHANGED"


@dataclass(frozen=True, slots=True)
class Change:
    """One change between two versions of a schema.

    Attributes:
        code: The kind of the change.
        coordinate: The changed element.
        severity: What the change does to clients.
        message: What has changed, in one sentence.
        reason: Why the change has this severity, in one sentence.
        detail: Distinguishes changes with equal `code` and `coordinate`. For example, if two members are removed from a
            union, `detail` is the name of the member. Empty if not needed.
        used_coordinates: An operation is affected by the change if the operation uses at least one of these
            coordinates.
    """

    code: ChangeCode
    coordinate: str
    severity: Severity
    message: str
    reason: str
    detail: str = ""
    used_coordinates: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """The id with which a team approves the change. The id stays the same when other parts of the schema change."""
        return f"{self.code}:{self.coordinate}" + (f":{self.detail}" if self.detail else "")
