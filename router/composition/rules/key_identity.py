"""When two `@key` applications select the same fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import BooleanValueNode, FieldNode, InlineFragmentNode, SelectionSetNode, print_ast

if TYPE_CHECKING:
    from collections.abc import Hashable

    from router.composition.model import Applied


def key_identity(key: Applied) -> Hashable | None:
    """Equal for sets that differ in order and spacing only; None for a set that does not parse."""
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
    value = key.arguments.get("resolvable")
    return not (isinstance(value, BooleanValueNode) and not value.value)
