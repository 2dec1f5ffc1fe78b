"""Check that a subgraph has every type to which its fields, arguments and unions refer.

A damaged supergraph can say that a subgraph has a field, but not say that the subgraph has the type of the field.
Without this check, the router would find the mistake only when it plans a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import (
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    specified_scalar_types,
)

from router.errors import InvalidSupergraph
from router.federation.find_type_name_in_reference import named_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DefinitionNode

    from router.supergraph.model import SubgraphModel


def check_references(model: SubgraphModel) -> None:
    """Check that the subgraph has every type to which its fields, arguments and unions refer.

    Raises:
        InvalidSupergraph: A type is missing. The message names the first missing type.
    """
    known = {each.name.value for each in model.definitions if isinstance(each, TypeDefinitionNode)}
    known |= specified_scalar_types.keys()
    for definition in model.definitions:
        for what, name in _references(definition):
            if name not in known:
                raise InvalidSupergraph(f'{what} has the type {name}, which the subgraph "{model.name}" does not have.')


def _references(definition: DefinitionNode) -> Iterator[tuple[str, str]]:
    match definition:
        case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
            for field in definition.fields or ():
                what = f"{definition.name.value}.{field.name.value}"
                yield what, named_type(field.type)
                for argument in field.arguments or ():
                    yield f"{what}({argument.name.value}:)", named_type(argument.type)
        case InputObjectTypeDefinitionNode():
            for item in definition.fields or ():
                yield f"{definition.name.value}.{item.name.value}", named_type(item.type)
        case UnionTypeDefinitionNode():
            for member in definition.types or ():
                yield f"A member of {definition.name.value}", member.name.value
