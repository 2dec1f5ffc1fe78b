"""What the subgraphs' SDL says each of them may be asked, read without the router's own code.

A subgraph of the oracle is strict: it throws when asked for a field it does not resolve at that place, so that a wrong
route shows even where the data would hide it.
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
    parse,
    value_from_ast_untyped,
)

from tests.router.oracle.store import Meaning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graphql import ConstDirectiveNode as Directive
    from graphql import DefinitionNode, FieldDefinitionNode

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
class Rules:
    """The rules of one subgraph: by type, or by type and field."""

    keys: dict[str, list[SelectionSetNode]] = field(default_factory=dict)
    external: set[FieldName] = field(default_factory=set)
    requires: dict[FieldName, SelectionSetNode] = field(default_factory=dict)
    provides: dict[FieldName, SelectionSetNode] = field(default_factory=dict)
    overrides: dict[FieldName, str] = field(default_factory=dict)
    overridden: set[FieldName] = field(default_factory=set)
    interface_objects: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Federation:
    """The rules of all subgraphs, and which types implement an interface anywhere."""

    documents: Mapping[str, DocumentNode]
    rules: Mapping[str, Rules]
    implementations: Mapping[str, set[str]]
    meaning: Meaning

    @classmethod
    def of(cls, subgraphs: Mapping[str, str]) -> Federation:
        documents = {name: parse(sdl) for name, sdl in subgraphs.items()}
        rules = {name: _rules(document) for name, document in documents.items()}
        for own in rules.values():
            for overridden, source in own.overrides.items():
                if source in rules:
                    rules[source].overridden.add(overridden)
        supertypes = _supertypes(documents.values())
        implementations: dict[str, set[str]] = {}
        for name, above in supertypes.items():
            for interface in above:
                implementations.setdefault(interface, set()).add(name)
        requires = {
            (concrete, name): selection
            for own in rules.values()
            for (parent, name), selection in own.requires.items()
            for concrete in (implementations[parent] if parent in own.interface_objects else {parent})
        }
        return cls(documents, rules, implementations, Meaning(requires, supertypes))


def _supertypes(documents: Iterable[DocumentNode]) -> dict[str, set[str]]:
    """The interfaces of each type, wherever it is said to implement them."""
    supertypes: dict[str, set[str]] = {}
    for document in documents:
        for node in type_nodes(document.definitions):
            above = {interface.name.value for interface in node.interfaces or ()}
            supertypes.setdefault(node.name.value, set()).update(above)
    return supertypes


def type_nodes(definitions: tuple[DefinitionNode, ...]) -> Iterator[TypeNode]:
    for node in definitions:
        if isinstance(node, TYPE_NODES):
            yield node


def _rules(document: DocumentNode) -> Rules:
    rules = Rules()
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


def _type_rule(rules: Rules, name: str, directive: Directive) -> None:
    match directive.name.value:
        case "key" if argument(directive, "resolvable") is not False:
            rules.keys.setdefault(name, []).append(field_set(directive))
        case "interfaceObject":
            rules.interface_objects.add(name)


def _field_rules(rules: Rules, name: FieldName, definition: FieldDefinitionNode) -> None:
    for directive in definition.directives or ():
        match directive.name.value:
            case "external":
                rules.external.add(name)
            case "requires":
                rules.requires[name] = field_set(directive)
            case "provides":
                rules.provides[name] = field_set(directive)
            case "override":
                rules.overrides[name] = str(argument(directive, "from"))


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
