"""Build the syntax tree of the supergraph from the merged types, without the detour over its text.

The tree is equal to the tree of the printed text, except that it has no locations, and no applied `@join__…` directives
on types and their elements. These directives say which subgraph has which element, and clients do not see them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from graphql.language import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    StringValueNode,
    UnionTypeDefinitionNode,
    parse_const_value,
)
from graphql.language.block_string import print_block_string

from router.composition.model import Applied, EnumValue, FieldDef, InputValue, Kind, TypeDef
from router.composition.supergraph_printer import supergraph_parts
from router.composition.type_refs import ListOf, Named, TypeRef
from router.federation.sdl.parse_sdl import parse_sdl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from graphql.language import ConstDirectiveNode, DefinitionNode, TypeDefinitionNode, TypeNode

    from router.composition.merge.merge_state import MergeState


def supergraph_document(state: MergeState) -> DocumentNode:
    """Return the definitions of the supergraph, in the order in which `print_supergraph` prints them."""
    return DocumentNode(definitions=tuple(_definitions(state)))


def _definitions(state: MergeState) -> Iterator[DefinitionNode]:
    nodes = _Nodes()
    for part in supergraph_parts(state):
        if isinstance(part, str):
            yield from parse_sdl(part).definitions
        else:
            yield nodes.type_definition(part)


class _Nodes:
    """Converts the classes of composition to syntax nodes. Equal names and equal types share one node."""

    def __init__(self) -> None:
        self._names: dict[str, NameNode] = {}
        self._types: dict[str, TypeNode] = {}
        self._named_types: dict[str, NamedTypeNode] = {}

    def type_definition(self, definition: TypeDef) -> TypeDefinitionNode:
        name, description = self._name(definition.name), _description(definition.description)
        directives = self._directives(definition.directives)
        match definition.kind:
            case Kind.SCALAR:
                return ScalarTypeDefinitionNode(name=name, description=description, directives=directives)
            case Kind.UNION:
                types = tuple(map(self._named, definition.members))
                return UnionTypeDefinitionNode(name=name, description=description, directives=directives, types=types)
            case Kind.ENUM:
                values = tuple(map(self._enum_value, definition.values.values()))
                return EnumTypeDefinitionNode(name=name, description=description, directives=directives, values=values)
            case Kind.INPUT:
                return InputObjectTypeDefinitionNode(
                    name=name,
                    description=description,
                    directives=directives,
                    fields=self._input_values(definition.inputs.values()),
                )
        node = ObjectTypeDefinitionNode if definition.kind is Kind.OBJECT else InterfaceTypeDefinitionNode
        return node(
            name=name,
            description=description,
            directives=directives,
            interfaces=tuple(map(self._named, definition.interfaces)) or None,
            fields=tuple(map(self._field, definition.fields.values())),
        )

    def _field(self, member: FieldDef) -> FieldDefinitionNode:
        return FieldDefinitionNode(
            name=self._name(member.name),
            description=_description(member.description),
            directives=self._directives(member.directives),
            arguments=self._input_values(member.arguments.values()) or None,
            type=self._type(member.type),
        )

    def _input_values(self, values: Iterable[InputValue]) -> tuple[InputValueDefinitionNode, ...]:
        return tuple(
            InputValueDefinitionNode(
                name=self._name(value.name),
                description=_description(value.description),
                directives=self._directives(value.directives),
                type=self._type(value.type),
                default_value=value.default,
            )
            for value in values
        )

    def _enum_value(self, value: EnumValue) -> EnumValueDefinitionNode:
        return EnumValueDefinitionNode(
            name=self._name(value.name),
            description=_description(value.description),
            directives=self._directives(value.directives),
        )

    def _directives(self, applied: list[Applied]) -> tuple[ConstDirectiveNode, ...] | None:
        nodes = tuple(self._directive(each) for each in applied if not each.name.startswith("join__"))
        return nodes or None

    def _directive(self, applied: Applied) -> ConstDirectiveNode:
        arguments = tuple(ArgumentNode(name=self._name(name), value=value) for name, value in applied.arguments.items())
        node = DirectiveNode(name=self._name(applied.name), arguments=arguments or None)
        return cast("ConstDirectiveNode", node)

    def _type(self, reference: TypeRef) -> TypeNode:
        text = str(reference)
        node = self._types.get(text)
        if node is None:
            node = self._types[text] = self._new_type(reference)
        return node

    def _new_type(self, reference: TypeRef) -> TypeNode:
        match reference:
            case Named():
                return self._named(reference.name)
            case ListOf():
                return ListTypeNode(type=self._type(reference.of))
            case _:
                return NonNullTypeNode(type=cast("NamedTypeNode | ListTypeNode", self._type(reference.of)))

    def _named(self, name: str) -> NamedTypeNode:
        node = self._named_types.get(name)
        if node is None:
            node = self._named_types[name] = NamedTypeNode(name=self._name(name))
        return node

    def _name(self, name: str) -> NameNode:
        node = self._names.get(name)
        if node is None:
            node = self._names[name] = NameNode(value=name)
        return node


def _description(text: str | None) -> StringValueNode | None:
    """Return the description as a parser reads it after it was printed: a block string has no outer blank lines."""
    if not text:
        return None
    node = parse_const_value(print_block_string(text), no_location=True)
    return node if isinstance(node, StringValueNode) else None
