"""Lists what the fields of an operation require of a client, and what a client lacks (`router explain-auth`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode

from router.plan.client_and_internal_response_keys import client_key
from router.policies.authorization.selection_conditions import field_type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import SelectionSetNode

    from router.get_operation import PreparedOperation
    from router.policies.authorization.requirements import Granted, Requirement, SchemaRequirements


class FieldAccess(NamedTuple):
    """The access to one selected field.

    Attributes:
        path: The response keys from the root to the field.
        coordinate: The field in the schema, such as `User.email`.
        requires: What a client needs: the clauses of the field, of the fragments around it and of its parent fields.
        failed: The clauses that do not hold for the client. Empty if the client may read the field.
    """

    path: tuple[str, ...]
    coordinate: str
    requires: Requirement
    failed: Requirement


def explain_access(
    operation: PreparedOperation, requirements: SchemaRequirements, granted: Granted
) -> Iterator[FieldAccess]:
    """Yield a `FieldAccess` for each field of the operation, in document order. Skip fields such as `__typename`."""
    root = operation.api_schema.get_root_type(operation.definition.operation)
    if root is not None:
        work = _Explanation(operation, requirements, granted)
        yield from work.selections(operation.definition.selection_set, root.name, (), frozenset())


class _Explanation(NamedTuple):
    operation: PreparedOperation
    requirements: SchemaRequirements
    granted: Granted

    def selections(
        self, selections: SelectionSetNode, parent: str, path: tuple[str, ...], outer: Requirement
    ) -> Iterator[FieldAccess]:
        """Yield a `FieldAccess` for each field in a selection set, at any depth.

        `outer` has the clauses of the fields and fragments around the selection set.
        """
        for selection in selections.selections:
            match selection:
                case FieldNode(name=name) if not name.value.startswith("__"):
                    yield from self._field(selection, parent, path, outer)
                case InlineFragmentNode(type_condition=condition, selection_set=inner):
                    type_name = parent if condition is None else condition.name.value
                    clauses = outer | self.requirements.of_type(type_name)
                    yield from self.selections(inner, type_name, path, clauses)
                case FragmentSpreadNode(name=name):
                    fragment = self.operation.fragments[name.value]
                    type_name = fragment.type_condition.name.value
                    clauses = outer | self.requirements.of_type(type_name)
                    yield from self.selections(fragment.selection_set, type_name, path, clauses)

    def _field(self, node: FieldNode, parent: str, path: tuple[str, ...], outer: Requirement) -> Iterator[FieldAccess]:
        name, own_path = node.name.value, (*path, client_key(node))
        requires = outer | self.requirements.of_field(parent, name)
        failed = frozenset(clause for clause in requires if not clause.holds(self.granted))
        yield FieldAccess(own_path, f"{parent}.{name}", requires, failed)
        type_name = field_type_name(self.operation.api_schema, parent, name)
        if node.selection_set is not None and type_name is not None:
            yield from self.selections(node.selection_set, type_name, own_path, requires)
