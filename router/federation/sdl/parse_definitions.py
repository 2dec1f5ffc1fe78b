"""Parses type definitions and their extensions of regular SDL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from graphql.language import (
    DirectiveDefinitionNode,
    DirectiveLocation,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    OperationType,
    OperationTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
)

from router.federation.sdl.node_places import NodePlace
from router.federation.sdl.parse_values_and_directives import ValueParser
from router.federation.sdl.split_into_tokens import END, Irregular

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql.language import DefinitionNode, Node, TypeNode

    _Parts = Mapping[str, object]

_LOCATIONS: Final = frozenset(DirectiveLocation.__members__)
_NO_ENUM_VALUES: Final = frozenset(("true", "false", "null"))


class DefinitionParser(ValueParser):
    """Parses definitions. Each method begins at the first token of what it parses, and ends after the last token.

    Attributes:
        definition_starts: Where each definition of the document begins in the text, after `document` was called.
    """

    __slots__ = ("definition_starts",)

    definition_starts: list[int]

    def document(self) -> DocumentNode:
        self.definition_starts = starts = [self._starts[self.at]]
        nodes = [self._definition()]
        while self._texts[self.at] is not END:
            starts.append(self._starts[self.at])
            nodes.append(self._definition())
        place = NodePlace(0, len(self._source.body), self._source) if self._has_places else None
        return DocumentNode(definitions=tuple(nodes), loc=place)

    def _definition(self) -> DefinitionNode:
        first = self.at
        if self._skips("extend"):
            extension = _EXTENSIONS.get(self._texts[self.at])
            if extension is None:
                raise Irregular
            self.at += 1
            parts = extension[1](self)
            if not any(value for key, value in parts.items() if key != "name"):
                raise Irregular
            return cast("DefinitionNode", extension[0](**parts, loc=self._place_from(first)))
        description = self._description()
        definition = _DEFINITIONS.get(self._texts[self.at])
        if definition is None:
            raise Irregular
        self.at += 1
        parts = definition[1](self)
        return definition[0](description=description, **parts, loc=self._place_from(first))

    def scalar(self) -> _Parts:
        return {"name": self._name(), "directives": self._directives()}

    def fields(self) -> _Parts:
        name = self._name()
        interfaces = self._delimited("&") if self._skips("implements") else None
        directives = self._directives()
        fields = self._many(self._field, "}") if self._skips("{") else None
        return {"name": name, "interfaces": interfaces, "directives": directives, "fields": fields}

    def union(self) -> _Parts:
        name = self._name()
        directives = self._directives()
        return {"name": name, "directives": directives, "types": self._delimited("|") if self._skips("=") else None}

    def enum(self) -> _Parts:
        name = self._name()
        directives = self._directives()
        values = self._distinct(self._enum_value, "}") if self._skips("{") else None
        return {"name": name, "directives": directives, "values": values}

    def input(self) -> _Parts:
        name = self._name()
        directives = self._directives()
        fields = self._many(self._input_value, "}") if self._skips("{") else None
        return {"name": name, "directives": directives, "fields": fields}

    def schema_extension(self) -> _Parts:
        directives = self._directives()
        return {
            "directives": directives,
            "operation_types": self._many(self._root, "}") if self._skips("{") else None,
        }

    def schema(self) -> _Parts:
        parts = self.schema_extension()
        if parts["operation_types"] is None:
            raise Irregular
        return parts

    def directive(self) -> _Parts:
        self._expect("@")
        name = self._name()
        arguments = self._many(self._input_value, ")") if self._skips("(") else None
        directives = self._directives()
        repeatable = self._skips("repeatable")
        self._expect("on")
        self._skips("|")
        locations = [self._name()]
        while self._skips("|"):
            locations.append(self._name())
        if any(location.value not in _LOCATIONS for location in locations):
            raise Irregular
        return {
            "name": name,
            "arguments": arguments,
            "directives": directives,
            "repeatable": repeatable,
            "locations": tuple(locations),
        }

    def _delimited(self, delimiter: str) -> tuple[NamedTypeNode, ...]:
        self._skips(delimiter)
        nodes = [self._named_type()]
        while self._skips(delimiter):
            nodes.append(self._named_type())
        return tuple(nodes)

    def _root(self) -> OperationTypeDefinitionNode:
        first = self.at
        operation = self._name().value
        if operation not in _OPERATIONS:
            raise Irregular
        self._expect(":")
        type_ = self._named_type()
        return OperationTypeDefinitionNode(operation=OperationType(operation), type=type_, loc=self._place_from(first))

    def _field(self) -> FieldDefinitionNode:
        first = self.at
        description = self._description()
        name = self._name()
        arguments = self._distinct(self._input_value, ")") if self._skips("(") else None
        self._expect(":")
        type_ = self._type()
        directives = self._directives()
        return FieldDefinitionNode(
            description=description,
            name=name,
            arguments=arguments,
            type=type_,
            directives=directives,
            loc=self._place_from(first),
        )

    def _input_value(self) -> InputValueDefinitionNode:
        first = self.at
        description = self._description()
        name = self._name()
        self._expect(":")
        type_ = self._type()
        default_value = self._value() if self._skips("=") else None
        directives = self._directives()
        return InputValueDefinitionNode(
            description=description,
            name=name,
            type=type_,
            default_value=default_value,
            directives=directives,
            loc=self._place_from(first),
        )

    def _enum_value(self) -> EnumValueDefinitionNode:
        first = self.at
        description = self._description()
        name = self._name()
        if name.value in _NO_ENUM_VALUES:
            raise Irregular
        directives = self._directives()
        return EnumValueDefinitionNode(
            description=description, name=name, directives=directives, loc=self._place_from(first)
        )

    def _type(self) -> TypeNode:
        first = self.at
        node: NamedTypeNode | ListTypeNode
        if self._skips("["):
            self._enter()
            inner = self._type()
            self._nesting -= 1
            self._expect("]")
            node = ListTypeNode(type=inner, loc=self._place_from(first))
        else:
            node = self._named_type()
        return NonNullTypeNode(type=node, loc=self._place_from(first)) if self._skips("!") else node


_OPERATIONS: Final = frozenset(operation.value for operation in OperationType)
_DEFINITIONS: Final[dict[str, tuple[Callable[..., DefinitionNode], Callable[[DefinitionParser], _Parts]]]] = {
    "schema": (SchemaDefinitionNode, DefinitionParser.schema),
    "scalar": (ScalarTypeDefinitionNode, DefinitionParser.scalar),
    "type": (ObjectTypeDefinitionNode, DefinitionParser.fields),
    "interface": (InterfaceTypeDefinitionNode, DefinitionParser.fields),
    "union": (UnionTypeDefinitionNode, DefinitionParser.union),
    "enum": (EnumTypeDefinitionNode, DefinitionParser.enum),
    "input": (InputObjectTypeDefinitionNode, DefinitionParser.input),
    "directive": (DirectiveDefinitionNode, DefinitionParser.directive),
}
_EXTENSIONS: Final[dict[str, tuple[Callable[..., Node], Callable[[DefinitionParser], _Parts]]]] = {
    "schema": (SchemaExtensionNode, DefinitionParser.schema_extension),
    "scalar": (ScalarTypeExtensionNode, DefinitionParser.scalar),
    "type": (ObjectTypeExtensionNode, DefinitionParser.fields),
    "interface": (InterfaceTypeExtensionNode, DefinitionParser.fields),
    "union": (UnionTypeExtensionNode, DefinitionParser.union),
    "enum": (EnumTypeExtensionNode, DefinitionParser.enum),
    "input": (InputObjectTypeExtensionNode, DefinitionParser.input),
}
