"""Hides personal data in log lines: the values of fields, arguments and types with `@tag(name: "pii")`.

The message of a subgraph's error, or of an exception, may contain personal data. So the values of tagged elements are
collected from the operation, the variables, the response and the fetches of a request. These values are replaced in
each log line of the request. The values are collected only when a line is written, so a request without a log line
costs almost nothing.

    mutation($e: String!) { login(email: $e) { name } }      `login(email:)` and `User.name` have the tag
    cause: "ada@example.com is locked, Ada"             ->   cause: "[redacted] is locked, [redacted]"
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLInputObjectType,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    get_named_type,
    type_from_ast,
    visit,
)

from router.pipeline.stage import Stage
from router.supergraph.schema_facts import tags_of
from servicekit.logging import hide_personal_values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from graphql import (
        ArgumentNode,
        FieldNode,
        GraphQLType,
        Node,
        ObjectFieldNode,
        ValueNode,
    )

    from router.get_operation import PreparedOperation
    from router.pipeline.request_context import RequestContext
    from router.pipeline.stage import SendOn
    from router.policies.policy_setup import PolicySetup
    from router.transport.interface import SubgraphRequest, SubgraphResponse

# Finds string values (GraphQL specification, "String Value"), also in a text that is not a valid document.
_STRING = re.compile(r'"""(?:\\"""|(?!""").)*+"""|"(?:\\.|[^"\\\n\r])*+"', re.DOTALL)

MIN_REDACTED_LENGTH = 3
"""The length of the shortest value that is hidden. Values such as "1" or "no" do not identify a person."""


class PersonalDataRedaction(Stage):
    """Hides the personal data of a request in every log line that is written while the request is processed."""

    def __init__(self, tagged: TaggedElements) -> None:
        self._tagged = tagged

    @classmethod
    def configured(cls, inputs: PolicySetup) -> PersonalDataRedaction | None:
        """Return the stage, or None if no element of the schema has the tag."""
        tag = inputs.settings.logging.redact_tag
        names = inputs.supergraph.names_by_tag.get(tag)
        return cls(TaggedElements(tag, names)) if names else None

    def surround(self, context: RequestContext) -> AbstractContextManager[object]:
        """Return a context manager inside which the personal data of this request is hidden in log lines."""
        # The state has only the variables, not `RequestPersonalValues`: that would be a reference cycle, and the whole
        # request would remain in memory until the garbage collector finds it.
        sent: list[Mapping[str, object]] = []
        context.state[self] = sent
        return hide_personal_values(RequestPersonalValues(self._tagged, context, sent))

    async def on_fetch(self, context: RequestContext, fetch: SubgraphRequest, send_on: SendOn) -> SubgraphResponse:
        """Remember the variables of the fetch, because they may contain personal data, and send the fetch."""
        sent = context.state[self]
        if isinstance(sent, list):
            sent.append(fetch.variables)
        return await send_on(fetch)


class TaggedElements:
    """The types, fields and arguments that have the tag. `names` has the names of all tagged fields and arguments."""

    def __init__(self, tag: str, names: frozenset[str]) -> None:
        self._tag = tag
        self.names = names

    def is_tagged(self, element: Any) -> bool:
        """Return whether the element has the tag. For a field or argument, the tag of its type counts too."""
        if element is None:
            return False
        named = get_named_type(element.type) if hasattr(element, "type") else None
        return self._tag in tags_of(element) or (named is not None and self._tag in tags_of(named))


class RequestPersonalValues:
    """Finds the personal data of one request when a log line is written (`servicekit.logging.PersonalValues`).

    `sent` has the variables of the fetches so far. As long as the operation of the request is unknown, all values in
    the client's document and variables are treated as personal data.
    """

    def __init__(self, tagged: TaggedElements, context: RequestContext, sent: Sequence[Mapping[str, object]]) -> None:
        self.names = tagged.names
        self._sent = sent
        self._tagged = tagged
        self._context = context

    def values(self) -> frozenset[str]:
        """Return the texts to hide: the personal data of the request."""
        operation = self._context.operation
        found = self._at_tagged_places(operation.client) if operation is not None else self._all_values()
        return frozenset(text for text in found if len(text) >= MIN_REDACTED_LENGTH)

    def _all_values(self) -> set[str]:
        found: set[str] = set()
        for request in (self._context.received, self._context.request):
            found.update(literal.strip('"') for literal in _STRING.findall(request.query))
            found.update(_texts(request.variables))
        return found

    def _at_tagged_places(self, operation: PreparedOperation) -> set[str]:
        places = self._places(operation)
        variables = self._context.variables
        found = {*places.literals, *_fetched(self._context.data, places.response_keys)}
        for name in places.variables:
            found.update(_texts(variables.get(name)))
        for definition in operation.definition.variable_definitions or ():
            kind = type_from_ast(operation.api_schema, definition.type)
            name = definition.variable.name.value
            found.update(self._given(variables.get(name), kind))
        for sent in self._sent:  # fetches send the values of `@key` fields, even if the client has not selected them
            found.update(_fetched(sent, self.names))
        return found

    def _places(self, operation: PreparedOperation) -> _Places:
        info = TypeInfo(operation.api_schema)
        places = _Places(self._tagged, info)
        for node in (operation.definition, *operation.fragments.values()):
            _visit(node, TypeInfoVisitor(info, places), places)
        return places

    def _given(self, value: object, kind: GraphQLType | None) -> Iterator[str]:
        """Yield the values of the tagged input fields in `value`.

        `value` is the value of a variable of the type `kind`.
        """
        named = get_named_type(kind) if kind is not None else None
        if isinstance(value, list):
            for item in value:
                yield from self._given(item, named)
        elif isinstance(value, dict) and isinstance(named, GraphQLInputObjectType):
            for name, inner in value.items():
                field = named.fields.get(name)
                if self._tagged.is_tagged(field):
                    yield from _texts(inner)
                elif field is not None:
                    yield from self._given(inner, field.type)


def _visit(node: Node, visitor: Visitor, *inner: Visitor) -> None:
    """Visit a node. `inner` are the visitors that `visitor` calls.

    A visitor refers to itself by its map of its own methods. The maps are cleared, so that the memory is released now.
    """
    visit(node, visitor)
    for one in (visitor, *inner):
        one.enter_leave_map.clear()


class _Places(Visitor):
    """Collects the places of an operation that contain personal data.

    `response_keys` are the response keys of tagged fields. The values of tagged arguments and input fields consist of
    variables and literal values: `variables` has the names of the variables, and `literals` has the literal values.
    """

    def __init__(self, tagged: TaggedElements, info: TypeInfo) -> None:
        super().__init__()
        self._tagged = tagged
        self._info = info
        self.response_keys: set[str] = set()
        self.variables: set[str] = set()
        self.literals: set[str] = set()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        if self._tagged.is_tagged(self._info.get_field_def()):
            self.response_keys.add((node.alias or node.name).value)

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        if self._tagged.is_tagged(self._info.get_argument()):
            self._collect(node.value)

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> None:
        parent = self._info.get_parent_input_type()
        named = get_named_type(parent) if parent is not None else None
        if isinstance(named, GraphQLInputObjectType) and self._tagged.is_tagged(named.fields.get(node.name.value)):
            self._collect(node.value)

    def _collect(self, value: ValueNode) -> None:
        _visit(value, _Leaves(self))


class _Leaves(Visitor):
    """Adds the variables and literals in the value of one argument or input field to `places`."""

    def __init__(self, places: _Places) -> None:
        super().__init__()
        self._places = places

    def enter(self, node: Node, *_: object) -> None:
        if isinstance(node, VariableNode):
            self._places.variables.add(node.name.value)
        elif isinstance(node, StringValueNode) or node.kind in {"int_value", "float_value"}:
            self._places.literals.add(str(getattr(node, "value", "")))


def _fetched(data: object, keys: Collection[str]) -> Iterator[str]:
    """Yield the texts of all values below one of `keys` in the JSON value `data`, at any depth."""
    if isinstance(data, list):
        for item in data:
            yield from _fetched(item, keys)
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value) if key in keys else _fetched(value, keys)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
        yield str(value)
