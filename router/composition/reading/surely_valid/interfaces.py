"""Checks whether types surely implement their interfaces (see the docstring of the package)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql.language import ListTypeNode, NonNullTypeNode

from router.composition.reading.surely_valid.default_values import named_type
from router.composition.reading.surely_valid.not_sure import NotSure, require

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql.language import FieldDefinitionNode, TypeNode


@dataclass(frozen=True, slots=True)
class Implementation:
    """An object type or an interface, with all its definitions.

    Attributes:
        is_interface: Whether it is an interface.
        interfaces: The interfaces that it implements.
        fields: Its fields.
    """

    is_interface: bool
    interfaces: set[str] = field(default_factory=set)
    fields: dict[str, FieldDefinitionNode] = field(default_factory=dict)


def check_interfaces(types: Mapping[str, Implementation]) -> None:
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


def _signature(node: FieldDefinitionNode) -> tuple[str, dict[str, str]]:
    arguments = {argument.name.value: _reference(argument.type) for argument in node.arguments or ()}
    return _reference(node.type), arguments


def _reference(type_: TypeNode) -> str:
    if isinstance(type_, NonNullTypeNode):
        return f"{_reference(type_.type)}!"
    return f"[{_reference(type_.type)}]" if isinstance(type_, ListTypeNode) else named_type(type_)
