"""The monolith: one server with the merged schema and all the data."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from graphql import GraphQLError, GraphQLSchema, SelectionSetNode, execute_sync, parse

from tests.router.oracle.data_store import Reference, raise_unexpected_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import DocumentNode, ExecutionResult, FieldNode, GraphQLAbstractType, GraphQLResolveInfo

    from tests.router.oracle.data_store import Store
    from tests.router.oracle.subgraph_rules import FederationRules

# The limit of fields in a response: about a second for each side. Nested lists could have millions of fields.
MAX_FIELDS = 20_000
REFUSED = "UNAUTHORIZED_FIELD_OR_TYPE"


class ResponseTooLarge(Exception):
    """The response would have more than `MAX_FIELDS` fields."""


@dataclass(frozen=True, slots=True)
class MonolithObject:
    """An object and its parent object; the ancestors give `@fromContext` arguments their values."""

    reference: Reference
    parent: MonolithObject | None = None


class Monolith:
    """graphql-core on the merged schema. Its responses define what is right."""

    def __init__(self, schema: GraphQLSchema, federation_rules: FederationRules) -> None:
        self.schema = schema
        self.federation_rules = federation_rules

    def execute(self, store: Store, query: str, variables: Mapping[str, object]) -> ExecutionResult:
        """Execute the operation.

        Raises:
            ResponseTooLarge: the response would have more than `MAX_FIELDS` fields.
        """
        return self.execute_document(store, parse(query), variables)

    def execute_document(
        self,
        store: Store,
        document: DocumentNode,
        variables: Mapping[str, object],
        withholds: Callable[[list[FieldNode]], bool] = lambda _nodes: False,
    ) -> ExecutionResult:
        """Execute the operation of a document. If `withholds` is true of the nodes of a field, the field is refused.

        Raises:
            ResponseTooLarge: the response would have more than `MAX_FIELDS` fields.
        """
        resolved = count(1)

        def resolve(source: object, info: GraphQLResolveInfo[object], **arguments: object) -> object:
            if next(resolved) > MAX_FIELDS:
                raise ResponseTooLarge
            if withholds(info.field_nodes):
                raise GraphQLError(REFUSED)
            return self._resolve(store, source, info, arguments)

        def typename(value: object, _info: GraphQLResolveInfo[object], _type: GraphQLAbstractType) -> str:
            assert isinstance(value, MonolithObject)
            return value.reference.typename

        result = execute_sync(
            self.schema,
            document,
            variable_values=dict(variables),
            field_resolver=resolve,
            type_resolver=typename,
        )
        raise_unexpected_errors(result)
        return result

    def _resolve(
        self, store: Store, source: object, info: GraphQLResolveInfo[object], arguments: Mapping[str, object]
    ) -> object:
        parent = source if isinstance(source, MonolithObject) else None
        if info.parent_type.name == "Mutation":
            return _monolith_value(store.mutate(info.field_name, arguments), parent)
        reference = parent.reference if parent else Reference(info.parent_type.name)
        context_arguments = self.federation_rules.semantics.contexts.get((reference.typename, info.field_name), {})
        values = {name: _from_context(store, parent, selections) for name, selections in context_arguments.items()}
        arguments = {**arguments, **values}
        return _monolith_value(store.compute(reference, info.field_name, arguments), parent)


def _from_context(store: Store, parent: MonolithObject | None, selections: Mapping[str, SelectionSetNode]) -> object:
    """The value of a `@fromContext` argument: from the nearest ancestor that sets the context."""
    ancestors = [Reference("Query")]
    while parent is not None and parent.parent is not None:
        parent = parent.parent
        ancestors.insert(-1, parent.reference)
    reference = next(one for one in ancestors if one.typename in selections)
    (value,) = store.required_values(reference, selections[reference.typename]).values()
    return value


def _monolith_value(value: object, parent: MonolithObject | None) -> object:
    match value:
        case list():
            return [_monolith_value(item, parent) for item in value]
        case Reference():
            return MonolithObject(value, parent)
        case _:
            return value
