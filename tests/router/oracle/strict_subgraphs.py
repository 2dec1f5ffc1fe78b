"""Strict subgraphs over the data of a store, and a transport that calls them in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
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
from msgspec import structs

from router.errors import SubgraphUnreachable
from router.json_codec import decode, encode
from router.transport.interface import SubgraphResponse
from tests.router.oracle.data_store import Reference, RequirementFailed, canonical, raise_unexpected_errors
from tests.router.oracle.subgraph_rules import FederationRules, type_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import DefinitionNode, ExecutionResult, GraphQLAbstractType, GraphQLResolveInfo

    from router.transport.interface import SubgraphRequest
    from tests.router.oracle.data_store import Store
    from tests.router.oracle.subgraph_rules import SubgraphRules

NO_FIELDS = SelectionSetNode(selections=())


@dataclass(frozen=True, slots=True)
class SubgraphObject:
    """An object in a subgraph, with the field set that its parent field provides and its representation, if any."""

    reference: Reference
    provided: SelectionSetNode = NO_FIELDS
    representation: Mapping[str, object] = field(default_factory=dict)


class StrictSubgraph:
    """A subgraph that reports an error for each field that it does not resolve at its place.

    `with_wrong_values` has the names of fields with `@requires` that were resolved with other required values than
    those of the data.
    """

    def __init__(self, name: str, federation_rules: FederationRules, store: Store) -> None:
        self.name = name
        self.federation_rules = federation_rules
        self.rules: SubgraphRules = federation_rules.by_subgraph[name]
        self.semantics = federation_rules.semantics
        self.store = store
        self.with_wrong_values: set[str] = set()
        if name not in federation_rules.schemas:
            federation_rules.schemas[name] = executable(federation_rules.documents[name], self.rules)
        self.schema = federation_rules.schemas[name]

    def execute(self, request: SubgraphRequest) -> ExecutionResult:
        """Execute the operation of a fetch.

        Raises:
            AssertionError: the operation is not valid.
        """
        document = self.federation_rules.operations.get((self.name, request.operation))
        if document is None:
            document = parse(request.operation)
            problems = validate(self.schema, document)
            if problems:
                raise AssertionError(f"{self.name} received an invalid operation: {problems}\n{request.operation}")
            self.federation_rules.operations[self.name, request.operation] = document
        result = execute_sync(
            self.schema,
            document,
            variable_values=dict(request.variables),
            field_resolver=self._resolve,
            type_resolver=self._runtime_type,
        )
        raise_unexpected_errors(result)
        return result

    def _runtime_type(self, value: object, _info: GraphQLResolveInfo[object], _type: GraphQLAbstractType) -> str:
        assert isinstance(value, SubgraphObject)
        # A subgraph can have two interfaces of one type as interface objects: the representation says which.
        given = value.representation.get("__typename")
        return str(given) if given in self.rules.interface_objects else self._typename(value.reference)

    def _typename(self, reference: Reference) -> str:
        """The type of the object in this subgraph: its own, or an interface object."""
        if reference.typename in self.rules.types:
            return reference.typename
        for name in self.rules.interface_objects:
            if reference.typename in self.federation_rules.implementations[name]:
                return name
        raise GraphQLError(f"{self.name} does not define {reference.typename}")

    def _resolve(self, source: object, info: GraphQLResolveInfo[object], **arguments: object) -> object:
        parent, name = info.parent_type.name, info.field_name
        if name == "_entities":
            representations = arguments["representations"]
            assert isinstance(representations, list)
            return [self._entity(representation) for representation in representations]
        if (parent, name) in self.rules.overridden:
            raise GraphQLError(f"{self.name} does not resolve the overridden {parent}.{name}")
        provides = self.rules.provides.get((parent, name), NO_FIELDS)
        if parent == "Mutation":
            return _subgraph_value(self.store.mutate(name, arguments), provides)
        if not isinstance(source, SubgraphObject):
            return _subgraph_value(self.store.read(parent, name, arguments), provides)
        typename = source.reference.typename
        provided = [node for node in self.semantics.fields_of(source.provided, typename) if node.name.value == name]
        for node in provided:
            provides = _union(provides, node.selection_set)
        if (parent, name) in self.rules.external and not provided and not self._is_key(parent, name):
            raise GraphQLError(f"{self.name} does not resolve the external {parent}.{name} here")
        value = self.store.read(source.reference.name, name, arguments)
        required = self.rules.requires.get((parent, name))
        if required is None:
            return _subgraph_value(value, provides)
        required_values = self._required_values(source, required, f"{parent}.{name}")
        if not self._are_true(required_values, source.reference, required):
            self.with_wrong_values.add(f"{parent}.{name}")
        return (
            _subgraph_value(value, provides) if isinstance(value, Reference) else f"{value}{canonical(required_values)}"
        )

    def _required_values(self, source: SubgraphObject, required: SelectionSetNode, name: str) -> object:
        """The required values from the representation, even if the subgraph also provides them here."""
        try:
            return self.semantics.trim(
                required, dict(source.representation) | {"__typename": source.reference.typename}
            )
        except KeyError as missing:
            raise GraphQLError(f"{self.name} got no {missing} for {name}") from None

    def _are_true(self, values: object, reference: Reference, required: SelectionSetNode) -> bool:
        try:
            return canonical(values) == canonical(self.store.required_values(reference, required))
        except RequirementFailed:
            return True

    def _is_key(self, parent: str, name: str) -> bool:
        return any(
            node.name.value == name
            for key in self.rules.keys.get(parent, ())
            for node in self.semantics.fields_of(key, parent)
        )

    def _entity(self, representation: Mapping[str, object]) -> SubgraphObject | GraphQLError | None:
        """Resolve a representation for `Query._entities`: the object, None without such an object, or an error."""
        typename = str(representation.get("__typename"))
        candidates = self.federation_rules.implementations.get(typename, set()) | {typename}
        for key in self.rules.keys.get(typename, ()):
            try:
                value = self.semantics.trim(key, representation)
            except (KeyError, TypeError):
                continue
            assert isinstance(value, dict)
            reference = self.store.find(candidates, value, key)
            is_known = reference is not None and self.store.is_known(reference, self.name)
            return SubgraphObject(reference, NO_FIELDS, representation) if reference and is_known else None
        return GraphQLError(f"{self.name} has no key for {canonical(dict(representation))}")


@dataclass(slots=True)
class InProcessSubgraphs:
    """A transport to strict subgraphs in this process. Variables and responses are JSON text, as over HTTP."""

    subgraphs: Mapping[str, StrictSubgraph]
    requests: list[SubgraphRequest] = field(default_factory=list)
    unreachable: frozenset[str] = frozenset()

    @classmethod
    def over(cls, federation_rules: FederationRules, store: Store) -> InProcessSubgraphs:
        return cls({name: StrictSubgraph(name, federation_rules, store) for name in federation_rules.documents})

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        if request.subgraph in self.unreachable:
            raise SubgraphUnreachable(request.subgraph, "The subgraph could not be reached.")
        variables = decode(encode(dict(request.variables)))
        assert isinstance(variables, dict)
        request = structs.replace(request, variables=variables)
        self.requests.append(request)
        body = encode(self.subgraphs[request.subgraph].execute(request).formatted)
        return SubgraphResponse(status=200, body=body)

    async def aclose(self) -> None:
        self.requests.clear()


def _subgraph_value(value: object, provided: SelectionSetNode) -> object:
    match value:
        case list():
            return [_subgraph_value(item, provided) for item in value]
        case Reference():
            return SubgraphObject(value, provided)
        case _:
            return value


def _union(first: SelectionSetNode, second: SelectionSetNode | None) -> SelectionSetNode:
    return first if second is None else SelectionSetNode(selections=(*first.selections, *second.selections))


def executable(document: DocumentNode, rules: SubgraphRules) -> GraphQLSchema:
    """The schema that a subgraph executes: its SDL and `Query._entities`."""
    entities = [name for name in rules.keys if _is_object(document, name)]
    definitions = list(_definitions(document))
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


def _definitions(document: DocumentNode) -> Iterator[DefinitionNode]:
    """The definitions. If a type has extensions only, the first becomes its definition."""
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
