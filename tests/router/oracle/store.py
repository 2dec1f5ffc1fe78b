"""The data of a federation, and the rules by which every field gets its value from it.

The same rules answer for a subgraph and for the monolith, so their answers may differ only by what lies between.

    {"Query": {"me": "@User:1"}, "User:1": {"id": "1", "name": "Ann", "mood": "!broken"}}

* "@User:1" is the object of that name, "!..." makes the resolver throw.
* A list takes the argument `first` as its length; a string gets its other arguments appended, so that a lost or
  changed argument shows.
* {"by": "id", "1": "@User:1"} is chosen by an argument, and null for a value that is not there.
* A field with `@requires` appends what it requires, unless its value is an object.
* "!absent" names the subgraphs that do not know the object by its key.
* A field of "Mutation" is {"set": ["User:1", "age"], "return": value}: its argument `to` becomes the field's value,
  unless it is null.
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

Data: TypeAlias = "dict[str, dict[str, object]]"


ABSENT = "!absent"


class InputFailed(GraphQLError):
    """A field could not be computed, because something it requires could not be resolved."""


def plain(value: object) -> object:
    """The value with its numbers as text, none of their digits lost."""
    match value:
        case bool() | int():
            return value
        case float() | Decimal():
            return f"#{value!r}" if isinstance(value, float) else f"#{value}"
        case list():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return value


def canonical(value: object) -> str:
    return json.dumps(plain(value), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Reference:
    """An object of the store; its type is the part of the name before the colon."""

    name: str

    @property
    def typename(self) -> str:
        return self.name.split(":")[0]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the schemas add to the data: which fields require which, and the interfaces and unions of each type.

    `contexts` gives for a field with arguments from around it for each of them, and of each type that can be around,
    the selection that leads to its value.
    """

    requires: Mapping[tuple[str, str], SelectionSetNode] = field(default_factory=dict)
    supertypes: Mapping[str, set[str]] = field(default_factory=dict)
    contexts: Mapping[tuple[str, str], Mapping[str, Mapping[str, SelectionSetNode]]] = field(default_factory=dict)

    def applies(self, condition: str, typename: str) -> bool:
        return condition == typename or condition in self.supertypes.get(typename, ())

    def project(
        self, selection: SelectionSetNode, typename: str, read: Callable[[FieldNode], object]
    ) -> dict[str, object]:
        """Name → value of each field a field set selects of an object of this concrete type."""
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
        """The part of a JSON value a field set selects, as a subgraph reads a representation."""
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
    """One run's copy of the data, with the mutations it saw."""

    def __init__(self, data: Mapping[str, Mapping[str, object]], meaning: Meaning) -> None:
        self.objects: Data = {name: dict(deepcopy(fields)) for name, fields in data.items()}
        self.meaning = meaning
        self.mutations: list[tuple[str, str]] = []

    def read(self, name: str, field: str, arguments: Mapping[str, object]) -> object:
        """The value of a field, with `Reference` for each object in it; raises where the data says so."""
        return _value(self.objects[name].get(field), arguments)

    def is_known(self, reference: Reference, subgraph: str) -> bool:
        absent = self.objects[reference.name].get(ABSENT, [])
        assert isinstance(absent, list)
        return subgraph not in absent

    def compute(self, reference: Reference, field: str, arguments: Mapping[str, object]) -> object:
        """The value of a field with what it requires, as the monolith sees it."""
        required = self.meaning.requires.get((reference.typename, field))
        # Before the field itself, which may fail too: nobody is asked for what cannot be computed.
        inputs = None if required is None else self.inputs(reference, required)
        value = self.read(reference.name, field, arguments)
        return value if inputs is None or isinstance(value, Reference) else f"{value}{canonical(inputs)}"

    def inputs(self, reference: Reference, selection: SelectionSetNode) -> dict[str, object]:
        """What something is computed from.

        Raises:
            InputFailed: it cannot be resolved.
        """
        try:
            return self.project(reference, selection)
        except GraphQLError as error:
            raise InputFailed(error.message) from error

    def mutate(self, field: str, arguments: Mapping[str, object]) -> object:
        rule = self.objects["Mutation"][field]
        assert isinstance(rule, dict)
        self.mutations.append((field, canonical(dict(arguments))))
        # Null leaves the value: a subgraph may promise one where the supergraph does not.
        if rule.get("set") and arguments.get("to") is not None:
            name, target = rule["set"]
            self.objects[name][target] = arguments["to"]
        return _value(rule["return"], {})

    def find(self, typenames: set[str], key: Mapping[str, object], selection: SelectionSetNode) -> Reference | None:
        """The object of one of these types whose key is `key`."""
        wanted = canonical(key)
        for name in self.objects:
            reference = Reference(name)
            if reference.typename in typenames and canonical(self.project(reference, selection)) == wanted:
                return reference
        return None

    def project(self, reference: Reference, selection: SelectionSetNode) -> dict[str, object]:
        """What a field set selects of an object."""
        return self.meaning.project(selection, reference.typename, lambda node: self._selected(reference, node))

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
