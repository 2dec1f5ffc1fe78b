"""Complete the client's response from the raw merged tree (execution §5; GraphQL specification, "CompleteValue").

The raw tree contains everything that the subgraphs sent, with internal fields. The response contains the fields that
the client selected, in the client's order, and each value is checked against the API schema. A null in a non-null
position propagates to the nearest nullable position (GraphQL specification, "Handling Execution Errors").

    users: [User]!   email: String!     raw  {users: [{email: "a"}, {email: null}]}
                                        data {users: [{email: "a"}, null]}    error at users.1.email

Each null that is not data has one error. A subgraph that causes a null usually reports an error at the null, below the
null, or at the object whose fetch failed. Completion adds an error only if there is no such error.

`complete_subtree` completes one part of the response.
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
from router.executor.context_and_result import ExecutionResult
from router.executor.errors.failure_paths import FailurePaths
from router.executor.errors.unavailable_values import UnavailableValues, value_at
from router.executor.graphql.collect_fields import FieldCollector, UndeterminedType
from router.executor.graphql.introspection import META_FIELDS
from router.executor.graphql.result_coercion import LeafCoercionError, coerce_leaf
from router.executor.graphql.type_relations import is_subtype, possible_names
from router.federation.type_references import TYPENAME
from router.plan.internal_response_keys import client_key, to_client_key

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from graphql import FieldNode, GraphQLCompositeType, GraphQLOutputType, SelectionSetNode

    from router.errors import ResponsePath
    from router.executor.context_and_result import JsonObject
    from router.executor.graphql.collect_fields import Fields
    from router.get_operation import PreparedOperation

# Apollo's router uses this code if a subgraph's value does not fit the schema.
INVALID_VALUE: Final = "RESPONSE_VALIDATION_FAILED"
UNDETERMINED: Final = "The type of the object could not be determined."

UNAVAILABLE_CODE: Final = "REQUIRED_VALUE_UNKNOWN"
UNAVAILABLE: Final = "The value could not be fetched, because a value that it requires or is fetched with failed."


@dataclass(frozen=True, slots=True)
class FailureEffects:
    """The effects of failed fetches on the results of other fetches.

    Attributes:
        inputs: The response keys that fetches use as inputs. An error at such a key is reported even if the client did
            not select the key, because the fetch that needs the input fails too.
        unavailable: The values that could not be fetched.
    """

    inputs: Collection[str] = ()
    unavailable: UnavailableValues = field(default_factory=UnavailableValues)


NO_EFFECTS: Final = FailureEffects()


class _Invalid:
    """Stands for a null in a non-null position: the parent becomes null too."""


_INVALID: Final = _Invalid()


@dataclass(frozen=True, slots=True)
class Subtree:
    """A part of the response: the fields that `selections` select on one object.

    Attributes:
        selections: The selection sets, which are merged into one.
        typename: The type of the object.
        value: The object in the raw tree.
        path: The path of the object in the response; empty for the root.
    """

    selections: tuple[SelectionSetNode, ...]
    typename: str
    value: JsonObject
    path: ResponsePath = ()


def complete(
    operation: PreparedOperation,
    variables: Mapping[str, object],
    raw: JsonObject,
    errors: Sequence[ResponseError],
    effects: FailureEffects = NO_EFFECTS,
) -> ExecutionResult:
    """Complete the whole response from the raw tree and the errors reported so far (execution §5)."""
    root = operation.api_schema.get_root_type(operation.definition.operation)
    if root is None:
        raise TypeError("the schema must have the root type of a valid operation")
    whole = Subtree((operation.definition.selection_set,), root.name, raw)
    return complete_subtree(operation, variables, whole, errors, effects)


def complete_subtree(
    operation: PreparedOperation,
    variables: Mapping[str, object],
    subtree: Subtree,
    errors: Sequence[ResponseError],
    effects: FailureEffects = NO_EFFECTS,
) -> ExecutionResult:
    """Complete a part of the response, for example a deferred fragment (execution §5).

    Args:
        operation: The client's operation, for its fragments and schema.
        variables: The coerced variables of the operation.
        subtree: The part to complete.
        errors: All errors of the execution so far. An error above the subtree explains nulls of the subtree, but is not
            in the result. The result has the errors without a path and those at or below the subtree.
        effects: The effects of failed fetches. All parts of a response share one object, and an outer part must be
            completed before the parts inside it.

    Returns:
        The fields of the object as `data`, None if a null propagated to the object. Error paths begin at the root.
    """
    collector = FieldCollector(operation.api_schema, operation.fragments, variables)
    fields = collector.collect(subtree.typename, subtree.selections)
    completion = _Completion(collector, FailurePaths.of(errors), effects)
    data = completion.fields(subtree.typename, subtree.value, fields, subtree.path)
    reported = filter(None, (completion.reported_error(error, subtree, fields) for error in errors))
    named = tuple(_named_by_client(error) for error in (*reported, *completion.errors))
    return ExecutionResult(None if isinstance(data, _Invalid) else data, named)


def _named_by_client(error: ResponseError) -> ResponseError:
    return error if error.path is None else replace(error, path=tuple(map(to_client_key, error.path)))


@dataclass(slots=True)
class _Completion:
    """One completion, with the paths of all errors so far (`failures`) and the errors that it adds (`errors`)."""

    collector: FieldCollector
    failures: FailurePaths
    effects: FailureEffects
    field_types: dict[tuple[str, str], GraphQLOutputType] = field(default_factory=dict)
    errors: list[ResponseError] = field(default_factory=list)

    def fields(self, typename: str, raw: JsonObject, fields: Fields, path: ResponsePath) -> JsonObject | _Invalid:
        """Complete the fields of an object; `_INVALID` if a non-null field is null (ExecuteCollectedFields)."""
        completed: JsonObject = {}
        for key, nodes in fields.items():
            value = self.field(typename, raw, nodes, (*path, key))
            if isinstance(value, _Invalid):
                return _INVALID
            completed[client_key(nodes[0])] = value
        return completed

    def field(self, typename: str, raw: JsonObject, nodes: tuple[FieldNode, ...], path: ResponsePath) -> object:
        """Complete one field from its value in the raw tree (ExecuteField)."""
        name = nodes[0].name.value
        if name == TYPENAME:
            return self.typename(typename, path)
        value = raw.get(str(path[-1]))
        if name in META_FIELDS:
            return value
        if self.effects.unavailable.is_unavailable(path, value):
            self.explain(path, UNAVAILABLE, UNAVAILABLE_CODE)
        return self.value(self.field_type(typename, name), value, nodes, path)

    def field_type(self, typename: str, name: str) -> GraphQLOutputType:
        """Return the type of a field; if `typename` is an interface, the field can exist only on implementations."""
        type_ = self.field_types.get((typename, name))
        if type_ is None:
            type_ = self.field_types[typename, name] = self.find_field_type(typename, name)
        return type_

    def find_field_type(self, typename: str, name: str) -> GraphQLOutputType:
        """Do the same as `field_type`, without the cache."""
        for candidate in (typename, *possible_names(self.collector.schema, typename)):
            parent = self.collector.schema.get_type(candidate)
            if (is_object_type(parent) or is_interface_type(parent)) and name in parent.fields:
                found: GraphQLOutputType = parent.fields[name].type
                return found
        raise TypeError("a valid operation selects only fields of the schema")

    def typename(self, typename: str, path: ResponsePath) -> object:
        """Return the value of `__typename`; `_INVALID` if `typename` is not an object type."""
        if is_object_type(self.collector.schema.get_type(typename)):
            return typename
        self.explain(path, UNDETERMINED)
        return _INVALID

    def value(self, type_: GraphQLOutputType, raw: object, nodes: tuple[FieldNode, ...], path: ResponsePath) -> object:
        """Complete a value; `_INVALID` if it is null in a non-null position (CompleteValue)."""
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
        """Complete a list; None if it is not a list or has a null in a non-null position (CompleteValue)."""
        if not isinstance(raw, list):
            self.explain(path, "A list was expected.")
            return None
        items: list[object] = []
        for index, item in enumerate(raw):
            if self.effects.unavailable:
                # For an item that another fetch returned, this call makes the missing fields unavailable.
                self.effects.unavailable.is_unavailable((*path, index), item)
            value = self.value(type_.of_type, item, nodes, (*path, index))
            if isinstance(value, _Invalid):
                return None
            items.append(value)
        return items

    def leaf(self, type_: GraphQLScalarType | GraphQLEnumType, raw: object, path: ResponsePath) -> object:
        """Coerce a leaf value; None, with an error, if it does not fit the type (CoerceResult)."""
        try:
            return coerce_leaf(type_, raw)
        except LeafCoercionError:
            self.explain(path, f"The value is not of the type {type_.name!r}.")
            return None

    def composite(
        self, type_: GraphQLCompositeType, raw: object, nodes: tuple[FieldNode, ...], path: ResponsePath
    ) -> object:
        """Complete an object; None if its type does not fit or a non-null field is null (CompleteValue)."""
        if not _is_object(raw):
            self.explain(path, "An object was expected.")
            return None
        typename = self.runtime_type(type_, raw)
        if typename is None:
            self.explain(path, f"The object's type is not one of the possible types of {type_.name!r}.")
            return None
        try:
            fields = self.collector.subfields(typename, nodes)
        except UndeterminedType:
            self.explain(path, UNDETERMINED)
            return None
        completed = self.fields(typename, raw, fields, path)
        return None if isinstance(completed, _Invalid) else completed

    def runtime_type(self, type_: GraphQLCompositeType, raw: JsonObject) -> str | None:
        """Return the more precise of `type_` and the reported type; None if unrelated or if no type is reported."""
        if not is_abstract_type(type_):
            return type_.name
        schema, name = self.collector.schema, raw.get(TYPENAME)
        if not isinstance(name, str) or schema.get_type(name) is None:
            return None
        if is_subtype(schema, name, type_.name):
            return name
        return type_.name if is_subtype(schema, type_.name, name) else None

    def explain(self, path: ResponsePath, message: str, code: str = INVALID_VALUE) -> None:
        """Add an error for the null at `path`, unless an error at, below or above it explains the null."""
        if not (self.failures.within(path) or self.failures.above(path)):
            self.failures.add(path)
            self.errors.append(ResponseError(message=message, code=code, path=path))

    def reported_error(self, error: ResponseError, subtree: Subtree, fields: Fields) -> ResponseError | None:
        """Shorten the path of an error to what the client selected; None if the client does not see the error.

        The client does not see an error at a field that the client did not select on the object, unless the null of
        the field propagates to the object or another fetch requires the field.
        """
        if error.path is None:
            return error
        start = len(subtree.path)
        if error.path[:start] != subtree.path:
            return None
        known: str | None = subtree.typename
        value: object = subtree.value
        nodes: tuple[FieldNode, ...] = ()
        for length, segment in enumerate(error.path[start:], start):
            if isinstance(segment, str):
                if nodes:
                    known, fields = self.selected(known, value, nodes)
                if segment not in fields:
                    is_alone = _is_object(value) and segment in value
                    if is_alone and not (self.effects.unavailable and segment in self.effects.inputs):
                        return None
                    return replace(error, path=error.path[:length] or None)
                nodes = fields[segment]
                if nodes[0].selection_set is None:
                    break
                if known is not None:
                    known = get_named_type(self.field_type(known, nodes[0].name.value)).name
            value = value_at(value, segment)
        return error

    def selected(self, typename: str | None, raw: object, nodes: tuple[FieldNode, ...]) -> tuple[str | None, Fields]:
        """Return the type of an object (None if unknown), and the subfields of `nodes` that can apply to it."""
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
