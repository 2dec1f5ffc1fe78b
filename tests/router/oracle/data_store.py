"""The data of a federation, and the rules that resolve each field from it.

Subgraphs and monolith use the same rules, so that their results differ only if the router makes a mistake.

    {"Query": {"me": "@User:1"}, "User:1": {"id": "1", "name": "Ann", "mood": "!broken"}}

* "@User:1" is a reference to that object; "!..." makes the resolver raise an error with that message.
* The argument `first` limits a list. The arguments of a string field are appended to its value, so that a lost or
  changed argument makes a difference.
* {"by": "id", "1": "@User:1"} selects a value by the argument `id`; without a matching value it is null.
* The required values of a field with `@requires` are appended to its value, unless that is an object.
* "!absent" lists the subgraphs that have no such object.
* A field of "Mutation" is {"set": ["User:1", "age"], "return": value}: it sets the field to its argument `to`,
  unless that is null.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from graphql import FieldNode, GraphQLError, InlineFragmentNode, SelectionSetNode, value_from_ast_untyped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from graphql import ExecutionResult

Data: TypeAlias = "dict[str, dict[str, object]]"


ABSENT = "!absent"


class RequirementFailed(GraphQLError):
    """A field cannot be resolved, because one of its required fields failed."""


def comparable(value: object) -> object:
    """The value with its decimals and floats as text, to compare all of their digits."""
    match value:
        case bool() | int():
            return value
        case float() | Decimal():
            return f"#{value!r}" if isinstance(value, float) else f"#{value}"
        case list():
            return [comparable(item) for item in value]
        case dict():
            return {key: comparable(item) for key, item in value.items()}
        case _:
            return value


def raise_unexpected_errors(result: ExecutionResult) -> None:
    """Raise an exception of a resolver again that is not a GraphQL error: it is a bug of the oracle."""
    for error in result.errors or ():
        if error.original_error is not None and not isinstance(error.original_error, (GraphQLError, TypeError)):
            raise error.original_error


def canonical(value: object) -> str:
    return json.dumps(comparable(value), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to an object of the store; the type is the part of the name before the colon."""

    name: str

    @property
    def typename(self) -> str:
        return self.name.split(":")[0]


@dataclass(frozen=True, slots=True)
class SchemaSemantics:
    """The parts of the schemas that resolvers need: `@requires`, the supertypes of each type, and contexts.

    `contexts` has, for each field with `@fromContext` arguments, by argument and by type that sets the context, the
    selection of the value.
    """

    requires: Mapping[tuple[str, str], SelectionSetNode] = field(default_factory=dict)
    supertypes: Mapping[str, set[str]] = field(default_factory=dict)
    contexts: Mapping[tuple[str, str], Mapping[str, Mapping[str, SelectionSetNode]]] = field(default_factory=dict)

    def applies(self, condition: str, typename: str) -> bool:
        return condition == typename or condition in self.supertypes.get(typename, ())

    def project(
        self, selection: SelectionSetNode, typename: str, read: Callable[[FieldNode], object]
    ) -> dict[str, object]:
        """The value of each field that a field set selects on an object of this type."""
        nodes = self.fields_of(selection, typename)
        return {node.name.value: read(node) for node in nodes if node.name.value != "__typename"}

    def fields_of(self, selection: SelectionSetNode, typename: str) -> Iterator[FieldNode]:
        for node in selection.selections:
            match node:
                case FieldNode():
                    yield node
                case InlineFragmentNode(type_condition=condition, selection_set=inner):
                    if condition is None or self.applies(condition.name.value, typename):
                        yield from self.fields_of(inner, typename)

    def trim(self, selection: SelectionSetNode, value: object) -> object:
        """The part of a JSON value that a field set selects, as a subgraph reads a representation."""
        match value:
            case list():
                return [self.trim(selection, item) for item in value]
            case dict():

                def read(node: FieldNode) -> object:
                    inner = value[node.name.value]
                    return inner if node.selection_set is None else self.trim(node.selection_set, inner)

                return self.project(selection, str(value.get("__typename", "")), read)
            case _:
                return value


class Store:
    """A copy of the data for one operation, and the mutations that changed it."""

    def __init__(self, data: Mapping[str, Mapping[str, object]], semantics: SchemaSemantics) -> None:
        self.objects: Data = {name: dict(deepcopy(fields)) for name, fields in data.items()}
        self.semantics = semantics
        self.mutations: list[tuple[str, str]] = []

    def read(self, name: str, field: str, arguments: Mapping[str, object]) -> object:
        """The value of a field, with a `Reference` for each object; raises `GraphQLError` for a resolver that fails."""
        return _value(self.objects[name].get(field), arguments)

    def is_known(self, reference: Reference, subgraph: str) -> bool:
        absent = self.objects[reference.name].get(ABSENT, [])
        assert isinstance(absent, list)
        return subgraph not in absent

    def compute(self, reference: Reference, field: str, arguments: Mapping[str, object]) -> object:
        """The value of a field and its required fields, as the monolith resolves it."""
        required = self.semantics.requires.get((reference.typename, field))
        # Required fields come first: without them the router does not fetch the field, which may fail too.
        required_values = None if required is None else self.required_values(reference, required)
        value = self.read(reference.name, field, arguments)
        return (
            value if required_values is None or isinstance(value, Reference) else f"{value}{canonical(required_values)}"
        )

    def required_values(self, reference: Reference, selection: SelectionSetNode) -> dict[str, object]:
        """The required values of a field.

        Raises:
            RequirementFailed: one of them cannot be resolved.
        """
        try:
            return self.project(reference, selection)
        except GraphQLError as error:
            raise RequirementFailed(error.message) from error

    def mutate(self, field: str, arguments: Mapping[str, object]) -> object:
        rule = self.objects["Mutation"][field]
        assert isinstance(rule, dict)
        self.mutations.append((field, canonical(dict(arguments))))
        # Null changes nothing: the field may be non-null in one of its subgraphs.
        if rule.get("set") and arguments.get("to") is not None:
            name, target = rule["set"]
            self.objects[name][target] = arguments["to"]
        return _value(rule["return"], {})

    def find(self, typenames: set[str], key: Mapping[str, object], selection: SelectionSetNode) -> Reference | None:
        """The object of one of these types with this key."""
        wanted = canonical(key)
        for name in self.objects:
            reference = Reference(name)
            if reference.typename in typenames and canonical(self.project(reference, selection)) == wanted:
                return reference
        return None

    def project(self, reference: Reference, selection: SelectionSetNode) -> dict[str, object]:
        """The values that a field set selects on an object."""
        return self.semantics.project(selection, reference.typename, lambda node: self._selected(reference, node))

    def _selected(self, reference: Reference, node: FieldNode) -> object:
        arguments = {a.name.value: value_from_ast_untyped(a.value) for a in node.arguments or ()}
        return self._expanded(self.compute(reference, node.name.value, arguments), node.selection_set)

    def _expanded(self, value: object, selection: SelectionSetNode | None) -> object:
        match value:
            case list():
                return [self._expanded(item, selection) for item in value]
            case Reference() if selection:
                return self.project(value, selection)
            case _:
                return value


def _value(stored: object, arguments: Mapping[str, object]) -> object:
    match stored:
        case str() if stored.startswith("!"):
            raise GraphQLError(stored[1:])
        case str() if stored.startswith("@"):
            return Reference(stored[1:])
        case str() if arguments:
            return stored + canonical(dict(arguments))
        case list():
            first = arguments.get("first")
            return [_value(item, {}) for item in (stored[:first] if isinstance(first, int) else stored)]
        case {"by": str(argument), **values}:
            return _value(values.get(str(arguments.get(argument))), {})
        case _:
            return stored
