"""MISSING_TRANSITIVE_AUTH_REQUIREMENTS: a field requires less authorization than the fields it is computed from.

A field with `@requires` or `@fromContext` is computed from other fields. So it could reveal the data of the other
fields to a client that may not see this data. If the other fields require a scope, the computed field or its parent
type must require the scope too (composition §5.7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode, SelectionSetNode

from router.composition.const_value_nodes import python_value
from router.composition.context_directives import context_types, contextual_arguments
from router.composition.merge.combine_auth_requirements import (
    MAX_ALTERNATIVES,
    Requirement,
    TooManyAlternativesError,
    conjunction,
    implies,
    requirement,
)
from router.composition.model import AUTH_ELEMENTS
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.merge.merge_state import MergeState
    from router.composition.model import Element, FieldDef, Schema

_ARGUMENTS = {"requiresScopes": "scopes", "policy": "policies"}
# A `Requirement` is a set of alternatives, and an alternative is a set of conditions: `{{a, b}, {c}}` means "a and b,
# or c". The requirement of `@authenticated` has one alternative with one condition.
_AUTHENTICATED: Requirement = frozenset({frozenset({"authenticated"})})


def check(state: MergeState) -> None:
    """Report each field that requires less authorization than the fields it is computed from (composition §5.7)."""
    if not any(merged.element in AUTH_ELEMENTS for merged in state.features.merged.values()):
        return
    for subgraph in state.subgraphs:
        for _, member in subgraph.schema.fields():
            for type_name, selections in _requirements(member):
                _check(state, subgraph, member, list(_selected(state.supergraph, type_name, selections)))
            for type_name, selections in _contexts(subgraph, member):
                holder = state.supergraph.types[type_name]
                _check(state, subgraph, member, [holder, *_selected(state.supergraph, type_name, selections)])


def _requirements(member: FieldDef) -> Iterator[tuple[str, SelectionSetNode]]:
    for applied in member.applied("requires"):
        if applied.field_set is not None:
            yield member.parent, applied.field_set


def _contexts(subgraph: SubgraphMetadata, member: FieldDef) -> Iterator[tuple[str, SelectionSetNode]]:
    for _, value in contextual_arguments(member):
        for definition in context_types(subgraph.schema, value.context):
            yield definition.name, value.selection


def _selected(schema: Schema, type_name: str, selections: SelectionSetNode) -> Iterator[Element]:
    """Yield each element whose authorization directives a client must meet in order to read the selection.

    These are the selected fields, the types of the selected fields, and the types in type conditions.
    """
    definition = schema.types.get(type_name)
    for item in selections.selections:
        if isinstance(item, InlineFragmentNode):
            name = item.type_condition.name.value if item.type_condition else type_name
            if name in schema.types:
                yield schema.types[name]
            yield from _selected(schema, name, item.selection_set)
        elif isinstance(item, FieldNode) and definition is not None and item.name.value in definition.fields:
            member = definition.fields[item.name.value]
            yield member
            target = schema.types.get(base_name(member.type))
            if target is not None:
                yield target
                if item.selection_set is not None:
                    yield from _selected(schema, target.name, item.selection_set)


def _check(state: MergeState, subgraph: SubgraphMetadata, member: FieldDef, selected: list[Element]) -> None:
    own = state.supergraph.types[member.parent].fields.get(member.name)
    if own is None:
        return
    for element in AUTH_ELEMENTS:
        try:
            have = _all(element, (own, state.supergraph.types[member.parent]))
            enough = implies(have, _all(element, selected))
        except TooManyAlternativesError:
            state.report.error(
                "UNSUPPORTED_FEATURE",
                f"[{subgraph.name}] The data that {member.coordinate} is computed from requires more than "
                f"{MAX_ALTERNATIVES} alternatives of @{element}.",
                [(subgraph.name, member.node)],
            )
            return
        if not enough:
            state.report.error(
                "MISSING_TRANSITIVE_AUTH_REQUIREMENTS",
                f"[{subgraph.name}] {member.coordinate} is computed from data that requires more @{element} than the "
                "field itself.",
                [(subgraph.name, member.node)],
            )


def _all(element: str, carriers: Iterable[Element]) -> Requirement:
    found = [applied for carrier in carriers for applied in carrier.applied(element)]
    if element == "authenticated":
        return _AUTHENTICATED if found else frozenset()
    return conjunction(requirement(python_value(each.arguments.get(_ARGUMENTS[element]))) for each in found)
