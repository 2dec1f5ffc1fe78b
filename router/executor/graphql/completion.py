"""Completion: from the raw merged tree to the client's response (§5).

The tree holds whatever the subgraphs sent, helper fields included; the client gets the fields it asked for, in its
order, with every value checked against the API schema. Null at a non-null position moves up to the nearest nullable one
(GraphQL specification, "Handling Execution Errors").

    users: [User]!   email: String!     raw  {users: [{email: "a"}, {email: null}]}
                                        data {users: [{email: "a"}, null]}    error at users.1.email

One null has one error. A subgraph that caused a null has usually said so, at the null, below it, or at the object whose
fetch failed; only a null nobody explained gets an error of the router's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeGuard

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_interface_type,
    is_object_type,
)

from router.errors import ResponseError
from router.executor.context import ExecutionResult
from router.executor.errors.failures import Failures
from router.executor.errors.unavailable_values import Losses, value_at
from router.executor.graphql.collect_fields import FieldCollector, UndeterminedType
from router.executor.graphql.introspection import META_FIELDS
from router.executor.graphql.leaf_coercion import Unfit, coerce_leaf
from router.executor.graphql.type_relations import is_subtype, possible_names
from router.plan.response_keys import as_client_says, client_key

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from graphql import FieldNode, GraphQLCompositeType, GraphQLOutputType

    from router.errors import ResponsePath
    from router.executor.context import JsonObject
    from router.executor.graphql.collect_fields import Fields
    from router.operation import PreparedOperation

# The code Apollo's router uses when a subgraph's value does not fit the schema.
INVALID_VALUE: Final = "RESPONSE_VALIDATION_FAILED"
UNDETERMINED: Final = "The type of the object could not be determined."

LOST_VALUE: Final = "REQUIRED_VALUE_UNKNOWN"
LOST: Final = "The value could not be fetched, because something that it requires or comes with failed."


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What fetches do to each other when one fails.

    Attributes:
        inputs: the response keys that fetches were given values of: an error at one of them has consequences also for
            objects of which the client did not ask it.
        lost: what no fetch could be asked for, or was lost with its object.
    """

    inputs: Collection[str] = ()
    lost: Losses = field(default_factory=Losses)


NO_AFTERMATH: Final = Aftermath()


class _Invalid:
    """Null where null is not allowed: the parent becomes null in its turn."""


_INVALID: Final = _Invalid()


def complete(
    operation: PreparedOperation,
    variables: Mapping[str, object],
    raw: JsonObject,
    errors: Sequence[ResponseError],
    aftermath: Aftermath = NO_AFTERMATH,
) -> ExecutionResult:
    """Complete the response from the raw tree and the errors reported so far."""
    schema = operation.api_schema
    root = schema.get_root_type(operation.definition.operation)
    if root is None:
        raise TypeError("a valid operation has a root type")
    collector = FieldCollector(schema, operation.fragments, variables)
    fields = collector.collect(root.name, (operation.definition.selection_set,))
    completion = _Completion(collector, Failures.of(errors), aftermath)
    data = completion.fields(root.name, raw, fields, ())
    told = filter(None, (completion.told(error, raw, root.name, fields) for error in errors))
    named = tuple(_named_by_client(error) for error in (*told, *completion.errors))
    return ExecutionResult(None if isinstance(data, _Invalid) else data, named)


def _named_by_client(error: ResponseError) -> ResponseError:
    return error if error.path is None else replace(error, path=tuple(map(as_client_says, error.path)))


@dataclass(slots=True)
class _Completion:
    collector: FieldCollector
    reported: Failures
    aftermath: Aftermath
    field_types: dict[tuple[str, str], GraphQLOutputType] = field(default_factory=dict)
    errors: list[ResponseError] = field(default_factory=list)

    def fields(self, typename: str, raw: JsonObject, fields: Fields, path: ResponsePath) -> JsonObject | _Invalid:
        """GraphQL specification, "ExecuteCollectedFields", with the values at hand."""
        completed: JsonObject = {}
        for key, nodes in fields.items():
            value = self.field(typename, raw, nodes, (*path, key))
            if isinstance(value, _Invalid):
                return _INVALID
            completed[client_key(nodes[0])] = value
        return completed

    def field(self, typename: str, raw: JsonObject, nodes: tuple[FieldNode, ...], path: ResponsePath) -> object:
        name = nodes[0].name.value
        if name == "__typename":
            return self.typename(typename, path)
        value = raw.get(str(path[-1]))
        if name in META_FIELDS:
            return value
        if self.aftermath.lost.is_lost(path, value):
            self.explain(path, LOST, LOST_VALUE)
        return self.value(self.field_type(typename, name), value, nodes, path)

    def field_type(self, typename: str, name: str) -> GraphQLOutputType:
        """The type of a field; of an object known as an interface it may be one that every implementation has."""
        type_ = self.field_types.get((typename, name))
        if type_ is None:
            type_ = self.field_types[typename, name] = self.find_field_type(typename, name)
        return type_

    def find_field_type(self, typename: str, name: str) -> GraphQLOutputType:
        for candidate in (typename, *possible_names(self.collector.schema, typename)):
            parent = self.collector.schema.get_type(candidate)
            if (is_object_type(parent) or is_interface_type(parent)) and name in parent.fields:
                found: GraphQLOutputType = parent.fields[name].type
                return found
        raise TypeError("a valid operation selects fields that exist")

    def typename(self, typename: str, path: ResponsePath) -> object:
        if is_object_type(self.collector.schema.get_type(typename)):
            return typename
        self.explain(path, UNDETERMINED)
        return _INVALID

    def value(self, type_: GraphQLOutputType, raw: object, nodes: tuple[FieldNode, ...], path: ResponsePath) -> object:
        """GraphQL specification, "CompleteValue"."""
        if isinstance(type_, GraphQLNonNull):
            value = self.value(type_.of_type, raw, nodes, path)
            if value is not None:
                return value
            self.explain(path, f"Cannot return null for the non-nullable field {nodes[0].name.value!r}.")
            return _INVALID
        if raw is None:
            return None
        if isinstance(type_, GraphQLList):
            return self.list(type_, raw, nodes, path)
        if isinstance(type_, (GraphQLScalarType, GraphQLEnumType)):
            return self.leaf(type_, raw, path)
        return self.composite(type_, raw, nodes, path)

    def list(
        self, type_: GraphQLList[GraphQLOutputType], raw: object, nodes: tuple[FieldNode, ...], path: ResponsePath
    ) -> object:
        if not isinstance(raw, list):
            self.explain(path, "A list was expected.")
            return None
        items: list[object] = []
        for index, item in enumerate(raw):
            if self.aftermath.lost:
                # Where an item is lost, so are the fields below it that are missing now.
                self.aftermath.lost.is_lost((*path, index), item)
            value = self.value(type_.of_type, item, nodes, (*path, index))
            if isinstance(value, _Invalid):
                return None
            items.append(value)
        return items

    def leaf(self, type_: GraphQLScalarType | GraphQLEnumType, raw: object, path: ResponsePath) -> object:
        try:
            return coerce_leaf(type_, raw)
        except Unfit:
            self.explain(path, f"The value is not one of the type {type_.name!r}.")
            return None

    def composite(
        self, type_: GraphQLCompositeType, raw: object, nodes: tuple[FieldNode, ...], path: ResponsePath
    ) -> object:
        if not _is_object(raw):
            self.explain(path, "An object was expected.")
            return None
        typename = self.runtime_type(type_, raw)
        if typename is None:
            self.explain(path, f"The object is of no type that {type_.name!r} can be.")
            return None
        try:
            fields = self.collector.subfields(typename, nodes)
        except UndeterminedType:
            self.explain(path, UNDETERMINED)
            return None
        completed = self.fields(typename, raw, fields, path)
        return None if isinstance(completed, _Invalid) else completed

    def runtime_type(self, type_: GraphQLCompositeType, raw: JsonObject) -> str | None:
        """GraphQL specification, "ResolveAbstractType"; an interface stands for itself when nobody knew better."""
        if not is_abstract_type(type_):
            return type_.name
        schema, name = self.collector.schema, raw.get("__typename")
        if not isinstance(name, str) or schema.get_type(name) is None:
            return None
        if is_subtype(schema, name, type_.name):
            return name
        return type_.name if is_subtype(schema, type_.name, name) else None

    def explain(self, path: ResponsePath, message: str, code: str = INVALID_VALUE) -> None:
        """Add an error for the null at `path`, unless there is one that explains it."""
        if not (self.reported.within(path) or self.reported.above(path)):
            self.reported.add(path)
            self.errors.append(ResponseError(message=message, code=code, path=path))

    def told(self, error: ResponseError, raw: object, typename: str, fields: Fields) -> ResponseError | None:
        """The error with its path as far as the client's response has it: helper fields are none of its concern.

        An error at a field that the client did not ask of this object is no error of the response, None, if it took
        nothing along: neither the rest of the object, nor a field that required it.
        """
        known: str | None = typename
        nodes: tuple[FieldNode, ...] = ()
        for length, segment in enumerate(error.path or ()):
            if isinstance(segment, str):
                if nodes:
                    known, fields = self.selected(known, raw, nodes)
                if segment not in fields:
                    is_alone = _is_object(raw) and segment in raw
                    if is_alone and not (self.aftermath.lost and segment in self.aftermath.inputs):
                        return None
                    return replace(error, path=(error.path or ())[:length] or None)
                nodes = fields[segment]
                if nodes[0].selection_set is None:
                    break
                if known is not None:
                    known = get_named_type(self.field_type(known, nodes[0].name.value)).name
            raw = value_at(raw, segment)
        return error

    def selected(self, typename: str | None, raw: object, nodes: tuple[FieldNode, ...]) -> tuple[str | None, Fields]:
        """The type of an object, None if there is no object, and the fields below `nodes` that may apply to it."""
        declared = None if typename is None else self.collector.schema.get_type(typename)
        known = self.runtime_type(declared, raw) if is_composite_type(declared) and _is_object(raw) else None
        if known is None:
            return None, self.collector.all_subfields(nodes)
        try:
            return known, self.collector.subfields(known, nodes)
        except UndeterminedType:
            return known, self.collector.all_subfields(nodes)


def _is_object(value: object) -> TypeGuard[JsonObject]:
    return isinstance(value, dict)
