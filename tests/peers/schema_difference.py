"""Compares the changes that `router check` finds with those of @graphql-inspector/core.

Both must find the same changes with the same severity. Where they differ on purpose, a row of `DEVIATIONS` says why.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.peers.schema_deviations import DEVIATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from router.schema_check.changes import Change

# The inspector's names of changes that this project names in another way.
_CODES: Final = {
    "FIELD_ARGUMENT_ADDED": "ARGUMENT_ADDED",
    "FIELD_ARGUMENT_REMOVED": "ARGUMENT_REMOVED",
    "FIELD_ARGUMENT_TYPE_CHANGED": "ARGUMENT_TYPE_CHANGED",
    "FIELD_ARGUMENT_DEFAULT_CHANGED": "ARGUMENT_DEFAULT_CHANGED",
    "INPUT_FIELD_DEFAULT_VALUE_CHANGED": "INPUT_FIELD_DEFAULT_CHANGED",
    **{
        f"{element}_DESCRIPTION_{verb}": "DESCRIPTION_CHANGED"
        for element in (
            "FIELD",
            "FIELD_ARGUMENT",
            "INPUT_FIELD",
            "ENUM_VALUE",
            "TYPE",
            "DIRECTIVE",
            "DIRECTIVE_ARGUMENT",
        )
        for verb in ("ADDED", "REMOVED", "CHANGED")
    },
    "ENUM_VALUE_DEPRECATION_REASON_ADDED": "DEPRECATION_ADDED",
    "ENUM_VALUE_DEPRECATION_REASON_REMOVED": "DEPRECATION_REMOVED",
    "ENUM_VALUE_DEPRECATION_REASON_CHANGED": "DEPRECATION_REASON_CHANGED",
    "FIELD_DEPRECATION_ADDED": "DEPRECATION_ADDED",
    "FIELD_DEPRECATION_REMOVED": "DEPRECATION_REMOVED",
    "FIELD_DEPRECATION_REASON_CHANGED": "DEPRECATION_REASON_CHANGED",
    "OBJECT_TYPE_INTERFACE_ADDED": "INTERFACE_ADDED",
    "OBJECT_TYPE_INTERFACE_REMOVED": "INTERFACE_REMOVED",
    "DIRECTIVE_ARGUMENT_DEFAULT_VALUE_CHANGED": "DIRECTIVE_ARGUMENT_DEFAULT_CHANGED",
}
LEVELS: Final = {"BREAKING": "breaking", "DANGEROUS": "dangerous", "NON_BREAKING": "safe"}
_ROOTS: Final = ("SCHEMA_QUERY_TYPE_CHANGED", "SCHEMA_MUTATION_TYPE_CHANGED", "SCHEMA_SUBSCRIPTION_TYPE_CHANGED")
_WITH_DETAIL: Final = ("INTERFACE_ADDED", "INTERFACE_REMOVED", "UNION_MEMBER_ADDED", "UNION_MEMBER_REMOVED")


_ADDED_MEMBERS: Final = frozenset(
    ("FIELD_ADDED", "FIELD_ARGUMENT_ADDED", "INPUT_FIELD_ADDED", "ENUM_VALUE_ADDED", "DIRECTIVE_ARGUMENT_ADDED")
)


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """One change, without its texts."""

    code: str
    coordinate: str
    severity: str


def differences(ours: Sequence[Change], theirs: Iterable[dict[str, Any]]) -> Iterator[str]:
    """One line for each change that only one of both finds, or finds with another severity without a deviation."""
    expected = set(_of_inspector(theirs))
    found = {Found(change.code, change.coordinate, change.severity): change for change in ours}
    known = {(each.code, each.coordinate) for each in found}
    for each, change in found.items():
        if each not in expected and not any(row.applies(change) for row in DEVIATIONS):
            yield f"only here: {each.severity} {each.code} {each.coordinate}"
    for each in sorted(expected):
        if (each.code, each.coordinate) not in known and not _is_deprecation(each, known):
            yield f"only inspector: {each.severity} {each.code} {each.coordinate}"


def _is_deprecation(each: Found, known: set[tuple[str, str]]) -> bool:
    """Whether the inspector reports a second change of the same deprecation."""
    return each.code.startswith("FIELD_DEPRECATION_REASON") and any(
        code.startswith("DEPRECATION") and coordinate == each.coordinate for code, coordinate in known
    )


def _of_inspector(listed: Iterable[dict[str, Any]]) -> Iterator[Found]:
    changes = list(listed)
    new_elements = {change["path"] for change in changes if change["type"] in {"TYPE_ADDED", "DIRECTIVE_ADDED"}}
    new_members = {change["path"] for change in changes if change["type"] in _ADDED_MEMBERS}
    for change in changes:
        meta = change.get("meta") or {}
        kind = change["type"]
        added_below = any(key.startswith("addedTo") and value for key, value in meta.items())
        added_below |= (change.get("path") or "").partition(".")[0] in new_elements
        about = "DESCRIPTION" in kind or "DEPRECATION" in kind
        added_below |= about and (change.get("path") or "").removesuffix(".@deprecated") in new_members
        # The inspector also lists everything inside a new type or directive, and reports some directives a second time.
        is_listed = added_below and kind not in {"TYPE_ADDED", "DIRECTIVE_ADDED", "OBJECT_TYPE_INTERFACE_ADDED"}
        if is_listed or kind in _ROOTS or _is_standard(kind, meta):
            continue
        yield Found(_CODES.get(kind, kind), _coordinate(kind, change.get("path") or "", meta), LEVELS[change["level"]])


def _is_standard(kind: str, meta: dict[str, Any]) -> bool:
    text = json.dumps(meta)
    return "DIRECTIVE_USAGE" in kind and any(name in text for name in ("deprecated", "specifiedBy", "oneOf"))


def _coordinate(kind: str, path: str, meta: dict[str, Any]) -> str:
    path = path.replace(".@deprecated", "")
    parts = path.split(".")
    if kind.startswith("DIRECTIVE_ARGUMENT"):
        names = ("addedDirectiveArgumentName", "removedDirectiveArgumentName", "directiveArgumentName")
        return f"{parts[0]}({next(meta[name] for name in names if name in meta)}:)"
    if kind.startswith("FIELD_ARGUMENT") and len(parts) == 3:
        return f"{parts[0]}.{parts[1]}({parts[2]}:)"
    return parts[0] if _CODES.get(kind, kind) in _WITH_DETAIL else path
