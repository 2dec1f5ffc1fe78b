"""Describes a loaded supergraph, so that it can be loaded again without parsing all of its SDL.

    SDL ──load──> Supergraph ──describe──> StoredSupergraph ─┐
    SDL ─────────────────────────────────────────────────────┴──restore──> Supergraph

A `StoredSupergraph` says where in the SDL each type is defined, and which subgraphs have the type. A restored
supergraph parses the definition of a type when the type is first used. In a large supergraph, most types never are.
The stored data has no definitions: what clients may read and what subgraphs can do is always read from the SDL.

The data is usable only with the SDL from which it was made. `load` has checked this SDL, and `restore` does not check
it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from graphql import (
    DirectiveDefinitionNode,
    GraphQLSchema,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    specified_directives,
)
from graphql.type.schema import InterfaceImplementations

from router.federation.rewrite_definitions import without_null_reasons
from router.federation.sdl.parse_sdl import parse_sdl
from router.supergraph.loading import read_header
from router.supergraph.merged_and_api_schema import (
    DEFER_DIRECTIVE,
    api_directives,
    inaccessible_directive,
    merged_definitions,
    published_definition,
)
from router.supergraph.model import Supergraph
from router.supergraph.stored_types import KINDS, StoredSchema, StoredSupergraph, StoredType
from router.supergraph.subgraphs_on_demand import OnDemand, subgraphs_on_demand
from router.supergraph.types_on_demand import TypesOnDemand
from servicekit import garbage_collection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLDirective

    from router.federation.sdl.parse_sdl import DefinitionsWithStarts
    from router.supergraph.join_directives import JoinVocabulary
    from router.supergraph.subgraph_extraction import Others


def describe(supergraph: Supergraph, parsed: DefinitionsWithStarts) -> StoredSupergraph | None:
    """Return the data with which `restore` can load a supergraph again. This visits all types.

    `parsed` is the parsed SDL of the supergraph (`parse_supergraph`). Return None if `restore` does not support the
    supergraph: if it links join v0.1, or graphql-core had to parse its SDL.
    """
    header = read_header(parsed.document)
    if header.join.federation_1 or parsed.starts is None:
        return None
    ends = [*parsed.starts[1:], len(supergraph.sdl)]
    places = dict(zip(map(id, parsed.document.definitions), zip(parsed.starts, ends, strict=True), strict=True))
    merged = merged_definitions(parsed.document, header.links)
    types = [each for each in merged if isinstance(each, TypeDefinitionNode)]
    if len({each.name.value for each in types}) < len(types):
        return None
    of_types = set(map(id, types))
    return StoredSupergraph(
        types=tuple([_stored_type(each, places[id(each)], header.join) for each in types]),
        others=tuple([place for each, place in places.items() if each not in of_types]),
        merged=_stored_schema(supergraph.schema),
        api=_stored_schema(supergraph.api_schema),
        shares_types=supergraph.schema.query_type is supergraph.api_schema.query_type,
        facts=supergraph.facts(),
    )


def _stored_type(node: TypeDefinitionNode, place: tuple[int, int], join: JoinVocabulary) -> StoredType:
    declared = [name.name.value for name in getattr(node, "interfaces", None) or ()]
    joined = [interface for _, interface in join.interfaces(node.directives)]
    graphs = [entry.graph for entry in join.types(node.directives)] + join.owners(node.directives)
    start, end = place
    return StoredType(
        name=node.name.value,
        kind=KINDS.index(type(node)),
        start=start,
        end=end,
        graphs=tuple(dict.fromkeys(graphs)),
        interfaces=tuple(dict.fromkeys([*declared, *joined])),
    )


def _stored_schema(schema: GraphQLSchema) -> StoredSchema:
    query, mutation, subscription = (
        None if root is None else root.name
        for root in (schema.query_type, schema.mutation_type, schema.subscription_type)
    )
    return StoredSchema(
        types=tuple(schema.type_map),
        roots=(query, mutation, subscription),
        implementations=tuple(
            (name, tuple(each.name for each in found.objects), tuple(each.name for each in found.interfaces))
            for name, found in schema._implementations_map.items()  # noqa: SLF001 - its order has no public name
        ),
    )


@garbage_collection.paused()
def restore(sdl: str, stored: StoredSupergraph) -> Supergraph:
    """Load a supergraph with the data that `describe` returned for the same SDL."""
    document = parse_sdl("\n".join(sdl[start:end] for start, end in stored.others), no_location=True)
    header = read_header(document)
    merged = without_null_reasons(merged_definitions(document, header.links))
    others = [each for each in merged if isinstance(each, DirectiveDefinitionNode | SchemaDefinitionNode)]
    places = {each.name: each for each in stored.types}
    definitions = OnDemand(list(places), lambda name: _definition(sdl, places[name]))
    types = TypesOnDemand(_kinds(stored.merged, places), definitions.__getitem__)
    schema = _schema(stored.merged, types, others, _directives(types, others))
    if stored.shares_types:
        api_schema = _schema(stored.api, types, others, api_directives(schema, others))
    else:
        api_schema = _restricted_schema(stored.api, places, definitions, inaccessible_directive(header.links), others)
    return Supergraph(
        sdl,
        schema,
        api_schema,
        subgraphs_on_demand(document, others, header.join, stored.types, definitions.__getitem__),
        header.restrictions,
        header.list_size_directive,
        header.cost_directive,
        stored.facts,
    )


def _definition(sdl: str, place: StoredType) -> TypeDefinitionNode:
    document = parse_sdl(sdl[place.start : place.end], no_location=True)
    (definition,) = without_null_reasons(document.definitions)
    if not isinstance(definition, TypeDefinitionNode) or definition.name.value != place.name:
        raise TypeError(f"the stored place of {place.name} has another definition")
    return definition


def _kinds(stored: StoredSchema, places: Mapping[str, StoredType]) -> dict[str, type[TypeDefinitionNode]]:
    return {name: KINDS[places[name].kind] for name in stored.types if name in places}


def _restricted_schema(
    stored: StoredSchema,
    places: Mapping[str, StoredType],
    definitions: Mapping[str, TypeDefinitionNode],
    marker: str | None,
    others: Others,
) -> GraphQLSchema:
    """Return the API schema of a supergraph with `@inaccessible` elements, whose name is `marker`."""
    hidden = places.keys() - set(stored.types)

    def published(name: str) -> TypeDefinitionNode:
        return cast("TypeDefinitionNode", published_definition(definitions[name], marker, hidden))

    types = TypesOnDemand(_kinds(stored, places), published)
    visible = [published_definition(each, marker, hidden) for each in others]
    kept = [each for each in visible if isinstance(each, DirectiveDefinitionNode | SchemaDefinitionNode)]
    return _schema(stored, types, kept, _directives(types, kept, DEFER_DIRECTIVE))


def _directives(types: TypesOnDemand, others: Others, *further: GraphQLDirective) -> list[GraphQLDirective]:
    """Return the directives that `others` define, `further` ones, and those of the specification."""
    own = [types.directive(each) for each in others if isinstance(each, DirectiveDefinitionNode)]
    names = {each.name for each in (*own, *further)}
    return [*own, *further, *(each for each in specified_directives if each.name not in names)]


def _schema(
    stored: StoredSchema, on_demand: TypesOnDemand, others: Others, directives: Sequence[GraphQLDirective]
) -> GraphQLSchema:
    """Return a schema of graphql-core without building its types.

    `GraphQLSchema(types=...)` would read the fields of all types, to find which types there are.
    """
    types: dict[str, Any] = on_demand.types
    node = next((each for each in others if isinstance(each, SchemaDefinitionNode)), None)
    description = node.description.value if node is not None and node.description is not None else None
    schema = GraphQLSchema(description=description, ast_node=node, assume_valid=True)
    schema.directives = tuple(directives)
    roots = [None if name is None else types[name] for name in stored.roots]
    schema.query_type, schema.mutation_type, schema.subscription_type = roots
    schema.type_map = {name: types[name] for name in stored.types}
    found = {
        interface: InterfaceImplementations(
            objects=[types[name] for name in objects], interfaces=[types[name] for name in interfaces]
        )
        for interface, objects, interfaces in stored.implementations
    }
    schema._implementations_map = found  # noqa: SLF001 - only a schema that reads all types sets it itself
    return schema
