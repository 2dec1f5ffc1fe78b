"""Build the client's response from the merged results of all fetches (execution §5).

These merged results are the *raw tree*. It contains all values from subgraphs, also values that only the router needs.
The response contains only the fields that the client selected, in the client's order. Each value is checked against the
API schema (GraphQL specification, "CompleteValue"). A null in a non-null position propagates to the nearest nullable
position (GraphQL specification, "Handling Execution Errors"):

    users: [User]!   email: String!     raw  {users: [{email: "a"}, {email: null}]}
                                        data {users: [{email: "a"}, null]}    error at users.1.email

Each null that a failure causes must have an error. Usually a subgraph has already reported an error at the null, below
the null, or at an object that contains the null. If there is no such error, completion adds an error at the null.

`complete` builds the whole response, and `complete_subtree` builds the fields of one object.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeGuard

import msgspec
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
from router.executor.errors.recorded_error_paths import RecordedErrorPaths
from router.executor.errors.unavailable_values import UnavailableValues, value_at
from router.executor.graphql.collect_fields import FieldCollector, UndeterminedType
from router.executor.graphql.introspection import META_FIELDS
from router.executor.graphql.leaf_coercion import LeafCoercionError, coerce_leaf
from router.executor.graphql.type_relations import is_subtype, possible_names
from router.executor.graphql.withheld_field_error_paths import Withheld, refused_places
from router.federation.find_type_name_in_reference import TYPENAME
from router.plan.client_and_internal_response_keys import client_key, to_client_key
from router.request.withheld_fields import REFUSED_CODE, REFUSED_MESSAGE, is_withheld

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


class FailureEffects(msgspec.Struct, frozen=True):
    """The effects of failed fetches on the results of other fetches.

    Attributes:
        inputs: The response keys whose values fetches need as inputs. An error at such a key also makes the later fetch
            fail. So the client gets the error, even if the client did not select the key.
        unavailable: The values that could not be fetched.
    """

    inputs: Collection[str] = ()
    unavailable: UnavailableValues = msgspec.field(default_factory=UnavailableValues)


NO_EFFECTS: Final = FailureEffects()


class _Invalid:
    """The type of `_INVALID`, which stands for a null in a non-null position. The parent value becomes null too."""


_INVALID: Final = _Invalid()


class Subtree(msgspec.Struct, frozen=True):
    """A part of the response: the fields that `selections` select on one object.

    Attributes:
        selections: One or more selection sets. The fields of all of them are completed.
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
        errors: All errors of the execution so far. The result contains the errors without a path, and the errors at the
            subtree or below it. The other errors are not in the result, but a null needs no further error if one of
            the other errors is at the null or above it.
        effects: The effects of failed fetches. Completion changes this object. So pass the same object for all parts of
            a response, and complete each part before the parts inside it.

    Returns:
        The fields of the object as `data`, or None if a null propagated to the object. The paths of the errors begin at
        the root of the response.
    """
    collector = FieldCollector(operation.api_schema, operation.fragments, variables)
    fields = collector.collect(subtree.typename, subtree.selections)
    kind = _WithholdingCompletion if operation.withholds else _Completion
    completion = kind(collector, RecordedErrorPaths.of(errors), effects)
    data = completion.fields(subtree.typename, subtree.value, fields, subtree.path)
    reported = filter(None, (completion.reported_error(error, subtree, fields) for error in errors))
    named = tuple(_named_by_client(error) for error in (*reported, *completion.errors))
    return ExecutionResult(None if isinstance(data, _Invalid) else data, named)


def _named_by_client(error: ResponseError) -> ResponseError:
    return error if error.path is None else replace(error, path=tuple(map(to_client_key, error.path)))


class _Completion(msgspec.Struct):
    """The state of one completion.

    Attributes:
        collector: Collects the fields of each object.
        failures: The paths of all errors so far.
        effects: The effects of failed fetches.
        field_types: The cache of `field_type`.
        errors: The errors that this completion adds.
    """

    collector: FieldCollector
    failures: RecordedErrorPaths
    effects: FailureEffects
    field_types: dict[tuple[str, str], GraphQLOutputType] = msgspec.field(default_factory=dict)
    errors: list[ResponseError] = msgspec.field(default_factory=list)

    def fields(self, typename: str, raw: JsonObject, fields: Fields, path: ResponsePath) -> JsonObject | _Invalid:
        """Complete the fields of an object (ExecuteCollectedFields); return `_INVALID` if a non-null field is null."""
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
        """Return the type of the field `name` of the type `typename`.

        If `typename` is an interface or a union without this field, return the type that the field has on an object
        type of `typename`.
        """
        type_ = self.field_types.get((typename, name))
        if type_ is None:
            type_ = self.field_types[typename, name] = self.find_field_type(typename, name)
        return type_

    def find_field_type(self, typename: str, name: str) -> GraphQLOutputType:
        """Find the type of a field as `field_type` does, but without the cache."""
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
        """Complete a value (CompleteValue); return `_INVALID` for a null in a non-null position."""
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
        """Complete a list (CompleteValue); return None if `raw` is not a list, or if a non-null item is null."""
        if not isinstance(raw, list):
            self.explain(path, "A list was expected.")
            return None
        items: list[object] = []
        for index, item in enumerate(raw):
            if self.effects.unavailable:
                # The call is made only for its effect: if another fetch returned an unavailable item, the missing
                # fields of the item are marked as unavailable.
                self.effects.unavailable.is_unavailable((*path, index), item)
            value = self.value(type_.of_type, item, nodes, (*path, index))
            if isinstance(value, _Invalid):
                return None
            items.append(value)
        return items

    def leaf(self, type_: GraphQLScalarType | GraphQLEnumType, raw: object, path: ResponsePath) -> object:
        """Coerce a leaf value (CoerceResult); add an error and return None if the value does not fit the type."""
        try:
            return coerce_leaf(type_, raw)
        except LeafCoercionError:
            self.explain(path, f"The value is not of the type {type_.name!r}.")
            return None

    def composite(
        self, type_: GraphQLCompositeType, raw: object, nodes: tuple[FieldNode, ...], path: ResponsePath
    ) -> object:
        """Complete an object (CompleteValue).

        Return None if `raw` is not an object of a possible type of `type_`, or if a non-null field is null.
        """
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
        """Return the name of the most precise type that is known for the object `raw`, or None.

        If the declared type `type_` is an object type, return its name. If `type_` is an interface or a union, return
        the more precise of `type_` and the type in `__typename`. Return None if `__typename` contains no type of the
        API schema, or if neither of the two types is a subtype of the other.
        """
        if not is_abstract_type(type_):
            return type_.name
        schema, name = self.collector.schema, raw.get(TYPENAME)
        if not isinstance(name, str) or schema.get_type(name) is None:
            return None
        if is_subtype(schema, name, type_.name):
            return name
        return type_.name if is_subtype(schema, type_.name, name) else None

    def explain(self, path: ResponsePath, message: str, code: str = INVALID_VALUE) -> None:
        """Add an error for the null at `path`, unless there is already an error at this path, below it or above it."""
        if not (self.failures.within(path) or self.failures.above(path)):
            self.failures.add(path)
            self.errors.append(ResponseError(message=message, code=code, path=path))

    def reported_error(self, error: ResponseError, subtree: Subtree, fields: Fields) -> ResponseError | None:
        """Return the error that the client gets for `error`; None if the client does not get the error.

        The path of `error` can lead to a field that the client did not select. There are then three cases:
        1. The raw object does not contain the field. The error is moved up to the object.
        2. The raw object contains the field, but a later fetch needed the field, and failed. The error is moved up too.
        3. Otherwise, the client selected nothing that the error affects. The client does not get the error.
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
        """Return the type of the object `raw`, and the subfields that can apply to the object.

        `raw` is the value of a field, `nodes` are the nodes of this field, and `typename` is the declared type of this
        field. An unknown type is None.
        """
        declared = None if typename is None else self.collector.schema.get_type(typename)
        known = self.runtime_type(declared, raw) if is_composite_type(declared) and _is_object(raw) else None
        if known is None:
            return None, self.collector.all_subfields(nodes)
        try:
            return known, self.collector.subfields(known, nodes)
        except UndeterminedType:
            return known, self.collector.all_subfields(nodes)


class _WithholdingCompletion(_Completion):
    """Completes an operation if the client may not read some of its fields (execution §16.3)."""

    def field(self, typename: str, raw: JsonObject, nodes: tuple[FieldNode, ...], path: ResponsePath) -> object:
        """Complete one field. If the client may not read the field, its value is null, whatever the raw value is."""
        if not is_withheld(nodes):
            return super().field(typename, raw, nodes, path)
        type_ = self.field_type(typename, nodes[0].name.value)
        for place in refused_places(Withheld(type_, nodes, path), self.collector, self.field_type):
            self.explain(place, REFUSED_MESSAGE, REFUSED_CODE)
        return _INVALID if isinstance(type_, GraphQLNonNull) else None


def _is_object(value: object) -> TypeGuard[JsonObject]:
    return isinstance(value, dict)
