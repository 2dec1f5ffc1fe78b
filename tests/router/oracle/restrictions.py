"""Generates restrictions (`@authenticated`, `@requiresScopes`, `@policy`) and clients, and reads the specification.

`Reading` says which fields of an operation a client may not read. It follows the text of execution §16.2 directly: no
code of the router is used, and named fragments are expanded first, so that each selection has one context.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_interface_type,
    is_object_type,
    is_scalar_type,
    parse,
    print_ast,
)

from tests.router.oracle.choices import chance, pick

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import GraphQLSchema

    from tests.router.oracle.choices import Choices

SCOPES: Final = ("read", "write", "all")
POLICIES: Final = ("owner", "staff")
SPECIFICATION: Final = "https://specs.apollo.dev"
LINKS: Final = " ".join(
    f'@link(url: "{SPECIFICATION}/{name}/v0.1", for: SECURITY)'
    for name in ("authenticated", "requiresScopes", "policy")
)


class Client(NamedTuple):
    """A client; without a credential, `is_known` is False and it has no scopes."""

    is_known: bool
    scopes: frozenset[str]
    policies: frozenset[str]


class Clause(NamedTuple):
    """One directive. `names` are its alternatives, None for `@authenticated`."""

    directive: str
    names: tuple[tuple[str, ...], ...] | None = None

    def holds(self, client: Client) -> bool:
        if self.names is None:
            return client.is_known
        has = client.scopes if self.directive == "requiresScopes" else client.policies
        return self.names == () or any(set(each) <= has for each in self.names)

    def __str__(self) -> str:
        if self.names is None:
            return "@authenticated"
        lists = ", ".join("[" + ", ".join(f'"{name}"' for name in each) + "]" for each in self.names)
        argument = "scopes" if self.directive == "requiresScopes" else "policies"
        return f"@{self.directive}({argument}: [{lists}])"


Restrictions = dict[str, tuple[Clause, ...]]
"""The clauses by coordinate: `Type`, or `Type.field`."""


def generate_client(choices: Choices) -> Client:
    is_known = chance(choices, 70)
    scopes = frozenset(name for name in SCOPES if is_known and chance(choices, 45))
    return Client(is_known, scopes, frozenset(name for name in POLICIES if chance(choices, 45)))


def generate_restrictions(choices: Choices, schema: GraphQLSchema) -> Restrictions:
    """Put clauses on some types and fields; on interfaces too, as composition does."""
    found: Restrictions = {}
    share = pick(choices, (3, 8, 20))
    roots = {type_.name for type_ in (schema.query_type, schema.mutation_type) if type_ is not None}
    for name, type_ in schema.type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        restrictable = is_object_type(type_) or is_interface_type(type_) or is_scalar_type(type_) or is_enum_type(type_)
        if restrictable and chance(choices, 1 if name in roots else share // 3 + 1):
            found[name] = _clauses(choices)
        if is_object_type(type_) or is_interface_type(type_):
            for field_name in type_.fields:
                if chance(choices, share):
                    found[f"{name}.{field_name}"] = _clauses(choices)
    return found


def _clauses(choices: Choices) -> tuple[Clause, ...]:
    found = [Clause("authenticated")] if chance(choices, 40) else []
    for directive, names in (("requiresScopes", SCOPES), ("policy", POLICIES)):
        if chance(choices, 50) or (directive == "policy" and not found):
            alternatives = tuple(
                tuple(sorted({pick(choices, names) for _ in range(choices.number(1, 2))}))
                for _ in range(choices.number(1, 2))
            )
            found.append(Clause(directive, pick(choices, (alternatives, alternatives, alternatives, ()))))
    return tuple(found)


def restricted_sdl(sdl: str, restrictions: Restrictions) -> str:
    """The supergraph with the directives of the restrictions, and the links that say what they mean."""
    document = parse(sdl)
    return print_ast(DocumentNode(definitions=tuple(_restricted(each, restrictions) for each in document.definitions)))


def _restricted(definition: Any, restrictions: Restrictions) -> Any:
    if isinstance(definition, SchemaDefinitionNode):
        return replace(definition, directives=(*(definition.directives or ()), *_directives(LINKS)))
    if not isinstance(definition, TypeDefinitionNode):
        return definition
    name = definition.name.value
    own: dict[str, Any] = {"directives": (*(definition.directives or ()), *_clauses_at(name, restrictions))}
    fields: tuple[Any, ...] = getattr(definition, "fields", None) or ()
    if fields:
        own["fields"] = tuple(
            replace(
                each, directives=(*(each.directives or ()), *_clauses_at(f"{name}.{each.name.value}", restrictions))
            )
            for each in fields
        )
    return replace(definition, **own)


def _clauses_at(coordinate: str, restrictions: Restrictions) -> tuple[Any, ...]:
    return _directives(" ".join(map(str, restrictions.get(coordinate, ()))))


def _directives(text: str) -> tuple[Any, ...]:
    (definition,) = parse(f"scalar X {text}").definitions
    assert isinstance(definition, TypeDefinitionNode)
    return tuple(definition.directives or ())


@dataclass(slots=True)
class Reading:
    """What a client may not read of one operation. `refused` and `emptied` are ids of field nodes of `document`."""

    schema: GraphQLSchema
    restrictions: Restrictions
    client: Client
    document: DocumentNode
    refused: set[int] = field(default_factory=set)
    emptied: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, schema: GraphQLSchema, restrictions: Restrictions, client: Client, query: str) -> Reading:
        document = parse(query)
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
        expanded = replace(operation, selection_set=_expanded(operation.selection_set, fragments))
        reading = cls(schema, restrictions, client, DocumentNode(definitions=(expanded,)))
        root = schema.get_root_type(operation.operation)
        assert root is not None
        reading._read(expanded.selection_set, root.name, inside_refused=False)
        return reading

    @property
    def operation(self) -> OperationDefinitionNode:
        (operation,) = self.document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        return operation

    def withholds(self, nodes: list[FieldNode]) -> bool:
        """Whether a field with these nodes is null, because the client may not read it or nothing of it."""
        return all(id(node) in self.refused or id(node) in self.emptied for node in nodes)

    def may_read(self, parent: str, name: str) -> bool:
        """Whether the client may select a field of a type."""
        type_: Any = self.schema.get_type(parent)
        coordinates = [parent, f"{parent}.{name}", get_named_type(type_.fields[name].type).name]
        if is_interface_type(type_):
            for each in self.schema.type_map.values():
                if isinstance(each, GraphQLObjectType) and type_ in each.interfaces:
                    result = get_named_type(each.fields[name].type).name
                    coordinates += [each.name, f"{each.name}.{name}", result]
        return all(self.holds(coordinate) for coordinate in coordinates)

    def holds(self, coordinate: str) -> bool:
        return all(clause.holds(self.client) for clause in self.restrictions.get(coordinate, ()))

    def selects_refused(self, variables: Mapping[str, object]) -> bool:
        """Whether the operation selects a refused field with these variables."""
        return any(True for _ in self._selected(self.operation.selection_set, variables))

    def _selected(self, selections: Any, variables: Mapping[str, object]) -> Iterator[int]:
        for each in selections.selections:
            if not _is_included(each, variables):
                continue
            if id(each) in self.refused:
                yield id(each)
            elif each.selection_set is not None:
                yield from self._selected(each.selection_set, variables)

    def _read(self, selections: Any, parent: str, *, inside_refused: bool) -> None:
        for each in selections.selections:
            if isinstance(each, InlineFragmentNode):
                name = each.type_condition.name.value if each.type_condition else parent
                self._read(each.selection_set, name, inside_refused=inside_refused or not self.holds(name))
            elif isinstance(each, FieldNode) and not each.name.value.startswith("__"):
                name = each.name.value
                is_refused = inside_refused or not self.may_read(parent, name)
                if is_refused:
                    self.refused.add(id(each))
                if each.selection_set is not None:
                    type_: Any = self.schema.get_type(parent)
                    type_name = get_named_type(type_.fields[name].type).name
                    self._read(each.selection_set, type_name, inside_refused=is_refused)
                    if not is_refused and self._is_nothing(each.selection_set, type_name):
                        self.emptied.add(id(each))

    def _is_nothing(self, selections: Any, parent: str) -> bool:
        """Whether all selections are certain, and the client may read none of them."""
        return all(self._is_certain_and_refused(each, parent) for each in selections.selections)

    def _is_certain_and_refused(self, selection: Any, parent: str) -> bool:
        if any(each.name.value in ("skip", "include") for each in selection.directives or ()):
            return False
        if isinstance(selection, InlineFragmentNode):
            name = selection.type_condition.name.value if selection.type_condition else parent
            return self._includes(name, parent) and self._is_nothing(selection.selection_set, name)
        return id(selection) in self.refused or id(selection) in self.emptied

    def _includes(self, condition: str, parent: str) -> bool:
        """Whether every object of the type `parent` is of the type `condition`."""
        if condition == parent:
            return True
        outer, inner = self.schema.type_map[condition], self.schema.type_map[parent]
        return is_abstract_type(outer) and not is_union(inner) and self.schema.is_sub_type(outer, inner)


def is_union(type_: object) -> bool:
    return is_abstract_type(type_) and not is_interface_type(type_)


def _expanded(selections: Any, fragments: Mapping[str, FragmentDefinitionNode]) -> Any:
    """A copy in which each spread is an inline fragment, and no node occurs twice."""
    return replace(selections, selections=tuple(_copy(each, fragments) for each in selections.selections))


def _copy(selection: Any, fragments: Mapping[str, FragmentDefinitionNode]) -> Any:
    if isinstance(selection, FragmentSpreadNode):
        fragment = fragments[selection.name.value]
        return InlineFragmentNode(
            type_condition=fragment.type_condition,
            directives=selection.directives,
            selection_set=_expanded(fragment.selection_set, fragments),
        )
    inner = selection.selection_set
    return replace(selection, selection_set=None if inner is None else _expanded(inner, fragments))


def _is_included(selection: Any, variables: Mapping[str, object]) -> bool:
    for directive in selection.directives or ():
        if directive.name.value in ("skip", "include"):
            value = directive.arguments[0].value
            given = variables.get(value.name.value) if isinstance(value, VariableNode) else value.value
            if given is not (directive.name.value == "include"):
                return False
    return True
