"""Collect the fields of the client's operation that apply to an object (GraphQL specification, "CollectFields").

A subgraph can report an interface as the type of an object. The object type is then unknown, and fields can be
collected only if the operation selects the same fields for all implementations of the interface. For leaf fields, it
does not matter how they are selected: `... on User { name }` and `name` count as the same field. The planner does not
fetch the object type only to distinguish such selections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec
from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    InlineFragmentNode,
    VariableNode,
    print_ast,
)

from router.executor.graphql.type_relations import is_subtype, possible_names
from router.plan.client_and_internal_response_keys import internal_key
from router.request.withheld_fields import is_withheld

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DirectiveNode, FragmentDefinitionNode, GraphQLSchema, SelectionNode, SelectionSetNode

Fields: TypeAlias = "dict[str, tuple[FieldNode, ...]]"


class UndeterminedType(Exception):
    """The fields to collect depend on the object type, but no subgraph reported the object type."""


class FieldCollector(msgspec.Struct, frozen=True):
    """Collects the fields that apply to a type. Results are cached, because objects in a list get the same fields."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, object]
    _collected: dict[tuple[str, tuple[int, ...]], Fields] = msgspec.field(default_factory=dict)

    def collect(self, typename: str, nodes: tuple[SelectionSetNode, ...]) -> Fields:
        """Collect the fields that the selection sets `nodes` select on an object of the type `typename`.

        Returns:
            The field nodes for each internal response key, in the client's order. See
            `router/plan/client_and_internal_response_keys.py`.

        Raises:
            UndeterminedType: The type is an interface or a union, and its object types have different fields.
        """
        key = (typename, tuple(map(id, nodes)))
        fields = self._collected.get(key)
        if fields is None:
            fields = self._collected[key] = self._of_every_type(typename, nodes)
        return fields

    def _of_every_type(self, typename: str, nodes: tuple[SelectionSetNode, ...]) -> Fields:
        types = possible_names(self.schema, typename)
        if types in ([], [typename]):
            return self._of_type(typename, nodes)
        first, *others = (self.collect(name, nodes) for name in types)
        if any(not _are_equal(first, other) for other in others):
            raise UndeterminedType(typename)
        return first

    def _of_type(self, typename: str, nodes: tuple[SelectionSetNode, ...]) -> Fields:
        grouped: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for node in nodes:
            self._group(typename, node, grouped, visited)
        return {name: tuple(group) for name, group in grouped.items()}

    def subfields(self, typename: str, nodes: tuple[FieldNode, ...]) -> Fields:
        """Collect the subfields that a field has on an object of the type `typename`.

        `nodes` are all syntax nodes of the field. Their selection sets are merged (GraphQL specification,
        "MergeSelectionSets").
        """
        return self.collect(typename, tuple(node.selection_set for node in nodes if node.selection_set))

    def all_subfields(self, nodes: tuple[FieldNode, ...]) -> Fields:
        """Return all subfields of a field by internal response key. `nodes` are all syntax nodes of the field.

        Type conditions, `@skip` and `@include` are ignored.
        """
        grouped: dict[str, list[FieldNode]] = {}
        pending: list[SelectionSetNode] = [node.selection_set for node in nodes if node.selection_set]
        visited: set[str] = set()
        while pending:
            for selection in pending.pop().selections:
                match selection:
                    case FieldNode():
                        grouped.setdefault(internal_key(selection), []).append(selection)
                    case InlineFragmentNode(selection_set=inner):
                        pending.append(inner)
                    case FragmentSpreadNode(name=name) if name.value not in visited:
                        visited.add(name.value)
                        pending.append(self.fragments[name.value].selection_set)
        return {name: tuple(group) for name, group in grouped.items()}

    def _group(
        self, typename: str, selections: SelectionSetNode, grouped: dict[str, list[FieldNode]], visited: set[str]
    ) -> None:
        for selection in selections.selections:
            if not self._is_included(selection):
                continue
            match selection:
                case FieldNode():
                    grouped.setdefault(internal_key(selection), []).append(selection)
                case InlineFragmentNode(type_condition=condition, selection_set=inner):
                    if condition is None or is_subtype(self.schema, typename, condition.name.value):
                        self._group(typename, inner, grouped, visited)
                case FragmentSpreadNode(name=name):
                    fragment = self.fragments[name.value]
                    condition = fragment.type_condition
                    if name.value not in visited and is_subtype(self.schema, typename, condition.name.value):
                        visited.add(name.value)
                        self._group(typename, fragment.selection_set, grouped, visited)

    def _is_included(self, selection: SelectionNode) -> bool:
        for directive in selection.directives or ():
            if directive.name.value == GraphQLSkipDirective.name and self._condition(directive):
                return False
            if directive.name.value == GraphQLIncludeDirective.name and not self._condition(directive):
                return False
        return True

    def _condition(self, directive: DirectiveNode) -> bool:
        value = directive.arguments[0].value if directive.arguments else None
        if isinstance(value, VariableNode):
            return self.variables.get(value.name.value) is True
        return isinstance(value, BooleanValueNode) and value.value


def _are_equal(one: Fields, other: Fields) -> bool:
    """Return whether `one` and `other` have the same fields in the same order."""
    return [*one] == [*other] and all(_are_alike(nodes, other[key]) for key, nodes in one.items())


def _are_alike(one: tuple[FieldNode, ...], other: tuple[FieldNode, ...]) -> bool:
    """Return whether `one` and `other` are equal nodes, or nodes of the same leaf field with the same arguments."""
    if one == other:
        return True
    return one[0].selection_set is None and _signature(one[0]) == _signature(other[0])


def _signature(node: FieldNode) -> tuple[str, frozenset[str], bool]:
    return node.name.value, frozenset(map(print_ast, node.arguments or ())), is_withheld((node,))
