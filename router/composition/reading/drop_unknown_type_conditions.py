"""Remove type conditions on unknown types from field sets: `... on Unknown { id }` becomes `... { id }`.

A type is unknown if this subgraph does not have the type, even if another subgraph has it. Other federation tools
ignore type conditions on unknown types. Existing subgraphs rely on that, so composition ignores these conditions too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode, SelectionNode, SelectionSetNode

from router.composition.const_value_nodes import string
from router.composition.model import BUILT_IN_SCALARS, all_applied
from router.federation.field_sets import print_field_set

if TYPE_CHECKING:
    from router.composition.model import Schema

_DIRECTIVES = frozenset({"key", "requires", "provides"})


def drop_unknown_type_conditions(schema: Schema) -> None:
    """Remove type conditions on unknown types from the field set of each `@key`, `@requires` and `@provides`.

    A field set that cannot be parsed stays as it is.
    """
    for applied in all_applied(schema):
        if applied.element not in _DIRECTIVES or "..." not in (applied.text("fields") or ""):
            continue
        selections = applied.field_set
        if selections is None:
            continue
        without_unknown = _without_unknown_types(schema, selections)
        if without_unknown != selections:
            applied.arguments["fields"] = string(print_field_set(without_unknown))


def _without_unknown_types(schema: Schema, selections: SelectionSetNode) -> SelectionSetNode:
    return replace(selections, selections=tuple(_selection(schema, each) for each in selections.selections))


def _selection(schema: Schema, selection: SelectionNode) -> SelectionNode:
    match selection:
        case FieldNode() if selection.selection_set is not None:
            return replace(selection, selection_set=_without_unknown_types(schema, selection.selection_set))
        case InlineFragmentNode():
            condition = selection.type_condition
            if condition is not None and condition.name.value not in schema.types.keys() | BUILT_IN_SCALARS:
                condition = None
            inner = _without_unknown_types(schema, selection.selection_set)
            return replace(selection, type_condition=condition, selection_set=inner)
        case _:
            return selection
