"""Reads the parts of an operation and a schema on which the sizes of lists depend: conditions, numbers, `@listSize`.

Used by the policies that estimate an operation before it is executed: `limit_list_items` and `demand_control`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from graphql import VariableNode, Visitor, value_from_ast_untyped, visit

from router.executor.graphql.leaf_coercion import MAX_INT, MIN_INT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import GraphQLField, Node, SelectionNode

    from router.get_operation import PreparedOperation


class Variable(msgspec.Struct, frozen=True):
    """A variable that is the value of an argument, or the condition of a `@skip` or `@include`."""

    name: str


class ListSize(msgspec.Struct, frozen=True):
    """The arguments of one `@listSize`.

    Attributes:
        assumed: The number of items without a slicing argument; None if the directive has no such number.
        slicing: The arguments whose value is the number of items. A name can be a path into an input object.
        sized: The subfields to which the number applies. Empty if the number applies to the field itself.
        requires_one: Whether a client must give exactly one slicing argument.
    """

    assumed: int | None
    slicing: frozenset[str]
    sized: frozenset[str]
    requires_one: bool


def list_size_of(definition: GraphQLField, directive: str) -> ListSize | None:
    """Return the `@listSize` of a field, None if the field has none.

    `directive` is the name of `@listSize` in the schema, which can import the directive under another name.
    """
    for node in (definition.ast_node and definition.ast_node.directives) or ():
        if node.name.value == directive:
            given = {argument.name.value: value_from_ast_untyped(argument.value) for argument in node.arguments or ()}
            slicing, sized = given.get("slicingArguments") or (), given.get("sizedFields") or ()
            requires_one = bool(slicing) and given.get("requireOneSlicingArgument") is not False
            return ListSize(number_of(given.get("assumedSize")), frozenset(slicing), frozenset(sized), requires_one)
    return None


def conditions_of(node: SelectionNode) -> Iterator[tuple[object, bool]]:
    """Yield the value of `if` for each `@skip` and `@include`, with the value for which the node is included."""
    for directive in node.directives or ():
        name = directive.name.value
        if name in {"skip", "include"} and directive.arguments:
            yield value_of(directive.arguments[0].value), name == "include"


def value_of(node: object) -> object:
    """Return the value of a syntax node. Return a `Variable` if the node is a variable."""
    if isinstance(node, VariableNode):
        return Variable(node.name.value)
    return value_from_ast_untyped(node)  # type: ignore[arg-type]  # the node is a value


def variables_in(value: Node) -> Iterator[str]:
    """Yield the names of the variables in the value of an argument, however deep they are in lists and objects."""
    found = _Variables()
    visit(value, found)
    yield from found.names


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.names.append(node.name.value)


def with_variables(value: object, variables: Mapping[str, object]) -> object:
    """Return `value`. If `value` is a `Variable`, return its value in `variables`, or None."""
    return variables.get(value.name) if isinstance(value, Variable) else value


def number_of(value: object) -> int | None:
    """Return the number of items that a value asks for. Return None if the value is not a number that `Int` accepts."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not MIN_INT <= value <= MAX_INT:
        return None
    return max(int(value), 0) if value == int(value) else None


def defaults_of(operation: PreparedOperation) -> dict[str, object]:
    """Return the default values of the operation's variables."""
    return {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.definition.variable_definitions or ()
        if definition.default_value is not None
    }
