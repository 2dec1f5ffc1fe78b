"""Scopes of `@provides`: fields that a subgraph resolves only on one path (planning §3.10, §3.11).

A scope is a `@provides` selection as a tree of fields, without fragments. It belongs to a vertex of the query graph.
`@provides(fields: "author { name }")` on `book` gives the type of `book` a scope with the field `author`, and the type
of `author` below it a scope with the field `name`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from graphql import FieldNode, InlineFragmentNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from graphql import SelectionSetNode


@dataclass(frozen=True, slots=True)
class ProvidedField:
    """A provided field. `types` are the object types for which the field is provided, None for all types."""

    name: str
    types: frozenset[str] | None
    scope: Scope


Scope: TypeAlias = tuple[ProvidedField, ...]
NOTHING: Scope = ()


def scope_of(selection: SelectionSetNode, possible: Callable[[str], frozenset[str]]) -> Scope:
    """Return the scope of a `@provides` selection; `possible` returns the object types of a type name."""
    return tuple(_fields(selection, None, possible))


def _fields(
    selection: SelectionSetNode, types: frozenset[str] | None, possible: Callable[[str], frozenset[str]]
) -> Iterator[ProvidedField]:
    for item in selection.selections:
        if isinstance(item, FieldNode):
            scope = NOTHING if item.selection_set is None else scope_of(item.selection_set, possible)
            yield ProvidedField(item.name.value, types, scope)
        elif isinstance(item, InlineFragmentNode):
            narrowed = types
            if item.type_condition is not None:
                here = possible(item.type_condition.name.value)
                narrowed = here if types is None else types & here
            yield from _fields(item.selection_set, narrowed, possible)


def provided_scope(scope: Scope, name: str, possible: frozenset[str]) -> Scope | None:
    """Return the scope below field `name`, or None if the scope does not provide the field on all `possible` types."""
    matching = [entry for entry in scope if entry.name == name and (entry.types is None or possible <= entry.types)]
    if not matching:
        return None
    return tuple(child for entry in matching for child in entry.scope)
