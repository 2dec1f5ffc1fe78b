"""Checks whether types surely implement their interfaces (see the docstring of the package)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.composition.reading.surely_valid.not_sure import NotSure, require
from router.composition.type_refs import from_node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql.language import FieldDefinitionNode

    from router.composition.type_refs import TypeRef


@dataclass(frozen=True, slots=True)
class TypeWithInterfaces:
    """An object type or an interface, with all its definitions.

    Attributes:
        is_interface: Whether it is an interface.
        interfaces: The interfaces that it implements.
        fields: Its fields.
    """

    is_interface: bool
    interfaces: set[str] = field(default_factory=set)
    fields: dict[str, FieldDefinitionNode] = field(default_factory=dict)


def check_interfaces(types: Mapping[str, TypeWithInterfaces]) -> None:
    """Check that all types surely implement their interfaces.

    Raises:
        NotSure: Perhaps a type does not implement its interfaces. The check is stricter than the specification: a field
            must have the same type and the same arguments in an interface and in the implementations of the interface.
    """
    for name, type_ in types.items():
        for interface_name in type_.interfaces:
            interface = types.get(interface_name)
            if interface is None or not interface.is_interface or interface_name == name:
                raise NotSure
            require(interface.interfaces <= type_.interfaces)
            for field_name, wanted in interface.fields.items():
                found = type_.fields.get(field_name)
                if found is None or _signature(found) != _signature(wanted):
                    raise NotSure


def _signature(node: FieldDefinitionNode) -> tuple[TypeRef, dict[str, TypeRef]]:
    arguments = {argument.name.value: from_node(argument.type) for argument in node.arguments or ()}
    return from_node(node.type), arguments
