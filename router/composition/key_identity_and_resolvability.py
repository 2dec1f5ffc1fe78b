"""Questions about `@key` directives: do two keys select the same fields, and is a key resolvable?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import BooleanValueNode, FieldNode, InlineFragmentNode, SelectionSetNode, print_ast

if TYPE_CHECKING:
    from collections.abc import Hashable

    from router.composition.model import Applied


def key_identity(key: Applied) -> Hashable | None:
    """Return a value to compare two keys: it is equal if the keys select the same fields, in any order.

    Return None if the field set of `key` cannot be parsed.
    """
    selections = key.field_set
    return None if selections is None else _identity(selections)


def _identity(selections: SelectionSetNode) -> frozenset[Hashable]:
    return frozenset(
        (
            item.name.value if isinstance(item, FieldNode) else print_ast(item).split("{")[0],
            _identity(item.selection_set)
            if isinstance(item, FieldNode | InlineFragmentNode) and item.selection_set
            else None,
        )
        for item in selections.selections
    )


def resolvable(key: Applied) -> bool:
    """Return False if the key has `resolvable: false`: the router cannot fetch objects by the key. Otherwise True."""
    value = key.arguments.get("resolvable")
    return not (isinstance(value, BooleanValueNode) and not value.value)
