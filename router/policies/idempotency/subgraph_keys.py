"""Fills the idempotency keys of subgraphs: an argument of a mutation, or a field of its input, takes the key.

    Idempotency-Key: k      mutation ($input: TransferInput!) { transfer(input: $input) { ... } }
                            {"input": {"amount": "1.00"}}  ─>  {"input": {"amount": "1.00", "idempotencyKey": "k"}}

If the client has written a key into its operation or variables, this key is kept. Only variables are changed, never the
operation: an input object that is written as a literal gets no key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLInputObjectType,
    GraphQLObjectType,
    InlineFragmentNode,
    NullValueNode,
    ObjectValueNode,
    VariableNode,
    get_nullable_type,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import GraphQLField, SelectionSetNode, ValueNode

    from router.get_operation import PreparedOperation

_TYPE_NAME: Final = "__typename"


class FilledKeys(msgspec.Struct, frozen=True):
    """The variables with the key, and whether every root field of the mutation now has a key of its subgraph."""

    variables: Mapping[str, object]
    is_complete: bool


def fill_keys(operation: PreparedOperation, given: Mapping[str, object], argument: str, key: str) -> FilledKeys:
    """Return the variables of a mutation. Add `key` wherever a variable can take a key and has none.

    `argument` is the name of the arguments and input fields that take keys.
    """
    filling = _Filling(operation, argument, key, dict(given))
    root = operation.api_schema.mutation_type
    fields = list(_root_fields(operation, operation.definition.selection_set))
    filled = [root is not None and filling.fill(root, field) for field in fields]
    return FilledKeys(filling.variables, bool(filled) and all(filled))


class _Filling(msgspec.Struct, frozen=True):
    operation: PreparedOperation
    argument: str
    key: str
    variables: dict[str, object]

    def fill(self, root: GraphQLObjectType, node: FieldNode) -> bool:
        """Fill the key of one root field. Return whether its subgraph now gets a key."""
        field = root.fields.get(node.name.value)
        if field is None:
            return False
        given = {each.name.value: each.value for each in node.arguments or ()}
        if self.argument in field.args:
            return self._fill_value(given.get(self.argument))
        filled = [self._fill_input(given.get(name)) for name in self._inputs(field)]
        return any(filled)

    def _inputs(self, field: GraphQLField) -> list[str]:
        """Return the arguments whose input object has a field for the key."""
        types = {name: get_nullable_type(argument.type) for name, argument in field.args.items()}
        return [
            name
            for name, type_ in types.items()
            if isinstance(type_, GraphQLInputObjectType) and self.argument in type_.fields
        ]

    def _fill_value(self, value: ValueNode | None) -> bool:
        """Fill an argument or input field that takes the key itself. Return whether it now has a value."""
        if not isinstance(value, VariableNode):
            return value is not None and not isinstance(value, NullValueNode)
        name = value.name.value
        if self.variables.get(name) is None and (name in self.variables or not self._has_default(name)):
            self.variables[name] = self.key
        return True

    def _fill_input(self, value: ValueNode | None) -> bool:
        """Fill the key in an input object that has a field for the key. Return whether the field now has a value."""
        if isinstance(value, ObjectValueNode):
            return self._fill_value({each.name.value: each.value for each in value.fields}.get(self.argument))
        content = self.variables.get(value.name.value) if isinstance(value, VariableNode) else None
        if not isinstance(value, VariableNode) or not isinstance(content, dict):
            return False
        if content.get(self.argument) is None:
            self.variables[value.name.value] = {**content, self.argument: self.key}
        return True

    def _has_default(self, name: str) -> bool:
        definitions = self.operation.definition.variable_definitions or ()
        defaults = [each.default_value for each in definitions if each.variable.name.value == name]
        return any(default is not None and not isinstance(default, NullValueNode) for default in defaults)


def _root_fields(operation: PreparedOperation, selections: SelectionSetNode) -> Iterator[FieldNode]:
    for selection in selections.selections:
        match selection:
            case FieldNode(name=name) if name.value != _TYPE_NAME:
                yield selection
            case InlineFragmentNode(selection_set=inner):
                yield from _root_fields(operation, inner)
            case FragmentSpreadNode(name=name):
                yield from _root_fields(operation, operation.fragments[name.value].selection_set)
