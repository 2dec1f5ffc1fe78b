"""`SchemaRequirements`: what a client needs in order to read each field and type of a supergraph (execution §16.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    ScalarTypeDefinitionNode,
    get_named_type,
    parse,
    value_from_ast_untyped,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graphql import DirectiveNode, GraphQLNamedType, GraphQLSchema

    from router.request.identity import Identity
    from router.supergraph import Supergraph

AUTHENTICATED: Final = "authenticated"
SCOPES: Final = "requiresScopes"
POLICY: Final = "policy"
_ARGUMENTS: Final[Mapping[str, str]] = {SCOPES: "scopes", POLICY: "policies"}


class Clause(msgspec.Struct, frozen=True):
    """One authorization directive on a field or type. A client may read a field if all clauses of its requirement hold.

    Attributes:
        directive: The name of the directive in its specification.
        alternatives: Sets of scopes or policies. The client needs all names of one of the sets. Empty for
            `@authenticated`.
    """

    directive: str
    alternatives: frozenset[frozenset[str]] = frozenset()

    def holds(self, granted: Granted) -> bool:
        """Return whether the clause holds for a client.

        A clause with an empty list of alternatives always holds, as in composition (composition §5.6).
        """
        if self.directive == AUTHENTICATED:
            return granted.identity is not None
        names = granted.policies if self.directive == POLICY else granted.scopes
        return not self.alternatives or any(each <= names for each in self.alternatives)

    def __str__(self) -> str:
        if self.directive == AUTHENTICATED:
            return "@authenticated"
        lists = sorted(sorted(each) for each in self.alternatives)
        return f"@{self.directive}({' or '.join(' and '.join(each) or 'nothing' for each in lists)})"


Requirement = frozenset[Clause]
"""The clauses that must all hold before a client may read a field or type. Empty if every client may read it."""


class Granted(msgspec.Struct, frozen=True):
    """The identity of a client (None for a client without a credential), and the policies that hold for the client."""

    identity: Identity | None
    policies: frozenset[str] = frozenset()

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes that the credential grants. Empty without a credential."""
        return self.identity.scopes if self.identity is not None else frozenset()


class SchemaRequirements:
    """The requirements of all fields and types of a supergraph."""

    def __init__(self, graph: Supergraph) -> None:
        self._schema: GraphQLSchema = graph.schema
        self._directives = {name: element for element, name in graph.restrictions.items()}
        self._texts = graph.applied_restrictions
        self._types: dict[str, Requirement] = {}
        self._fields: dict[tuple[str, str], Requirement] = {}

    def of_type(self, name: str) -> Requirement:
        """Return the clauses of a type. They apply to each field that returns it, and to each fragment on it."""
        found = self._types.get(name)
        if found is None:
            found = self._types[name] = self._own(self._schema.get_type(name))
        return found

    def of_field(self, parent: str, name: str) -> Requirement:
        """Return the clauses that must hold before a client may read the field `name` of the type `parent`.

        These are the clauses of the field, of its parent type, and of the type that the field returns. If `parent` is
        an interface, the object can have any of the implementing types. So the clauses of the field in every
        implementing type are included too.
        """
        found = self._fields.get((parent, name))
        if found is None:
            found = self._fields[parent, name] = frozenset().union(*self._of_field(parent, name))
        return found

    def clauses(self) -> Requirement:
        """Return all clauses of the schema."""
        if not self._texts:
            return frozenset()
        document = parse(f"scalar Any {' '.join(sorted(self._texts))}", no_location=True)
        (node,) = (each for each in document.definitions if isinstance(each, ScalarTypeDefinitionNode))
        return self._applied(node.directives)

    def policies(self) -> frozenset[str]:
        """Return the names of all policies in `@policy`."""
        found = (clause.alternatives for clause in self.clauses() if clause.directive == POLICY)
        return frozenset(name for alternatives in found for names in alternatives for name in names)

    def _of_field(self, parent: str, name: str) -> Iterator[Requirement]:
        type_ = self._schema.get_type(parent)
        if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            return
        yield self.of_type(parent)
        field = type_.fields.get(name)
        if field is None:
            return
        if field.ast_node is not None:
            yield self._applied(field.ast_node.directives)
        yield self.of_type(get_named_type(field.type).name)
        if isinstance(type_, GraphQLInterfaceType):
            for implementation in self._schema.get_possible_types(type_):
                yield self.of_field(implementation.name, name)

    def _own(self, type_: GraphQLNamedType | None) -> Requirement:
        if type_ is None:
            return frozenset()
        nodes = (type_.ast_node, *type_.extension_ast_nodes)
        return frozenset().union(*(self._applied(node.directives) for node in nodes if node is not None))

    def _applied(self, directives: Iterable[DirectiveNode] | None) -> Requirement:
        return frozenset(
            _clause(self._directives[node.name.value], node)
            for node in directives or ()
            if node.name.value in self._directives
        )


def _clause(directive: str, node: DirectiveNode) -> Clause:
    argument = _ARGUMENTS.get(directive)
    given = {each.name.value: value_from_ast_untyped(each.value) for each in node.arguments or ()}
    lists = given.get(argument) if argument is not None else None
    # A single value is allowed in place of a list with one element (GraphQL specification, "List", input coercion).
    outer = lists if isinstance(lists, list) else [] if lists is None else [lists]
    return Clause(directive, frozenset(frozenset(each if isinstance(each, list) else [each]) for each in outer))
