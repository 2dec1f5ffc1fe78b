"""Convert literals of a wrong kind to the kind that their type requires, as other federation tools do.

Some servers print literals of a wrong kind. If the meaning of such a literal is clear, this module converts the
literal. So later steps need to know only one form of each value:

| type of the literal              | written               | read as               |
|----------------------------------|-----------------------|-----------------------|
| `String`, `ID` or a custom scalar | `label: percent`      | `label: "percent"`    |
| an enum                          | `= "ASC"`, `= ["A"]`  | `= ASC`, `= [A]`      |
| `Int`                            | `= 1.0`               | `= 1`                 |

Field sets are not converted. A rule reports a field set that is not a string.
"""

from __future__ import annotations

from dataclasses import replace
from operator import is_
from typing import TYPE_CHECKING, Final

from graphql.language import (
    DirectiveDefinitionNode,
    EnumTypeDefinitionNode,
    EnumValueNode,
    FloatValueNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NonNullTypeNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    ScalarTypeDefinitionNode,
    StringValueNode,
    parse_type,
)

from router.composition.type_refs import base_name, from_node
from router.federation.rewrite_definitions import DefinitionWalk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphql.language import ConstDirectiveNode, DefinitionNode, TypeNode, ValueNode

# Directive → name of an argument → its type. A schema need not define these directives: GraphQL itself defines them.
_BUILT_IN: Final = {
    "deprecated": {"reason": parse_type("String", no_location=True)},
    "specifiedBy": {"url": parse_type("String!", no_location=True)},
}
_TEXTS: Final = frozenset({"String", "ID"})
_WITH_FIELD_SETS: Final = frozenset({"key", "requires", "provides"})


def with_exact_literals(
    own: Sequence[DefinitionNode], added: Sequence[DefinitionNode], element: Callable[[str], str | None]
) -> tuple[DefinitionNode, ...]:
    """Return the definitions `own` with converted literals.

    Args:
        own: The subgraph's definitions.
        added: The definitions of specifications that were added for the subgraph.
        element: Returns the name of a directive in its specification (`element_resolver`).
    """
    return _Conversion((*own, *added), element).definitions(own)


class _Conversion(DefinitionWalk):
    def __init__(self, definitions: Sequence[DefinitionNode], element: Callable[[str], str | None]) -> None:
        self._element = element
        self._enums = {node.name.value for node in definitions if isinstance(node, EnumTypeDefinitionNode)}
        self._scalars = {node.name.value for node in definitions if isinstance(node, ScalarTypeDefinitionNode)}
        self._inputs = {
            node.name.value: {item.name.value: item.type for item in node.fields or ()}
            for node in definitions
            if isinstance(node, InputObjectTypeDefinitionNode)
        }
        self._directives = _BUILT_IN | {
            node.name.value: {argument.name.value: argument.type for argument in node.arguments or ()}
            for node in definitions
            if isinstance(node, DirectiveDefinitionNode)
        }

    def input_value(self, node: InputValueDefinitionNode) -> InputValueDefinitionNode:
        node = self.with_directives(node)
        if node.default_value is None:
            return node
        default = self.value(node.default_value, node.type)
        return node if default is node.default_value else replace(node, default_value=default)  # type: ignore[arg-type]  # a constant stays one

    def directive(self, node: ConstDirectiveNode) -> ConstDirectiveNode:
        types = self._directives.get(node.name.value)
        if types is None or not node.arguments:
            return node
        is_field_set = self._element(node.name.value) in _WITH_FIELD_SETS
        arguments = []
        for argument in node.arguments:
            type_ = types.get(argument.name.value)
            if type_ is None or (is_field_set and argument.name.value == "fields"):
                arguments.append(argument)
                continue
            value = self.value(argument.value, type_)
            arguments.append(argument if value is argument.value else replace(argument, value=value))  # type: ignore[arg-type]  # a constant stays one
        return node if all(map(is_, arguments, node.arguments)) else replace(node, arguments=tuple(arguments))

    def value(self, value: ValueNode, type_: TypeNode) -> ValueNode:
        """Convert a value to the form that its type requires. If nothing changes, return the same object `value`."""
        if isinstance(value, NullValueNode):
            return value
        if isinstance(type_, NonNullTypeNode):
            return self.value(value, type_.type)
        if isinstance(type_, ListTypeNode):
            if not isinstance(value, ListValueNode):
                return self.value(value, type_.type)
            items = tuple(self.value(item, type_.type) for item in value.values)
            return value if all(map(is_, items, value.values)) else replace(value, values=items)
        return self._named(value, base_name(from_node(type_)))

    def _named(self, value: ValueNode, name: str) -> ValueNode:
        if isinstance(value, EnumValueNode) and (name in _TEXTS or name in self._scalars):
            return StringValueNode(value=value.value, block=False, loc=value.loc)
        if isinstance(value, StringValueNode) and name in self._enums:
            return EnumValueNode(value=value.value, loc=value.loc)
        if isinstance(value, FloatValueNode) and name == "Int":
            number = float(value.value)
            return IntValueNode(value=str(int(number)), loc=value.loc) if number.is_integer() else value
        inputs = self._inputs.get(name)
        if isinstance(value, ObjectValueNode) and inputs is not None:
            fields = tuple(
                field if (type_ := inputs.get(field.name.value)) is None else self._object_field(field, type_)
                for field in value.fields
            )
            return value if all(map(is_, fields, value.fields)) else replace(value, fields=fields)
        return value

    def _object_field(self, field: ObjectFieldNode, type_: TypeNode) -> ObjectFieldNode:
        value = self.value(field.value, type_)
        return field if value is field.value else replace(field, value=value)
