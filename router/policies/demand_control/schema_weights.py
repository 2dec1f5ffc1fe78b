"""`SchemaWeights`: what the fields and arguments of a schema cost, and how long lists are (execution §15.1).

    what                                              without @cost
    a field whose type is an object, interface, union             1
    a field whose type is a scalar or an enum                     0
    an argument or input field, given an input object             1
    an argument or input field, given any other value             0
    the operation: mutation                                      10
    the operation: query, subscription                            0

`@cost` on a field or argument replaces the number. `@cost` on a type does the same for all fields and arguments of the
type that have no `@cost` themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
    value_from_ast_untyped,
)

from router.policies.read_conditions_and_list_sizes import ListSize, list_size_of, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from graphql import DirectiveNode, GraphQLArgument, GraphQLField, GraphQLInputField, GraphQLNamedType
    from graphql.type import GraphQLType

    from router.supergraph import Supergraph

OPERATION_WEIGHTS: Final[Mapping[str, int]] = {"query": 0, "mutation": 10, "subscription": 0}
INPUT_OBJECT_WEIGHT: Final = 1


class InputWeight(msgspec.Struct, frozen=True):
    """What an argument or an input field costs if it is given.

    Attributes:
        weight: The `@cost` of the argument or input field, or else the `@cost` of its type. None if both have none.
        type_name: The name of the type, without lists and non-null.
        default: The default value. None if there is none.
    """

    weight: int | None
    type_name: str
    default: object = None


class FieldWeight(msgspec.Struct, frozen=True):
    """What a field costs.

    Attributes:
        weight: The cost of one item of the field, without subfields.
        type_name: The name of the field's type, without lists and non-null.
        is_list: Whether the field returns a list.
        size: The field's `@listSize`.
        arguments: The arguments by name.
    """

    weight: int
    type_name: str
    is_list: bool
    size: ListSize | None
    arguments: Mapping[str, InputWeight]


class SchemaWeights:
    """The weights of all fields, types and arguments of a supergraph."""

    def __init__(self, graph: Supergraph) -> None:
        self.schema = graph.schema
        self._cost, self._list_size = graph.cost_directive, graph.list_size_directive
        self._fields: dict[tuple[str, str], FieldWeight | None] = {}
        self._inputs: dict[str, Mapping[str, InputWeight]] = {}

    def of_root(self, kind: str) -> tuple[str | None, int]:
        """Return the root type of an operation of this kind, and the cost of the operation without its fields."""
        root = {
            "query": self.schema.query_type,
            "mutation": self.schema.mutation_type,
            "subscription": self.schema.subscription_type,
        }[kind]
        weight = self._of_type(root) if root is not None else None
        return root.name if root is not None else None, OPERATION_WEIGHTS[kind] if weight is None else weight

    def of_field(self, parent: str | None, name: str) -> FieldWeight | None:
        """Return the weights of a field; None for `__typename`, introspection and unknown fields."""
        if parent is None:
            return None
        if (parent, name) not in self._fields:
            type_ = self.schema.get_type(parent)
            fields = type_.fields if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) else {}
            definition = fields.get(name)
            self._fields[parent, name] = self._field(definition) if definition is not None else None
        return self._fields[parent, name]

    def of_input_object(self, name: str) -> Mapping[str, InputWeight]:
        """Return the fields of an input object type by name; empty for any other type."""
        if name not in self._inputs:
            type_ = self.schema.get_type(name)
            fields = type_.fields if isinstance(type_, GraphQLInputObjectType) else {}
            self._inputs[name] = {key: self._input(field) for key, field in fields.items()}
        return self._inputs[name]

    def may_cost(self, element: InputWeight) -> bool:
        """Return whether some value of the argument or input field costs something."""
        return bool(element.weight) or bool(self.of_input_object(element.type_name))

    def _field(self, definition: GraphQLField) -> FieldWeight:
        type_ = get_named_type(definition.type)
        own = self._applied(definition.ast_node.directives) if definition.ast_node is not None else None
        own = self._of_type(type_) if own is None else own
        return FieldWeight(
            weight=own if own is not None else int(is_composite_type(type_)),
            type_name=type_.name,
            is_list=_is_list(definition.type),
            size=list_size_of(definition, self._list_size) if self._list_size is not None else None,
            arguments={name: self._input(argument) for name, argument in definition.args.items()},
        )

    def _input(self, element: GraphQLArgument | GraphQLInputField) -> InputWeight:
        type_ = get_named_type(element.type)
        own = self._applied(element.ast_node.directives) if element.ast_node is not None else None
        default = element.ast_node.default_value if element.ast_node is not None else None
        return InputWeight(
            self._of_type(type_) if own is None else own,
            type_.name,
            value_from_ast_untyped(default) if default is not None else None,
        )

    def _of_type(self, type_: GraphQLNamedType) -> int | None:
        nodes = (type_.ast_node, *type_.extension_ast_nodes)
        return next((cost for node in nodes if node and (cost := self._applied(node.directives)) is not None), None)

    def _applied(self, directives: Iterable[DirectiveNode] | None) -> int | None:
        for node in directives or ():
            if node.name.value == self._cost:
                given = {each.name.value: value_from_ast_untyped(each.value) for each in node.arguments or ()}
                return number_of(given.get("weight"))
        return None


def _is_list(type_: GraphQLType) -> bool:
    return is_list_type(type_.of_type if is_non_null_type(type_) else type_)
