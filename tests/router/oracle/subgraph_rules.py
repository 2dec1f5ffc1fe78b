"""Reads the federation directives of the subgraphs' SDL, without the router's code.

The subgraphs of the oracle are strict: they report an error for a field that they do not resolve at its place, so that
a wrong plan is found even if it would fetch the right data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    UnionTypeDefinitionNode,
    parse,
    value_from_ast_untyped,
)

from tests.router.oracle.data_store import SchemaSemantics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graphql import ConstDirectiveNode as Directive
    from graphql import DefinitionNode, FieldDefinitionNode, GraphQLSchema

FieldName: TypeAlias = tuple[str, str]
TypeNode: TypeAlias = (
    ObjectTypeDefinitionNode | ObjectTypeExtensionNode | InterfaceTypeDefinitionNode | InterfaceTypeExtensionNode
)
TYPE_NODES = (
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
)


@dataclass(slots=True)
class SubgraphRules:
    """The directives of one subgraph, by type or by type and field.

    `overridden` are its fields that another subgraph resolves. `overrides` are the fields with `@override`, with the
    source and the label.
    """

    keys: dict[str, list[SelectionSetNode]] = field(default_factory=dict)
    external: set[FieldName] = field(default_factory=set)
    requires: dict[FieldName, SelectionSetNode] = field(default_factory=dict)
    provides: dict[FieldName, SelectionSetNode] = field(default_factory=dict)
    overrides: dict[FieldName, tuple[str, str]] = field(default_factory=dict)
    overridden: set[FieldName] = field(default_factory=set)
    contexts: dict[str, set[str]] = field(default_factory=dict)
    from_context: dict[FieldName, list[tuple[str, str, str]]] = field(default_factory=dict)
    interface_objects: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class FederationRules:
    """The rules of all subgraphs for a set of active override labels, and the implementations of each interface.

    `schemas` and `operations` are caches of the strict subgraphs, which are created anew for each operation.
    """

    documents: Mapping[str, DocumentNode]
    by_subgraph: Mapping[str, SubgraphRules]
    implementations: Mapping[str, set[str]]
    semantics: SchemaSemantics
    schemas: dict[str, GraphQLSchema] = field(default_factory=dict)
    operations: dict[tuple[str, str], DocumentNode] = field(default_factory=dict)

    @classmethod
    def of(cls, subgraphs: Mapping[str, str], labels: frozenset[str] = frozenset()) -> FederationRules:
        documents = {name: parse(sdl) for name, sdl in subgraphs.items()}
        rules = {name: _rules(document) for name, document in documents.items()}
        for subgraph_rules in rules.values():
            for overridden, (source, label) in subgraph_rules.overrides.items():
                if label and label not in labels:
                    subgraph_rules.overridden.add(overridden)
                elif source in rules:
                    rules[source].overridden.add(overridden)
        supertypes = _supertypes(documents.values())
        implementations: dict[str, set[str]] = {}
        for name, above in supertypes.items():
            for interface in above:
                implementations.setdefault(interface, set()).add(name)
        requires = {
            (concrete, name): selection
            for subgraph_rules in rules.values()
            for (parent, name), selection in subgraph_rules.requires.items()
            for concrete in (implementations[parent] if parent in subgraph_rules.interface_objects else {parent})
        }
        contexts = {
            coordinate: {
                argument: _context_selections(subgraph_rules.contexts[context], text, supertypes, documents)
                for argument, context, text in from_context
            }
            for subgraph_rules in rules.values()
            for coordinate, from_context in subgraph_rules.from_context.items()
        }
        return cls(documents, rules, implementations, SchemaSemantics(requires, supertypes, contexts))


def _supertypes(documents: Iterable[DocumentNode]) -> dict[str, set[str]]:
    """The interfaces that each type implements in any subgraph."""
    supertypes: dict[str, set[str]] = {}
    for document in documents:
        for node in type_nodes(document.definitions):
            above = {interface.name.value for interface in node.interfaces or ()}
            supertypes.setdefault(node.name.value, set()).update(above)
    return supertypes


def _context_selections(
    typenames: set[str], text: str, supertypes: Mapping[str, set[str]], documents: Mapping[str, DocumentNode]
) -> dict[str, SelectionSetNode]:
    """The selection of a `@fromContext` argument, for each object type that sets the context."""
    unions = {
        (node.name.value, member.name.value)
        for document in documents.values()
        for node in document.definitions
        if isinstance(node, UnionTypeDefinitionNode)
        for member in node.types or ()
    }
    inner = text if text.startswith("...") else text.strip()[1:-1]
    return {
        name: parse_field_set(inner)
        for name, above in supertypes.items()
        if name in typenames or above & typenames or any((u, name) in unions for u in typenames)
    }


def type_nodes(definitions: tuple[DefinitionNode, ...]) -> Iterator[TypeNode]:
    for node in definitions:
        if isinstance(node, TYPE_NODES):
            yield node


def _rules(document: DocumentNode) -> SubgraphRules:
    rules = SubgraphRules()
    for node in document.definitions:
        if not isinstance(node, (*TYPE_NODES, UnionTypeDefinitionNode)):
            continue
        name = node.name.value
        for directive in node.directives or ():
            if directive.name.value == "context":
                rules.contexts.setdefault(str(argument(directive, "name")), set()).add(name)
    for node in type_nodes(document.definitions):
        name = node.name.value
        rules.types.add(name)
        for directive in node.directives or ():
            _type_rule(rules, name, directive)
        external = any(directive.name.value == "external" for directive in node.directives or ())
        for definition in node.fields or ():
            _field_rules(rules, (name, definition.name.value), definition)
            if external:
                rules.external.add((name, definition.name.value))
    return rules


def _type_rule(rules: SubgraphRules, name: str, directive: Directive) -> None:
    match directive.name.value:
        case "key" if argument(directive, "resolvable") is not False:
            rules.keys.setdefault(name, []).append(field_set(directive))
        case "interfaceObject":
            rules.interface_objects.add(name)


def _field_rules(rules: SubgraphRules, name: FieldName, definition: FieldDefinitionNode) -> None:
    for directive in definition.directives or ():
        match directive.name.value:
            case "external":
                rules.external.add(name)
            case "requires":
                rules.requires[name] = field_set(directive)
            case "provides":
                rules.provides[name] = field_set(directive)
            case "override":
                rules.overrides[name] = str(argument(directive, "from")), str(argument(directive, "label") or "")
    for parameter in definition.arguments or ():
        for directive in parameter.directives or ():
            if directive.name.value == "fromContext":
                context, text = str(argument(directive, "field")).removeprefix("$").split(" ", 1)
                rules.from_context.setdefault(name, []).append((parameter.name.value, context, text))


def argument(directive: Directive, name: str) -> object:
    for node in directive.arguments or ():
        if node.name.value == name:
            return value_from_ast_untyped(node.value)
    return None


def field_set(directive: ConstDirectiveNode) -> SelectionSetNode:
    node = next(node.value for node in directive.arguments or () if node.name.value == "fields")
    assert isinstance(node, StringValueNode)
    return parse_field_set(node.value)


def parse_field_set(text: str) -> SelectionSetNode:
    operation = parse(f"{{{text}}}", no_location=True).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return operation.selection_set
