"""Decide whether two `@key` directives select the same fields, and whether a `@key` is resolvable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import BooleanValueNode, FieldNode, InlineFragmentNode, SelectionSetNode, print_ast

if TYPE_CHECKING:
    from collections.abc import Hashable

    from router.composition.model import Applied


def key_identity(key: Applied) -> Hashable | None:
    """Return a value for comparing keys. Two keys have equal values if they select the same fields, in any order.

    Keys must not have aliases. If a key has one anyway, `a: id` and `id` count as different fields. If the field set of
    `key` cannot be parsed, the result is None.
    """
    selections = key.field_set
    return None if selections is None else _identity(selections)


def _identity(selections: SelectionSetNode) -> frozenset[Hashable]:
    return frozenset(
        (
            (item.alias and item.alias.value, item.name.value)
            if isinstance(item, FieldNode)
            else print_ast(item).split("{")[0],
            _identity(item.selection_set)
            if isinstance(item, FieldNode | InlineFragmentNode) and item.selection_set
            else None,
        )
        for item in selections.selections
    )


def resolvable(key: Applied) -> bool:
    """Return whether the router can fetch objects by the key. If the key has `resolvable: false`, it cannot."""
    value = key.arguments.get("resolvable")
    return not (isinstance(value, BooleanValueNode) and not value.value)
