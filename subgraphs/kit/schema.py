"""A Strawberry federation schema that follows Apollo's subgraph specification.

`_entities` resolves each representation on its own ("Resolving entities"): a malformed or unknown representation is
null with an error at its index, and does not affect the others. Identical fields and identical representations are
resolved only once in a request (`subgraphs.kit.shared_results`).
"""

# This module does not import `annotations` from `__future__`. The import would make all annotations strings, but
# Strawberry needs types in the annotations of the resolver.
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLFieldResolver, GraphQLResolveInfo, GraphQLSchema, OperationType, is_object_type
from strawberry.federation.schema import FederationAny
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from subgraphs.kit.input_objects import prepare_inputs
from subgraphs.kit.scalars import SCALAR_MAP
from subgraphs.kit.shared_results import frozen

# The type of `resolve_reference`, a class method of an entity type. It returns the object that a representation names,
# or None if the caller may not see it. A representation must not be trusted, because the client may send any keys and
# fields (bank §2.2).
ReferenceResolver = Callable[[strawberry.Info[Any, Any], Mapping[str, object]], Awaitable[object]]


class SubgraphSchema(strawberry.federation.Schema):
    """A schema.

    Attributes:
        entities_scope: the scope that an application needs for `_entities` (`subgraphs.kit.delegated_scopes`); None if
            applications may not use it.
    """

    def __init__(self, *args: Any, entities_scope: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entities_scope = entities_scope
        _share_results(self.graphql)
        prepare_inputs(self.schema_converter.type_map.values(), self.config)

    @property
    def graphql(self) -> GraphQLSchema:
        """Return the schema as graphql-core's type, which graphql-core can execute."""
        return self._schema

    def entities_resolver(
        self, info: strawberry.Info[Any, Any], representations: list[FederationAny]
    ) -> list[FederationAny]:
        results: list[Any] = [self._resolve(info, representation) for representation in representations]
        return results

    def _resolve(self, info: strawberry.Info[Any, Any], representation: object) -> object:
        """Return the entity, an awaitable of the entity, or the error to report at the index of the representation."""
        # The annotation is `object`, because a client may send any value as `_Any`.
        if not isinstance(representation, Mapping) or not isinstance(representation.get("__typename"), str):
            return _refusal("a representation is an object with a `__typename`")
        concrete = self.schema_converter.type_map.get(representation["__typename"])
        definition = concrete.definition if concrete is not None else None
        origin = definition.origin if isinstance(definition, StrawberryObjectDefinition) else None
        resolve_reference: ReferenceResolver | None = getattr(origin, "resolve_reference", None)
        if resolve_reference is None:
            return _refusal("this type is not an entity of this subgraph")
        key = (resolve_reference, frozen(representation))
        return info.context.shared.get(key, None, lambda: resolve_reference(info, representation))


def _share_results(schema: GraphQLSchema) -> None:
    """Wrap the asynchronous resolvers of queries, so that identical fields are resolved only once in a request."""
    for type_ in schema.type_map.values():
        if not is_object_type(type_) or type_ is schema.mutation_type:
            continue
        for name, field in type_.fields.items():
            definition = field.extensions.get("strawberry-definition")
            if isinstance(definition, StrawberryField) and definition.is_async and field.resolve is not None:
                field.resolve = _shared(f"{type_.name}.{name}", field.resolve)


def _shared(field: str, resolve: GraphQLFieldResolver) -> GraphQLFieldResolver:
    def resolve_once(source: object, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if info.operation.operation is not OperationType.QUERY:
            return resolve(source, info, **arguments)
        return info.context.shared.get((field, frozen(arguments)), source, lambda: resolve(source, info, **arguments))

    return resolve_once


def _refusal(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})


def create_schema(
    *,
    query: type,
    mutation: type | None = None,
    subscription: type | None = None,
    types: Iterable[type] = (),
    entities_scope: str | None = None,
) -> SubgraphSchema:
    """Return a Federation 2.11 schema with the bank's scalars.

    `types` are the types that Strawberry does not find by itself: those that occur only as members of unions or as
    implementations of interfaces. `entities_scope` is the attribute of `SubgraphSchema`.
    """
    return SubgraphSchema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=types,
        config=StrawberryConfig(scalar_map=SCALAR_MAP),
        federation_version="2.11",
        entities_scope=entities_scope,
    )


def text_of(representation: Mapping[str, object], field: str) -> str:
    """Return a key field of a representation. Its value must be text.

    Raises:
        GraphQLError: the field is missing or is not text; `BAD_USER_INPUT`, reported at the representation's index.
    """
    value = representation.get(field)
    if not isinstance(value, str):
        raise _refusal(f"the representation lacks `{field}`")
    return value
