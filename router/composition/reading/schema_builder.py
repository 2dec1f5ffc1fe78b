"""Build a `SubgraphSchema` from checked definitions. A type's definition and extensions become one `TypeDef`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql.language import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DirectiveNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    Node,
    NullValueNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
)

from router.composition.model import (
    Applied,
    DirectiveDef,
    EnumValue,
    FieldDef,
    InputValue,
    Kind,
    SubgraphSchema,
    TypeDef,
)
from router.composition.reading.drop_subgraph_spec_parts import SUBGRAPH_SPEC_FIELDS
from router.composition.type_refs import TypeRef, from_node, rename

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# Directives whose null arguments are kept as written, because composition does not interpret the arguments. None stands
# for all directives that composition does not know.
_WITH_NULLS = frozenset({None, "deprecated"})
_KINDS: dict[type[Node], Kind] = {
    ScalarTypeDefinitionNode: Kind.SCALAR,
    ScalarTypeExtensionNode: Kind.SCALAR,
    ObjectTypeDefinitionNode: Kind.OBJECT,
    ObjectTypeExtensionNode: Kind.OBJECT,
    InterfaceTypeDefinitionNode: Kind.INTERFACE,
    InterfaceTypeExtensionNode: Kind.INTERFACE,
    UnionTypeDefinitionNode: Kind.UNION,
    UnionTypeExtensionNode: Kind.UNION,
    EnumTypeDefinitionNode: Kind.ENUM,
    EnumTypeExtensionNode: Kind.ENUM,
    InputObjectTypeDefinitionNode: Kind.INPUT,
    InputObjectTypeExtensionNode: Kind.INPUT,
}


@dataclass(frozen=True, slots=True)
class SchemaBuilder:
    """Adds definitions to a schema.

    Attributes:
        schema: The schema to fill.
        element_of: Converts a directive's name in the schema to its name in the specification (see `element_resolver`).
        renamed: Maps custom names of root types to default names, for example `MyQuery` to `Query`.
    """

    schema: SubgraphSchema
    element_of: Callable[[str], str | None]
    renamed: dict[str, str] = field(default_factory=dict)

    def build(self, definitions: Sequence[DefinitionNode]) -> None:
        """Add all definitions to the schema."""
        for block, node in enumerate(definitions):
            match node:
                case TypeDefinitionNode():
                    self._add_type(node, block, extension=False)
                case TypeExtensionNode():
                    self._add_type(node, block, extension=True)
                case DirectiveDefinitionNode():
                    self._add_directive_definition(node)
                case SchemaDefinitionNode() | SchemaExtensionNode():
                    extension = isinstance(node, SchemaExtensionNode)
                    self.schema.applied += self._applied(node.directives, block, extension=extension)
                    if isinstance(node, SchemaDefinitionNode) and node.description:
                        self.schema.description = node.description.value
                case _:
                    raise TypeError(f"not a type system definition: {node.kind}")
        query = self.schema.types.get("Query")
        if query is not None and not query.fields:
            del self.schema.types["Query"]

    def _add_type(self, node: TypeDefinitionNode | TypeExtensionNode, block: int, *, extension: bool) -> None:
        name = self.renamed.get(node.name.value, node.name.value)
        kind = _KINDS[type(node)]
        definition = self.schema.types.get(name)
        if definition is None:
            definition = TypeDef(name, kind=kind, node=node, has_definition=False)
            self.schema.types[name] = definition
        if extension:
            definition.has_extension = True
        elif isinstance(node, TypeDefinitionNode):
            definition.has_definition = True
            definition.node = node
            definition.description = _text(node.description)
        definition.directives += self._applied(node.directives, block, extension=extension)
        self._add_parts(definition, node, block)

    def _add_parts(self, definition: TypeDef, node: TypeDefinitionNode | TypeExtensionNode, block: int) -> None:
        name = definition.name
        extension = isinstance(node, TypeExtensionNode)
        match node:
            case (
                ObjectTypeDefinitionNode()
                | ObjectTypeExtensionNode()
                | InterfaceTypeDefinitionNode()
                | InterfaceTypeExtensionNode()
            ):
                definition.interfaces.update({item.name.value: item for item in node.interfaces or ()})
                for member in node.fields or ():
                    if not (name == "Query" and member.name.value in SUBGRAPH_SPEC_FIELDS):
                        definition.fields[member.name.value] = self._field(member, name, block, extension=extension)
            case UnionTypeDefinitionNode() | UnionTypeExtensionNode():
                names = {self.renamed.get(item.name.value, item.name.value): item for item in node.types or ()}
                definition.members.update(names)
            case EnumTypeDefinitionNode() | EnumTypeExtensionNode():
                for value in node.values or ():
                    definition.values[value.name.value] = EnumValue(
                        value.name.value,
                        _text(value.description),
                        self._applied(value.directives, block, extension=extension),
                        node=value,
                    )
            case InputObjectTypeDefinitionNode() | InputObjectTypeExtensionNode():
                definition.inputs.update(self._inputs(node.fields, block))
            case _:
                pass

    def _field(self, node: FieldDefinitionNode, parent: str, block: int, *, extension: bool) -> FieldDef:
        return FieldDef(
            node.name.value,
            _text(node.description),
            self._applied(node.directives, block, extension=extension),
            type=self._ref(from_node(node.type)),
            parent=parent,
            arguments=self._inputs(node.arguments, block),
            node=node,
            block=block,
            in_extension=extension,
        )

    def _inputs(self, nodes: Iterable[InputValueDefinitionNode] | None, block: int) -> dict[str, InputValue]:
        values = {}
        for node in nodes or ():
            values[node.name.value] = InputValue(
                node.name.value,
                _text(node.description),
                self._applied(node.directives, block, extension=False),
                type=self._ref(from_node(node.type)),
                default=node.default_value,
                node=node,
            )
        return values

    def _add_directive_definition(self, node: DirectiveDefinitionNode) -> None:
        self.schema.directives[node.name.value] = DirectiveDef(
            node.name.value,
            _text(node.description),
            arguments=self._inputs(node.arguments, 0),
            locations=tuple(dict.fromkeys(location.value for location in node.locations)),
            repeatable=node.repeatable,
            node=node,
        )

    def _applied(self, nodes: Iterable[DirectiveNode] | None, block: int, *, extension: bool) -> list[Applied]:
        return [
            Applied(
                node.name.value,
                {
                    argument.name.value: argument.value  # type: ignore[misc]  # constants only, by grammar
                    for argument in node.arguments or ()
                    if element in _WITH_NULLS or not isinstance(argument.value, NullValueNode)
                },
                element,
                node,
                block,
                extension,
            )
            for node in nodes or ()
            for element in (self.element_of(node.name.value),)
        ]

    def _ref(self, ref: TypeRef) -> TypeRef:
        return rename(ref, self.renamed) if self.renamed else ref


def _text(node: StringValueNode | None) -> str | None:
    return node.value if node is not None else None
