"""Convert `@provides` selections to scopes (planning §3.10, §3.11).

With `@provides`, a subgraph resolves some fields of an object only if the object is the value of a certain field. The
*scope* of an object has these provided fields, as a tree without fragments. Example:

    type Query { book: Book @provides(fields: "author { name }") }

    scope of the object at `book`:           author { name }
    scope of the object at `book.author`:    name
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec
from graphql import FieldNode, InlineFragmentNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from graphql import SelectionSetNode


class ProvidedField(msgspec.Struct, frozen=True):
    """A field that a subgraph resolves because of a `@provides`.

    Attributes:
        types: The object types for which the field is provided. None if it is provided for all types.
        scope: The provided fields of the returned object.
    """

    name: str
    types: frozenset[str] | None
    scope: Scope


Scope: TypeAlias = tuple[ProvidedField, ...]
NOTHING: Scope = ()


def scope_of(selection: SelectionSetNode, possible: Callable[[str], frozenset[str]]) -> Scope:
    """Return the scope of a `@provides` selection.

    `possible` returns the names of the object types that the values of a type can have.
    """
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
    """Return the scope of the child object in the field `name`.

    `scope` is the scope of the parent object. If this scope does not provide the field for all object types in
    `possible`, return None.
    """
    matching = [entry for entry in scope if entry.name == name and (entry.types is None or possible <= entry.types)]
    if not matching:
        return None
    return tuple(child for entry in matching for child in entry.scope)
