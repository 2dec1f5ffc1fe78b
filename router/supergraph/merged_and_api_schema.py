"""Find the definitions of the merged schema and of the API schema among the definitions of a supergraph."""

from __future__ import annotations

from dataclasses import replace
from operator import is_
from typing import TYPE_CHECKING, TypeVar

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    build_ast_schema,
    build_schema,
    is_specified_directive,
    parse,
)
from graphql.language import DirectiveLocation

from router.federation.spec_versions import APOLLO

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from graphql import EnumValueDefinitionNode, GraphQLDirective, InputValueDefinitionNode, NamedTypeNode, Node

    from router.federation.linked_specs import Links

    NodeT = TypeVar("NodeT", bound=Node)
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
(DEFER_DIRECTIVE,) = (
    directive for directive in build_schema(_DEFER_SDL, assume_valid=True).directives if directive.name == "defer"
)
"""The router's own definition of `@defer`."""


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


def build_api_schema(schema: GraphQLSchema, definitions: Sequence[DefinitionNode], links: Links) -> GraphQLSchema:
    """Build the API schema, given the merged schema and its definitions.

    It has the definitions that clients read (`published_definitions`), and the router's own definition of `@defer`,
    even if a subgraph also defines `@defer`. If no element is `@inaccessible`, the two schemas share their types.

    Raises:
        TypeError, GraphQLError: The definitions are not a valid schema.
    """
    visible = published_definitions(definitions, links)
    types = [definition for definition in definitions if isinstance(definition, TypeDefinitionNode)]
    visible_types = [definition for definition in visible if isinstance(definition, TypeDefinitionNode)]
    if len(types) != len(visible_types) or not all(map(is_, types, visible_types)):
        return build_ast_schema(DocumentNode(definitions=(*visible, _DEFER)), assume_valid=True, assume_valid_sdl=True)
    return GraphQLSchema(
        query=schema.query_type,
        mutation=schema.mutation_type,
        subscription=schema.subscription_type,
        types=tuple([schema.type_map[definition.name.value] for definition in types]),
        directives=api_directives(schema, definitions),
        description=schema.description,
        ast_node=schema.ast_node,
        assume_valid=True,
    )


def api_directives(schema: GraphQLSchema, definitions: Iterable[DefinitionNode]) -> tuple[GraphQLDirective, ...]:
    """Return the directives of the API schema, given the merged schema and its definitions."""
    names = {
        definition.name.value
        for definition in definitions
        if isinstance(definition, DirectiveDefinitionNode) and _is_published(definition)
    }
    own = [one for one in schema.directives if one.name in names]
    specified = [one for one in schema.directives if one.name not in names and is_specified_directive(one)]
    return (*own, DEFER_DIRECTIVE, *specified)


def _is_published(directive: DirectiveDefinitionNode) -> bool:
    return is_executable(directive) and directive.name.value != _DEFER.name.value


def published_definitions(definitions: Sequence[DefinitionNode], links: Links) -> list[DefinitionNode]:
    """Return the definitions that clients read, given the definitions of the merged schema.

    They have no `@inaccessible` elements. They have only the directives that clients can use in operations, without
    `@defer` (`published_schema`). A definition without changes is returned as the same node.
    """
    marker = inaccessible_directive(links)
    hidden = {
        definition.name.value
        for definition in definitions
        if isinstance(definition, TypeDefinitionNode) and _is_marked(definition.directives, marker)
    }
    kept = (published_definition(definition, marker, hidden) for definition in definitions)
    return [definition for definition in kept if definition is not None]


def inaccessible_directive(links: Links) -> str | None:
    """Return the name of `@inaccessible` in the supergraph, None if the supergraph does not link it."""
    link = links.get(f"{APOLLO}/inaccessible")
    return None if link is None else link.directive_name("inaccessible")


def published_definition(
    definition: DefinitionNode, marker: str | None, hidden: Collection[str]
) -> DefinitionNode | None:
    """Return a definition of the merged schema as clients read it, None if they do not read it.

    `marker` is the name of `@inaccessible`, and `hidden` are the names of the types that have it.
    """
    match definition:
        case DirectiveDefinitionNode():
            return definition if _is_published(definition) else None
        case SchemaDefinitionNode():
            operations = tuple(op for op in definition.operation_types if op.type.name.value not in hidden)
            return replace(definition, operation_types=operations)
        case TypeDefinitionNode():
            if definition.name.value in hidden:
                return None
            return definition if marker is None else _accessible_type(definition, marker, hidden)
        case _:
            return definition


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


def _accessible_type(definition: TypeDefinitionNode, marker: str, hidden: Collection[str]) -> TypeDefinitionNode:
    def visible(elements: tuple[Element, ...] | None) -> tuple[Element, ...] | None:
        return _kept(elements, lambda element: not _is_marked(element.directives, marker))

    def known(names: tuple[NamedTypeNode, ...] | None) -> tuple[NamedTypeNode, ...] | None:
        return _kept(names, lambda name: name.name.value not in hidden)

    match definition:
        case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
            shown = visible(definition.fields)
            fields = tuple([_changed(field, arguments=visible(field.arguments)) for field in shown or ()])
            is_same = all(map(is_, fields, shown or ()))
            return _changed(definition, fields=shown if is_same else fields, interfaces=known(definition.interfaces))
        case UnionTypeDefinitionNode():
            return _changed(definition, types=known(definition.types))
        case EnumTypeDefinitionNode():
            return _changed(definition, values=visible(definition.values))
        case InputObjectTypeDefinitionNode():
            return _changed(definition, fields=visible(definition.fields))
        case _:
            return definition


def _kept(nodes: tuple[NodeT, ...] | None, is_kept: Callable[[NodeT], bool]) -> tuple[NodeT, ...] | None:
    """Return the nodes that are kept. If these are all nodes, return the same tuple."""
    if not nodes:
        return nodes
    kept = tuple(filter(is_kept, nodes))
    return nodes if len(kept) == len(nodes) else kept


def _changed(node: NodeT, **parts: object) -> NodeT:
    """Return the node with other parts. If these are the parts that it has, return the same node."""
    changes = {name: value for name, value in parts.items() if getattr(node, name) is not value}
    return replace(node, **changes) if changes else node  # type: ignore[arg-type]  # the parts keep their types
