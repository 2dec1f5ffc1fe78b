"""Rewrite field sets that Federation 1 accepts, but Federation 2 does not.

- Federation 1 accepts a field set that is a list or a name: `["id", "sku"]` or `id`. It becomes a string.
- In Federation 1, `@requires` and `@provides` may select fields that are not external. Such fields have no effect, so
  they are dropped from the field set.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from graphql.language import (
    EnumValueNode,
    FieldNode,
    InlineFragmentNode,
    ListValueNode,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
)

from router.composition.const_value_nodes import string
from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
from router.composition.field_set_problems import argument_problems, given_arguments
from router.composition.fields_of_field_set import with_implementations
from router.composition.model import COMPOSITE
from router.composition.type_refs import base_name
from router.federation.field_sets import print_field_set
from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from router.composition.model import Applied
    from router.composition.upgrade.upgrade_step_input import Upgrade


def coerce_fields(upgrade: Upgrade) -> None:
    """Turn field sets that are lists or names into strings: `["id", "sku"]` into `"id sku"`, and `id` into `"id"`."""
    for _, applied in SubgraphMetadata(upgrade.schema).field_set_uses():
        value = applied.arguments.get("fields")
        items = value.values if isinstance(value, ListValueNode) else (value,)
        names = [item.value for item in items if isinstance(item, StringValueNode | EnumValueNode)]
        if names and len(names) == len(items):
            applied.arguments["fields"] = string(" ".join(names))


def drop_ineffective_leaves(upgrade: Upgrade) -> None:
    """Drop fields that are not external from the field sets of `@requires` and `@provides`.

    These fields have no effect, because the subgraph resolves them anyway. If a field set becomes empty, its directive
    is dropped too.
    """
    subgraph = SubgraphMetadata(upgrade.schema)
    for _, member in upgrade.schema.fields():
        kept = []
        for applied in member.directives:
            if applied.element == "requires":
                keep = _keep(subgraph, member.parent, applied)
            elif applied.element == "provides":
                keep = _keep(subgraph, base_name(member.type), applied)
            else:
                keep = True
            if keep:
                kept.append(applied)
        member.directives = kept


def _keep(subgraph: SubgraphMetadata, type_name: str, applied: Applied) -> bool:
    """Drop the selections without effect from a field set, in place. Return False if no selection remains.

    An invalid field set is not changed.
    """
    selections = applied.field_set
    if selections is None or not _is_readable(subgraph, type_name, selections):
        return True
    effective = _effective(subgraph, type_name, selections)
    if effective is None:
        return False
    if effective is not selections:
        applied.arguments["fields"] = string(print_field_set(effective))
    return True


def _is_readable(subgraph: SubgraphMetadata, type_name: str, selections: SelectionSetNode) -> bool:
    """Return whether all selected fields are valid.

    A selected field is valid if the type has the field, there is no alias, and the arguments are valid. If the field's
    type has fields, the field must have a selection set; otherwise, it must not have one.
    """
    schema = subgraph.schema
    definition = schema.types.get(type_name)
    for item in selections.selections:
        if isinstance(item, InlineFragmentNode):
            inner = item.type_condition.name.value if item.type_condition else type_name
            if not _is_readable(subgraph, inner, item.selection_set):
                return False
        elif isinstance(item, FieldNode) and item.name.value != TYPENAME:
            member = definition.fields.get(item.name.value) if definition is not None else None
            if (
                member is None
                or item.alias is not None
                or any(argument_problems(schema, member, given_arguments(item)))
            ):
                return False
            if (schema.kind_of(member.type) in COMPOSITE) != (item.selection_set is not None):
                return False
            if item.selection_set is not None and not _is_readable(
                subgraph, base_name(member.type), item.selection_set
            ):
                return False
    return True


def _effective(subgraph: SubgraphMetadata, type_name: str, selections: SelectionSetNode) -> SelectionSetNode | None:
    """Return `selections` without the selections that have no effect. Return None if no selection remains.

    If nothing is dropped, return the same object `selections`.
    """
    definition = subgraph.schema.types.get(type_name)
    kept: list[SelectionNode] = []
    for item in selections.selections:
        if isinstance(item, InlineFragmentNode):
            inner_type = item.type_condition.name.value if item.type_condition else type_name
        elif isinstance(item, FieldNode) and definition is not None and item.name.value in definition.fields:
            member = definition.fields[item.name.value]
            if any(each.has("external") for each in with_implementations(subgraph.schema, member)):
                kept.append(item)
                continue
            if item.selection_set is None:
                continue
            inner_type = base_name(member.type)
        elif isinstance(item, FieldNode) and item.name.value == TYPENAME:
            continue
        else:
            kept.append(item)
            continue
        inner = _effective(subgraph, inner_type, item.selection_set) if item.selection_set else None
        if inner is not None:
            kept.append(item if inner is item.selection_set else replace(item, selection_set=inner))
    if not kept:
        return None
    unchanged = len(kept) == len(selections.selections) and all(
        one is other for one, other in zip(kept, selections.selections, strict=True)
    )
    return selections if unchanged else SelectionSetNode(selections=tuple(kept))
