"""Rename the definitions of a specification to their names in one schema, for example `@key` to `@federation__key`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from graphql.language import (
    DirectiveDefinitionNode,
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    ScalarTypeDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from router.federation.spec_versions import SpecVersion

# The number of cached results. One process sees few combinations of specification, version and imports.
_CACHE_SIZE = 256

Names = tuple[tuple[str, str], ...]
"""Pairs of names of one element: the name in the specification, and the name in the schema."""


@dataclass(frozen=True, slots=True)
class SpecDefinitions:
    """The directives and types of a specification. The keys are the names in the schema, such as `federation__key`."""

    directives: Mapping[str, DirectiveDefinitionNode]
    types: Mapping[str, TypeDefinitionNode]


def spec_definitions(
    spec: SpecVersion, directive: Callable[[str], str], type_: Callable[[str], str]
) -> SpecDefinitions:
    """Return the definitions of a specification with new names.

    `directive` converts the name of each directive to its new name, and `type_` the name of each type. Calls with the
    same specification and the same new names return the same object, so callers can use `id(result)` as a cache key.
    """
    return _renamed(
        spec,
        tuple((element, directive(element)) for element in spec.directives),
        tuple((element, type_(element)) for element in spec.types),
    )


@lru_cache(_CACHE_SIZE)
def _renamed(spec: SpecVersion, directive_names: Names, type_names: Names) -> SpecDefinitions:
    names = dict(type_names)
    directives = {
        name: DirectiveDefinitionNode(
            name=NameNode(value=name),
            arguments=_inputs(spec.directives[element].arguments, names),
            repeatable=spec.directives[element].repeatable,
            locations=spec.directives[element].locations,
        )
        for element, name in directive_names
    }
    types = {name: _type(spec.types[element], NameNode(value=name), names) for element, name in type_names}
    return SpecDefinitions(directives, types)


def _type(definition: TypeDefinitionNode, name: NameNode, names: Mapping[str, str]) -> TypeDefinitionNode:
    match definition:
        case EnumTypeDefinitionNode():
            return EnumTypeDefinitionNode(name=name, values=definition.values)
        case InputObjectTypeDefinitionNode():
            return InputObjectTypeDefinitionNode(name=name, fields=_inputs(definition.fields, names))
        case _:
            return ScalarTypeDefinitionNode(name=name)


def _inputs(
    nodes: Iterable[InputValueDefinitionNode] | None, names: Mapping[str, str]
) -> tuple[InputValueDefinitionNode, ...]:
    return tuple(replace(node, type=_named(node.type, names)) for node in nodes or ())


def _named(node: TypeNode, names: Mapping[str, str]) -> TypeNode:
    match node:
        case ListTypeNode():
            return ListTypeNode(type=_named(node.type, names))
        case NonNullTypeNode():
            return NonNullTypeNode(type=_named(node.type, names))  # type: ignore[arg-type]  # wrapping is unchanged
        case NamedTypeNode() if node.name.value in names:
            return NamedTypeNode(name=NameNode(value=names[node.name.value]))
        case _:
            return node
