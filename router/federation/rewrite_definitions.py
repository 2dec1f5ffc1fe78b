"""Replaces literals and directives in type system definitions.

This takes a fraction of the time of graphql-core's `visit`, because only nodes that can have a directive or a default
value are visited.
"""

from __future__ import annotations

from dataclasses import replace
from operator import is_
from typing import TYPE_CHECKING, TypeVar

from graphql.language import (
    DirectiveDefinitionNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    NullValueNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from graphql.language import ConstDirectiveNode, DefinitionNode, Node

    NodeT = TypeVar("NodeT", bound=Node)


def without_null_reasons(definitions: Sequence[DefinitionNode]) -> tuple[DefinitionNode, ...]:
    """Return the definitions with `@deprecated` in place of each `@deprecated(reason: null)`.

    The reason is nullable in the specification of October 2021, but not in graphql-core. A directive without a reason
    has the default reason.
    """
    return _WithoutNullReasons().definitions(definitions)


class DefinitionWalk:
    """Walks through definitions. Subclasses replace literals and directives.

    A definition without changes is returned as the same node.
    """

    def definitions(self, nodes: Sequence[DefinitionNode]) -> tuple[DefinitionNode, ...]:
        return tuple(self.definition(node) for node in nodes)

    def definition(self, node: DefinitionNode) -> DefinitionNode:
        if isinstance(node, DirectiveDefinitionNode):
            return _changed(node, arguments=self.each(self.input_value, node.arguments))
        if not isinstance(node, TypeDefinitionNode | TypeExtensionNode):
            is_schema = isinstance(node, SchemaDefinitionNode | SchemaExtensionNode)
            return self.with_directives(node) if is_schema else node
        directives = self.each(self.directive, node.directives)
        match node:
            case (
                ObjectTypeDefinitionNode()
                | ObjectTypeExtensionNode()
                | InterfaceTypeDefinitionNode()
                | InterfaceTypeExtensionNode()
            ):
                return _changed(node, directives=directives, fields=self.each(self.field, node.fields))
            case InputObjectTypeDefinitionNode() | InputObjectTypeExtensionNode():
                return _changed(node, directives=directives, fields=self.each(self.input_value, node.fields))
            case EnumTypeDefinitionNode() | EnumTypeExtensionNode():
                return _changed(node, directives=directives, values=self.each(self.with_directives, node.values))
            case _:
                return _changed(node, directives=directives)

    def each(self, convert: Callable[[NodeT], NodeT], nodes: Iterable[NodeT] | None) -> tuple[NodeT, ...] | None:
        """Return the converted nodes. If no node changes, return None."""
        if not nodes:
            return None
        nodes = tuple(nodes)
        converted = tuple([convert(node) for node in nodes])
        return None if all(map(is_, converted, nodes)) else converted

    def field(self, node: FieldDefinitionNode) -> FieldDefinitionNode:
        if not node.directives and not node.arguments:
            return node
        arguments = self.each(self.input_value, node.arguments)
        return _changed(node, directives=self.each(self.directive, node.directives), arguments=arguments)

    def with_directives(self, node: NodeT) -> NodeT:
        return _changed(node, directives=self.each(self.directive, getattr(node, "directives", None)))

    def input_value(self, node: InputValueDefinitionNode) -> InputValueDefinitionNode:
        return self.with_directives(node)

    def directive(self, node: ConstDirectiveNode) -> ConstDirectiveNode:
        raise NotImplementedError


class _WithoutNullReasons(DefinitionWalk):
    def directive(self, node: ConstDirectiveNode) -> ConstDirectiveNode:
        if node.name.value != "deprecated" or not node.arguments:
            return node
        kept = tuple(
            argument
            for argument in node.arguments
            if argument.name.value != "reason" or not isinstance(argument.value, NullValueNode)
        )
        return node if len(kept) == len(node.arguments) else replace(node, arguments=kept)


def _changed(node: NodeT, **parts: object) -> NodeT:
    changes = {name: value for name, value in parts.items() if value is not None}
    return replace(node, **changes) if changes else node  # type: ignore[arg-type]  # the parts keep their types
