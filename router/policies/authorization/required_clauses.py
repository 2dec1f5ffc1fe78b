"""Collects the clauses on which the access to an operation depends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode

from router.policies.authorization.selection_conditions import field_type_name

if TYPE_CHECKING:
    from graphql import SelectionNode, SelectionSetNode

    from router.get_operation import PreparedOperation
    from router.policies.authorization.requirements import Clause, Requirement, SchemaRequirements


def required_clauses(operation: PreparedOperation, requirements: SchemaRequirements) -> Requirement:
    """Return the clauses of all fields and types that the operation selects."""
    root = operation.api_schema.get_root_type(operation.definition.operation)
    collector = _Collector(operation, requirements)
    if root is not None:
        collector.visit(operation.definition.selection_set, root.name)
    return frozenset(collector.clauses)


class _Collector(msgspec.Struct):
    """Collects the clauses of an operation.

    Each named fragment is visited once, because its clauses are the same wherever it is spread.
    """

    operation: PreparedOperation
    requirements: SchemaRequirements
    clauses: set[Clause] = msgspec.field(default_factory=set)
    visited: set[str] = msgspec.field(default_factory=set)

    def visit(self, selections: SelectionSetNode, parent: str) -> None:
        for selection in selections.selections:
            self._visit(selection, parent)

    def _visit(self, selection: SelectionNode, parent: str) -> None:
        match selection:
            case FieldNode(name=name, selection_set=inner):
                self.clauses |= self.requirements.of_field(parent, name.value)
                type_name = field_type_name(self.operation.api_schema, parent, name.value)
                if inner is not None and type_name is not None:
                    self.visit(inner, type_name)
            case InlineFragmentNode(type_condition=condition, selection_set=inner):
                self._fragment(inner, parent if condition is None else condition.name.value)
            case FragmentSpreadNode(name=name) if name.value not in self.visited:
                self.visited.add(name.value)
                fragment = self.operation.fragments[name.value]
                self._fragment(fragment.selection_set, fragment.type_condition.name.value)

    def _fragment(self, selections: SelectionSetNode, type_name: str) -> None:
        self.clauses |= self.requirements.of_type(type_name)
        self.visit(selections, type_name)
