"""Federations whose subgraphs really execute what a router sends, so that its responses can be recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from graphql import (
    DocumentNode,
    ObjectTypeDefinitionNode,
    OperationType,
    SchemaExtensionNode,
    build_ast_schema,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)

from router.composition import Subgraph, compose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLResolveInfo, GraphQLSchema

Object = dict[str, Any]  # a resolver's object; a value may be a function of `info` and arguments


class Resolvers(Protocol):
    """What a subgraph knows."""

    def root(self, kind: str) -> Object:
        """A new object with the fields of `Query` or `Mutation`."""

    def entity(self, representation: Mapping[str, Any]) -> Object | None:
        """The entity of a representation, with `__typename`, or None if there is no such entity."""


@dataclass(slots=True)
class ExecutableSubgraph:
    """A subgraph: the SDL that is composed, and what executes operations on it."""

    name: str
    sdl: str
    resolvers: Resolvers
    schema: GraphQLSchema = field(init=False)
    documents: dict[str, DocumentNode] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.schema = executable(self.sdl)

    def execute(self, query: str, variables: Mapping[str, Any], operation_name: str | None) -> Object:
        """Return the response of an operation, which must be valid; fields may fail."""
        document = self.documents.get(query)
        if document is None:
            document = parse(query)
            if problems := validate(self.schema, document):
                raise ValueError(f"{self.name} received an invalid operation: {problems[0].message}\n{query}")
            self.documents[query] = document
        operation = get_operation_ast(document, operation_name)
        is_mutation = operation is not None and operation.operation is OperationType.MUTATION
        root = self.resolvers.root("Mutation" if is_mutation else "Query")
        root |= {"_entities": self._entities, "_service": {"sdl": self.sdl}}
        result = execute_sync(
            self.schema, document, root_value=root, variable_values=dict(variables), operation_name=operation_name
        )
        return dict(result.formatted)

    def _entities(self, _info: GraphQLResolveInfo[Any], representations: list[Object]) -> list[Object | None]:
        return [self.resolvers.entity(each) for each in representations]


@dataclass(frozen=True, slots=True)
class Federation:
    """Subgraphs by name, with equal names in URLs: `http://127.0.0.1:PORT/NAME`."""

    name: str
    subgraphs: Mapping[str, ExecutableSubgraph]

    @classmethod
    def of(cls, name: str, subgraphs: Sequence[ExecutableSubgraph]) -> Federation:
        return cls(name, {each.name: each for each in subgraphs})

    def supergraph(self, port: int) -> str:
        """The supergraph SDL with subgraphs on a port of this machine.

        Raises:
            ValueError: the subgraphs do not compose.
        """
        parts = [Subgraph(each.name, url(port, each.name), each.sdl) for each in self.subgraphs.values()]
        result = compose(parts)
        if result.supergraph_sdl is None:
            raise ValueError(f"the federation {self.name} does not compose: {result.errors}")
        return result.supergraph_sdl


def url(port: int, subgraph: str) -> str:
    return f"http://127.0.0.1:{port}/{subgraph}"


def executable(sdl: str) -> GraphQLSchema:
    """The schema of a subgraph with the fields of `Query` that federation adds."""
    document = parse(sdl)
    definitions = [each for each in document.definitions if not isinstance(each, SchemaExtensionNode)]
    entities = [
        each.name.value
        for each in definitions
        if isinstance(each, ObjectTypeDefinitionNode) and any(one.name.value == "key" for one in each.directives or ())
    ]
    fields = "_service: _Service!"
    added = "type _Service { sdl: String }"
    if entities:
        fields += " _entities(representations: [_Any!]!): [_Entity]!"
        added += f" scalar _Any union _Entity = {' | '.join(entities)}"
    has_query = any(isinstance(each, ObjectTypeDefinitionNode) and each.name.value == "Query" for each in definitions)
    verb = "extend type" if has_query else "type"
    definitions += parse(f"{added} {verb} Query {{ {fields} }}").definitions
    return build_ast_schema(DocumentNode(definitions=tuple(definitions)), assume_valid_sdl=True)
