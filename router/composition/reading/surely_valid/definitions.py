"""Checks whether definitions of types are surely valid (see the docstring of the package)."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Final, cast

from graphql.language import (
    DirectiveLocation,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
)
from graphql.type import is_enum_type, is_scalar_type

from router.composition.model import BUILT_IN_SCALARS, ROOTS
from router.composition.reading.surely_valid.default_values import surely_fits
from router.composition.reading.surely_valid.directives import DirectiveCheck
from router.composition.reading.surely_valid.interfaces import TypeWithInterfaces, check_interfaces
from router.composition.reading.surely_valid.not_sure import NotSure, require
from router.federation.find_type_name_in_reference import named_type

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from graphql import GraphQLSchema
    from graphql.language import DefinitionNode, InputValueDefinitionNode, Node

    _Composite = (
        ObjectTypeDefinitionNode | ObjectTypeExtensionNode | InterfaceTypeDefinitionNode | InterfaceTypeExtensionNode
    )
    _Input = InputObjectTypeDefinitionNode | InputObjectTypeExtensionNode
    _Enum = EnumTypeDefinitionNode | EnumTypeExtensionNode
    _Union = UnionTypeDefinitionNode | UnionTypeExtensionNode

_KINDS: Final[dict[type[Node], DirectiveLocation]] = {
    ObjectTypeDefinitionNode: DirectiveLocation.OBJECT,
    ObjectTypeExtensionNode: DirectiveLocation.OBJECT,
    InterfaceTypeDefinitionNode: DirectiveLocation.INTERFACE,
    InterfaceTypeExtensionNode: DirectiveLocation.INTERFACE,
    UnionTypeDefinitionNode: DirectiveLocation.UNION,
    UnionTypeExtensionNode: DirectiveLocation.UNION,
    EnumTypeDefinitionNode: DirectiveLocation.ENUM,
    EnumTypeExtensionNode: DirectiveLocation.ENUM,
    InputObjectTypeDefinitionNode: DirectiveLocation.INPUT_OBJECT,
    InputObjectTypeExtensionNode: DirectiveLocation.INPUT_OBJECT,
    ScalarTypeDefinitionNode: DirectiveLocation.SCALAR,
    ScalarTypeExtensionNode: DirectiveLocation.SCALAR,
}
_INPUTS: Final = frozenset({DirectiveLocation.INPUT_OBJECT, DirectiveLocation.ENUM, DirectiveLocation.SCALAR})
_COMPOSITES: Final = frozenset({DirectiveLocation.OBJECT, DirectiveLocation.INTERFACE})


def are_surely_valid(definitions: Collection[DefinitionNode], base: GraphQLSchema) -> bool:
    """Return whether the definitions are surely a valid extension of `base`. If False, they can still be valid.

    Args:
        definitions: Definitions without `@deprecated(reason: null)`.
        base: A valid schema, which defines all directives.
    """
    try:
        _Check(definitions, base).run()
    except (NotSure, CycleError):
        return False
    return True


class _Check:
    """Checks the definitions of one subgraph. Each method raises `NotSure` if anything may be wrong."""

    def __init__(self, definitions: Iterable[DefinitionNode], base: GraphQLSchema) -> None:
        self._base = base
        self._directives = DirectiveCheck(base)
        self._kinds: dict[str, DirectiveLocation] = {}
        self._types: dict[str, list[TypeDefinitionNode | TypeExtensionNode]] = {}
        seen: set[str] = set()
        for node in definitions:
            if isinstance(node, SchemaExtensionNode):
                require(not node.operation_types)
                self._directives.check(node.directives, DirectiveLocation.SCHEMA, seen)
            else:
                self._add(node)
        leaves = {name for name, each in base.type_map.items() if is_scalar_type(each) or is_enum_type(each)}
        leaves |= BUILT_IN_SCALARS
        self._inputs = leaves | {name for name, kind in self._kinds.items() if kind in _INPUTS}
        self._outputs = leaves | {
            name for name, kind in self._kinds.items() if kind is not DirectiveLocation.INPUT_OBJECT
        }
        self._enums: dict[str, set[str]] = {}
        self._composites: dict[str, TypeWithInterfaces] = {}
        # Input object → the types of its fields that are non-null and not lists. A cycle of such fields is an error.
        self._required: dict[str, set[str]] = {}

    def _add(self, node: DefinitionNode) -> None:
        if not isinstance(node, TypeDefinitionNode | TypeExtensionNode):
            raise NotSure
        name, kind = node.name.value, _KINDS[type(node)]
        if isinstance(node, TypeExtensionNode):
            # An extension may also stand before its definition. This is rare, and is left to graphql-core.
            require(self._kinds.get(name) is kind)
            self._types[name].append(node)
        else:
            require(name not in self._kinds and name not in self._base.type_map and name not in BUILT_IN_SCALARS)
            require(not name.startswith("__"))
            self._kinds[name] = kind
            self._types[name] = [node]

    def run(self) -> None:
        for name in ROOTS.values():
            require(self._kinds.get(name, DirectiveLocation.OBJECT) is DirectiveLocation.OBJECT)
        # Enums come first, because the check of a default value needs the values of all enums.
        order = sorted(self._kinds.items(), key=lambda item: item[1] is not DirectiveLocation.ENUM)
        for name, kind in order:
            self._check_type(name, kind)
        TopologicalSorter(self._required).prepare()
        check_interfaces(self._composites)

    def _check_type(self, name: str, kind: DirectiveLocation) -> None:
        nodes = self._types[name]
        seen: set[str] = set()
        for node in nodes:
            self._directives.check(node.directives, kind, seen)
        if kind in _COMPOSITES:
            self._check_composite(name, kind, cast("list[_Composite]", nodes))
        elif kind is DirectiveLocation.INPUT_OBJECT:
            self._required[name] = set()
            fields = [field for node in cast("list[_Input]", nodes) for field in node.fields or ()]
            self._check_inputs(fields, DirectiveLocation.INPUT_FIELD_DEFINITION, self._required[name])
            require(fields)
        elif kind is DirectiveLocation.ENUM:
            self._check_enum(name, cast("list[_Enum]", nodes))
        elif kind is DirectiveLocation.UNION:
            members = [member.name.value for node in cast("list[_Union]", nodes) for member in node.types or ()]
            require(members and len(set(members)) == len(members))
            require(all(self._kinds.get(member) is DirectiveLocation.OBJECT for member in members))

    def _check_composite(self, name: str, kind: DirectiveLocation, nodes: Iterable[_Composite]) -> None:
        found = self._composites[name] = TypeWithInterfaces(is_interface=kind is DirectiveLocation.INTERFACE)
        fields, check_directives = found.fields, self._directives.check
        for node in nodes:
            for interface in node.interfaces or ():
                require(interface.name.value not in found.interfaces)
                found.interfaces.add(interface.name.value)
            for field in node.fields or ():
                field_name = field.name.value
                require(field_name not in fields and not field_name.startswith("__"))
                fields[field_name] = field
                require(named_type(field.type) in self._outputs)
                if field.directives:
                    check_directives(field.directives, DirectiveLocation.FIELD_DEFINITION)
                if field.arguments:
                    self._check_inputs(field.arguments, DirectiveLocation.ARGUMENT_DEFINITION, set())
        require(fields)

    def _check_enum(self, name: str, nodes: Iterable[_Enum]) -> None:
        values = self._enums[name] = set()
        for node in nodes:
            for value in node.values or ():
                require(value.name.value not in values and not value.name.value.startswith("__"))
                values.add(value.name.value)
                self._directives.check(value.directives, DirectiveLocation.ENUM_VALUE)
        require(values)

    def _check_inputs(
        self, nodes: Iterable[InputValueDefinitionNode], location: DirectiveLocation, required: set[str]
    ) -> None:
        """Check arguments or input fields. Add the type of each non-null one that is not a list to `required`."""
        seen = set()
        for node in nodes:
            name, type_name = node.name.value, named_type(node.type)
            require(name not in seen and not name.startswith("__"))
            seen.add(name)
            require(type_name in self._inputs)
            if isinstance(node.type, NonNullTypeNode) and isinstance(node.type.type, NamedTypeNode):
                required.add(type_name)
            if node.default_value is not None:
                require(surely_fits(node.default_value, node.type, self._enums))
            if node.directives:
                self._directives.check(node.directives, location)
                is_deprecated = any(directive.name.value == "deprecated" for directive in node.directives)
                require(not (is_deprecated and isinstance(node.type, NonNullTypeNode)))
