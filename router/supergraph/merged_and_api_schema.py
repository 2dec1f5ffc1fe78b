"""Find the definitions of the merged schema and of the API schema among the definitions of a supergraph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DirectiveNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    parse,
)
from graphql.language import DirectiveLocation

from router.federation.spec_versions import APOLLO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from graphql import DocumentNode, EnumValueDefinitionNode, InputValueDefinitionNode, NamedTypeNode

    from router.federation.linked_specs import Links

    Element = TypeVar("Element", FieldDefinitionNode, InputValueDefinitionNode, EnumValueDefinitionNode)

EXECUTABLE_LOCATIONS = frozenset(
    (
        DirectiveLocation.QUERY,
        DirectiveLocation.MUTATION,
        DirectiveLocation.SUBSCRIPTION,
        DirectiveLocation.FIELD,
        DirectiveLocation.FRAGMENT_DEFINITION,
        DirectiveLocation.FRAGMENT_SPREAD,
        DirectiveLocation.INLINE_FRAGMENT,
        DirectiveLocation.VARIABLE_DEFINITION,
    )
)
"""The locations in operations. Clients can use only directives with one of these locations."""

_EXECUTABLE_NAMES = frozenset(location.name for location in EXECUTABLE_LOCATIONS)

_DEFER_SDL = "directive @defer(label: String, if: Boolean! = true) on FRAGMENT_SPREAD | INLINE_FRAGMENT"
_PUBLISHED = "published schema"
(_DEFER,) = (item for item in parse(_DEFER_SDL).definitions if isinstance(item, DirectiveDefinitionNode))


def merged_definitions(document: DocumentNode, links: Links) -> list[DefinitionNode]:
    """Return the definitions of the merged schema.

    These are all definitions of the supergraph, except the definitions of linked specifications.
    """
    kept: list[DefinitionNode] = []
    for definition in document.definitions:
        match definition:
            case DirectiveDefinitionNode():
                if links.directive_source(definition.name.value) is None:
                    kept.append(definition)
            case SchemaDefinitionNode():
                kept.append(replace(definition, directives=()))
            case TypeDefinitionNode():
                if links.type_source(definition.name.value) is None:
                    kept.append(definition)
    return kept


def accessible_definitions(definitions: Sequence[DefinitionNode], links: Links) -> list[DefinitionNode]:
    """Return the definitions of the API schema, given the definitions of the merged schema.

    The API schema has no `@inaccessible` elements. It has only the directives that clients can use in operations. Its
    definition of `@defer` is always the router's own, even if a subgraph also defines `@defer`.
    """
    link = links.get(f"{APOLLO}/inaccessible")
    marker = None if link is None else link.directive_name("inaccessible")
    hidden = {
        definition.name.value
        for definition in definitions
        if isinstance(definition, TypeDefinitionNode) and _is_marked(definition.directives, marker)
    }
    kept: list[DefinitionNode] = []
    for definition in definitions:
        match definition:
            case DirectiveDefinitionNode():
                if is_executable(definition) and definition.name.value != _DEFER.name.value:
                    kept.append(definition)
            case SchemaDefinitionNode():
                operations = tuple(op for op in definition.operation_types if op.type.name.value not in hidden)
                kept.append(replace(definition, operation_types=operations))
            case TypeDefinitionNode():
                if definition.name.value not in hidden:
                    kept.append(_accessible_type(definition, marker, hidden))
            case _:
                kept.append(definition)
    return [*kept, _DEFER]


def published_schema(api_schema: GraphQLSchema) -> GraphQLSchema:
    """Return the API schema as clients read it: without `@defer`.

    Operations may contain `@defer`, but a response is never deferred (execution §10). The result is cached in the
    extensions of `api_schema`.
    """
    published = api_schema.extensions.get(_PUBLISHED)
    if not isinstance(published, GraphQLSchema):
        published = GraphQLSchema(
            query=api_schema.query_type,
            mutation=api_schema.mutation_type,
            subscription=api_schema.subscription_type,
            types=tuple(api_schema.type_map.values()),
            directives=tuple(one for one in api_schema.directives if one.name != _DEFER.name.value),
            description=api_schema.description,
            assume_valid=True,
        )
        api_schema.extensions[_PUBLISHED] = published
    return published


def is_executable(definition: DirectiveDefinitionNode) -> bool:
    """Return whether clients can use the directive in operations."""
    return any(location.value in _EXECUTABLE_NAMES for location in definition.locations)


def _is_marked(directives: Iterable[DirectiveNode] | None, marker: str | None) -> bool:
    return marker is not None and any(directive.name.value == marker for directive in directives or ())


def _accessible_type(definition: TypeDefinitionNode, marker: str | None, hidden: set[str]) -> DefinitionNode:
    def visible(elements: Iterable[Element] | None) -> tuple[Element, ...]:
        return tuple(element for element in elements or () if not _is_marked(element.directives, marker))

    def known(names: Iterable[NamedTypeNode] | None) -> tuple[NamedTypeNode, ...]:
        return tuple(name for name in names or () if name.name.value not in hidden)

    match definition:
        case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
            fields = tuple(
                replace(field, arguments=visible(field.arguments))
                for field in definition.fields or ()
                if not _is_marked(field.directives, marker)
            )
            return replace(definition, fields=fields, interfaces=known(definition.interfaces))
        case UnionTypeDefinitionNode():
            return replace(definition, types=known(definition.types))
        case EnumTypeDefinitionNode():
            return replace(definition, values=visible(definition.values))
        case InputObjectTypeDefinitionNode():
            return replace(definition, fields=visible(definition.fields))
        case _:
            return definition
