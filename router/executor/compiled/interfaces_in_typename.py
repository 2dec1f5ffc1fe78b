"""Find the interfaces that can be the value of `__typename` in a response (execution §3.6).

If a subgraph has an interface as an `@interfaceObject` type, it sends the name of the interface. A later fetch sends
the name of the object type. Until then, generated code handles the name of the interface like that of an object type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import BooleanValueNode, is_interface_type

from router.executor.graphql.type_relations import is_subtype

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import GraphQLSchema

IS_INTERFACE_OBJECT: Final = "isInterfaceObject"
"""The argument of `@join__type` that marks the type as an `@interfaceObject` in the subgraph."""


def interface_object_names(schema: GraphQLSchema, name: str) -> tuple[str, ...]:
    """Return the interfaces that can be the value of `__typename` in a field with the abstract type `name`."""
    return tuple(
        type_.name
        for type_ in schema.type_map.values()
        if is_interface_type(type_)
        and is_subtype(schema, type_.name, name)
        and _has_interface_object(schema, type_.name)
    )


def _has_interface_object(schema: GraphQLSchema, name: str) -> bool:
    node = schema.type_map[name].ast_node
    return any(
        argument.name.value == IS_INTERFACE_OBJECT
        and isinstance(argument.value, BooleanValueNode)
        and argument.value.value
        for directive in (node.directives if node is not None else ()) or ()
        for argument in directive.arguments or ()
    )


def subtypes_of(schema: GraphQLSchema, interfaces: Iterable[str], types: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return, for each interface, the other types in `types` that are subtypes of the interface."""
    types = tuple(types)
    return {of: tuple(name for name in types if name != of and is_subtype(schema, name, of)) for of in interfaces}
