"""Resolve the introspection fields `__schema` and `__type` from the API schema (execution §7).

The query plan does not contain these fields. They are copied to a separate operation, which graphql-core executes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import (
    REMOVE,
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLDeferDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Visitor,
    execute_sync,
    visit,
)

from router.plan.client_and_internal_response_keys import key_beside_typename
from router.supergraph.merged_and_api_schema import published_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DirectiveNode, FragmentDefinitionNode, SelectionNode, VisitorAction

    from router.executor.context_and_result import JsonObject
    from router.get_operation import PreparedOperation

META_FIELDS: Final = frozenset({"__schema", "__type"})


def introspect(operation: PreparedOperation, variables: Mapping[str, object]) -> JsonObject:
    """Return the values of the introspection fields; empty if the operation selects none.

    The keys of the result are internal response keys (`router/plan/client_and_internal_response_keys.py`).
    """
    definition = operation.definition
    if definition.operation is not OperationType.QUERY:
        return {}
    selections = _meta_fields(definition.selection_set, operation.fragments)
    if not selections:
        return {}
    pruned = OperationDefinitionNode(
        operation=definition.operation,
        name=definition.name,
        variable_definitions=definition.variable_definitions,
        directives=(),
        selection_set=SelectionSetNode(selections=selections),
    )
    document = DocumentNode(definitions=(pruned, *operation.fragments.values()))
    document = visit(document, _WithoutDefer())
    result = execute_sync(published_schema(operation.api_schema), document, {}, variable_values=dict(variables))
    if result.errors:
        raise RuntimeError("introspection of a valid schema cannot fail") from result.errors[0]
    return {key_beside_typename(key): value for key, value in (result.data or {}).items()}


class _WithoutDefer(Visitor):
    """Removes `@defer`. With `@defer`, graphql-core would deliver the values in several parts."""

    def enter_directive(self, node: DirectiveNode, *_: object) -> VisitorAction:
        return REMOVE if node.name.value == GraphQLDeferDirective.name else None


def _meta_fields(
    selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[SelectionNode, ...]:
    kept: list[SelectionNode] = []
    for node in selection_set.selections:
        match node:
            case FieldNode(name=name):
                if name.value in META_FIELDS:
                    kept.append(node)
            case InlineFragmentNode(selection_set=inner):
                kept += _fragment(node, inner, fragments)
            case FragmentSpreadNode(name=name):
                kept += _fragment(node, fragments[name.value].selection_set, fragments)
    return tuple(kept)


def _fragment(
    node: InlineFragmentNode | FragmentSpreadNode,
    inner: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> list[SelectionNode]:
    """Return the introspection fields of a fragment, inside an inline fragment.

    If the fragment has no introspection fields, return an empty list.
    """
    kept = _meta_fields(inner, fragments)
    return (
        [InlineFragmentNode(directives=node.directives, selection_set=SelectionSetNode(selections=kept))]
        if kept
        else []
    )
