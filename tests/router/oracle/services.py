"""In-process subgraphs over one store, and the monolith over the same store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    SchemaExtensionNode,
    SelectionSetNode,
    build_ast_schema,
    execute_sync,
    parse,
    validate,
)

from router.errors import SubgraphUnreachable
from router.json_codec import decode, encode
from router.transport.messages import SubgraphResponse
from tests.router.oracle.rules import Federation, type_nodes
from tests.router.oracle.store import Reference, canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import DefinitionNode, ExecutionResult, GraphQLAbstractType, GraphQLResolveInfo

    from router.transport.messages import SubgraphRequest
    from tests.router.oracle.rules import Rules
    from tests.router.oracle.store import Store

ROOTS = {"Query", "Mutation", "Subscription"}
NOTHING = SelectionSetNode(selections=())


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as a subgraph meets it: what its parent field provides, and what the router told about it."""

    reference: Reference
    provided: SelectionSetNode = NOTHING
    representation: Mapping[str, object] = field(default_factory=dict)


# Fields of one answer: what takes a second or so on either side. Lists of lists of the same may hold millions.
MOST_FIELDS = 20_000


class TooLarge(Exception):
    """The answer has more fields than it is worth to wait for."""


@dataclass(frozen=True, slots=True)
class Within:
    """An object as the monolith meets it: what is around it says what its contextual arguments are."""

    reference: Reference
    around: Within | None = None


class Monolith:
    """graphql-core on the merged schema: the definition of the right answer.

    Raises:
        TooLarge: by `execute`, instead of an answer.
    """

    def __init__(self, schema: GraphQLSchema, federation: Federation) -> None:
        self.schema = schema
        self.federation = federation

    def execute(self, store: Store, query: str, variables: Mapping[str, object]) -> ExecutionResult:
        resolved = count(1)

        def resolve(source: object, info: GraphQLResolveInfo[object], **arguments: object) -> object:
            if next(resolved) > MOST_FIELDS:
                raise TooLarge
            return self._resolve(store, source, info, arguments)

        def typename(value: object, _info: GraphQLResolveInfo[object], _type: GraphQLAbstractType) -> str:
            assert isinstance(value, Within)
            return value.reference.typename

        result = execute_sync(
            self.schema,
            parse(query),
            variable_values=dict(variables),
            field_resolver=resolve,
            type_resolver=typename,
        )
        return _unless_broken(result)

    def _resolve(
        self, store: Store, source: object, info: GraphQLResolveInfo[object], arguments: Mapping[str, object]
    ) -> object:
        around = source if isinstance(source, Within) else None
        if info.parent_type.name == "Mutation":
            return _within(store.mutate(info.field_name, arguments), around)
        reference = around.reference if around else Reference(info.parent_type.name)
        contextual = self.federation.meaning.contexts.get((reference.typename, info.field_name), {})
        values = {name: _from_context(store, around, selections) for name, selections in contextual.items()}
        arguments = {**arguments, **values}
        return _within(store.compute(reference, info.field_name, arguments), around)


def _unless_broken(result: ExecutionResult) -> ExecutionResult:
    """The result; what a resolver raised that is no error of GraphQL's is a bug of the oracle's and raised again."""
    for error in result.errors or ():
        if error.original_error is not None and not isinstance(error.original_error, (GraphQLError, TypeError)):
            raise error.original_error
    return result


def _from_context(store: Store, around: Within | None, selections: Mapping[str, SelectionSetNode]) -> object:
    """The value an argument has from the nearest object around that carries the context."""
    while around is not None and around.around is not None:
        around = around.around
        selection = selections.get(around.reference.typename)
        if selection is not None:
            (value,) = store.inputs(around.reference, selection).values()
            return value
    raise AssertionError("the generator puts a context around every object that needs one")


def _within(value: object, around: Within | None) -> object:
    match value:
        case list():
            return [_within(item, around) for item in value]
        case Reference():
            return Within(value, around)
        case _:
            return value


class Subgraph:
    """One strict subgraph."""

    def __init__(self, name: str, federation: Federation, store: Store) -> None:
        self.name = name
        self.federation = federation
        self.rules: Rules = federation.rules[name]
        self.meaning = federation.meaning
        self.store = store
        if name not in federation.schemas:
            federation.schemas[name] = executable(federation.documents[name], self.rules)
        self.schema = federation.schemas[name]

    def execute(self, request: SubgraphRequest) -> ExecutionResult:
        document = self.federation.operations.get((self.name, request.operation))
        if document is None:
            document = parse(request.operation)
            problems = validate(self.schema, document)
            if problems:
                raise AssertionError(f"{self.name} was sent an invalid operation: {problems}\n{request.operation}")
            self.federation.operations[self.name, request.operation] = document
        result = execute_sync(
            self.schema,
            document,
            variable_values=dict(request.variables),
            field_resolver=self._resolve,
            type_resolver=self._runtime_type,
        )
        return _unless_broken(result)

    def _runtime_type(self, value: object, _info: GraphQLResolveInfo[object], _type: GraphQLAbstractType) -> str:
        assert isinstance(value, Seen)
        return self._typename(value.reference)

    def _typename(self, reference: Reference) -> str:
        """The object's type here: its own, or the interface object that stands for it."""
        if reference.typename in self.rules.types:
            return reference.typename
        for name in self.rules.interface_objects:
            if reference.typename in self.federation.implementations[name]:
                return name
        raise GraphQLError(f"{self.name} does not know {reference.typename}")

    def _resolve(self, source: object, info: GraphQLResolveInfo[object], **arguments: object) -> object:
        parent, name = info.parent_type.name, info.field_name
        if name == "_entities":
            representations = arguments["representations"]
            assert isinstance(representations, list)
            return [self._entity(representation) for representation in representations]
        if (parent, name) in self.rules.moved:
            raise GraphQLError(f"{parent}.{name} moved away from {self.name}")
        provides = self.rules.provides.get((parent, name), NOTHING)
        if parent == "Mutation":
            return _seen(self.store.mutate(name, arguments), provides)
        if not isinstance(source, Seen):
            return _seen(self.store.read(parent, name, arguments), provides)
        typename = source.reference.typename
        provided = [node for node in self.meaning.fields_of(source.provided, typename) if node.name.value == name]
        for node in provided:
            provides = _union(provides, node.selection_set)
        if (parent, name) in self.rules.external and not provided and not self._is_key(parent, name):
            raise GraphQLError(f"{self.name} does not resolve the external {parent}.{name} here")
        value = self.store.read(source.reference.name, name, arguments)
        required = self.rules.requires.get((parent, name))
        if required is None:
            return _seen(value, provides)
        told = self._inputs(source, required, f"{parent}.{name}")
        return _seen(value, provides) if isinstance(value, Reference) else f"{value}{canonical(told)}"

    def _inputs(self, source: Seen, required: SelectionSetNode, name: str) -> object:
        """What the field requires, as the router told it: that the subgraph provides it here makes no difference."""
        try:
            return self.meaning.trim(required, dict(source.representation) | {"__typename": source.reference.typename})
        except KeyError as missing:
            raise GraphQLError(f"{self.name} was asked for {name} without {missing}") from None

    def _is_key(self, parent: str, name: str) -> bool:
        return any(
            node.name.value == name
            for key in self.rules.keys.get(parent, ())
            for node in self.meaning.fields_of(key, parent)
        )

    def _entity(self, representation: Mapping[str, object]) -> Seen | GraphQLError | None:
        """GraphQL federation, "Query._entities": the object, None when it is not known, or the error."""
        typename = str(representation.get("__typename"))
        candidates = self.federation.implementations.get(typename, set()) | {typename}
        for key in self.rules.keys.get(typename, ()):
            try:
                value = self.meaning.trim(key, representation)
            except (KeyError, TypeError):
                continue
            assert isinstance(value, dict)
            reference = self.store.find(candidates, value, key)
            is_known = reference is not None and self.store.is_known(reference, self.name)
            return Seen(reference, NOTHING, representation) if reference and is_known else None
        return GraphQLError(f"{self.name} has no key for {canonical(dict(representation))}")


@dataclass(slots=True)
class InProcess:
    """A transport to in-process subgraphs; what travels is JSON text, as on a wire."""

    subgraphs: Mapping[str, Subgraph]
    requests: list[SubgraphRequest] = field(default_factory=list)
    unreachable: frozenset[str] = frozenset()

    @classmethod
    def over(cls, federation: Federation, store: Store) -> InProcess:
        return cls({name: Subgraph(name, federation, store) for name in federation.documents})

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        if request.subgraph in self.unreachable:
            raise SubgraphUnreachable(request.subgraph, "The subgraph could not be reached.")
        variables = decode(encode(dict(request.variables)))
        assert isinstance(variables, dict)
        request = replace(request, variables=variables)
        self.requests.append(request)
        body = encode(self.subgraphs[request.subgraph].execute(request).formatted)
        return SubgraphResponse(status=200, body=body)

    async def aclose(self) -> None:
        self.requests.clear()


def _seen(value: object, provided: SelectionSetNode) -> object:
    match value:
        case list():
            return [_seen(item, provided) for item in value]
        case Reference():
            return Seen(value, provided)
        case _:
            return value


def _union(first: SelectionSetNode, second: SelectionSetNode | None) -> SelectionSetNode:
    return first if second is None else SelectionSetNode(selections=(*first.selections, *second.selections))


def executable(document: DocumentNode, rules: Rules) -> GraphQLSchema:
    """The schema a subgraph executes: its SDL and the federation's own root field."""
    entities = [name for name in rules.keys if _is_object(document, name)]
    definitions = list(_defined(document))
    if not any(node.name.value == "Query" for node in type_nodes(tuple(definitions))):
        definitions += parse("type Query { _nothing: Boolean }").definitions
    if entities:
        text = f"""
          scalar _Any
          union _Entity = {" | ".join(entities)}
          extend type Query {{ _entities(representations: [_Any!]!): [_Entity]! }}
        """
        definitions += parse(text).definitions
    return build_ast_schema(DocumentNode(definitions=tuple(definitions)), assume_valid_sdl=True)


def _defined(document: DocumentNode) -> Iterator[DefinitionNode]:
    """The definitions; a type that is only ever extended is defined by its first extension."""
    defined = {node.name.value for node in document.definitions if isinstance(node, ObjectTypeDefinitionNode)}
    for node in document.definitions:
        if isinstance(node, SchemaExtensionNode):
            continue
        if isinstance(node, ObjectTypeExtensionNode) and node.name.value not in defined:
            defined.add(node.name.value)
            yield ObjectTypeDefinitionNode(
                name=node.name, interfaces=node.interfaces, directives=node.directives, fields=node.fields
            )
        else:
            yield node


def _is_object(document: DocumentNode, name: str) -> bool:
    return any(
        node.name.value == name and isinstance(node, (ObjectTypeDefinitionNode, ObjectTypeExtensionNode))
        for node in type_nodes(document.definitions)
    )
