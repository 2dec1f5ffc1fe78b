"""The elements that a schema text declares: types, fields, arguments, enum values and directives.

Lint rules look at the text of each subgraph, not at the composed schema, because people edit the text. Elements of
specifications, such as the types `_Service` and `join__Graph`, are left out, because no team can change them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final

from graphql import (
    DirectiveDefinitionNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    GraphQLError,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    OperationTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
    parse,
)

from router.federation.field_sets import parse_field_set_or_none, print_field_set
from router.federation.link_directives import LinkError, directives_on_schema, read_links
from router.federation.linked_specs import Links

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import ConstDirectiveNode, DocumentNode, Node

    from router.schema_check.find_lines_of_elements import SchemaText


class ElementKind(StrEnum):
    """The kinds of elements. Messages contain the value of a kind."""

    OBJECT = "object type"
    INTERFACE = "interface"
    UNION = "union"
    ENUM = "enum"
    INPUT = "input type"
    SCALAR = "scalar"
    FIELD = "field"
    ARGUMENT = "argument"
    INPUT_FIELD = "input field"
    ENUM_VALUE = "enum value"
    DIRECTIVE = "directive"
    DIRECTIVE_ARGUMENT = "argument of a directive"


TYPES: Final = frozenset(
    (
        ElementKind.OBJECT,
        ElementKind.INTERFACE,
        ElementKind.UNION,
        ElementKind.ENUM,
        ElementKind.INPUT,
        ElementKind.SCALAR,
    )
)
_KINDS: Final = (
    (ElementKind.OBJECT, (ObjectTypeDefinitionNode, ObjectTypeExtensionNode)),
    (ElementKind.INTERFACE, (InterfaceTypeDefinitionNode, InterfaceTypeExtensionNode)),
    (ElementKind.UNION, (UnionTypeDefinitionNode, UnionTypeExtensionNode)),
    (ElementKind.ENUM, (EnumTypeDefinitionNode, EnumTypeExtensionNode)),
    (ElementKind.INPUT, (InputObjectTypeDefinitionNode, InputObjectTypeExtensionNode)),
    (ElementKind.SCALAR, (ScalarTypeDefinitionNode, ScalarTypeExtensionNode)),
)
_MEMBERS: Final = {
    ElementKind.OBJECT: ("fields", ElementKind.FIELD),
    ElementKind.INTERFACE: ("fields", ElementKind.FIELD),
    ElementKind.INPUT: ("fields", ElementKind.INPUT_FIELD),
    ElementKind.ENUM: ("values", ElementKind.ENUM_VALUE),
}
_ROOTS: Final = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """The declaration of one element.

    Attributes:
        kind: The kind of the element.
        coordinate: The coordinate of the element, such as `Query.book(id:)`.
        name: The last part of the coordinate, such as `id`.
        node: The syntax node of the declaration.
        source: The text that contains the declaration.
        parent: The declaration around this declaration; None for a type and a directive.
    """

    kind: ElementKind
    coordinate: str
    name: str
    node: Node
    source: LintedText
    parent: Element | None = None

    def applied(self, element: str) -> list[ConstDirectiveNode]:
        """Return the uses of a directive on this declaration.

        `element` is the name of the directive in its specification, such as `key`.
        """
        directives: tuple[ConstDirectiveNode, ...] = getattr(self.node, "directives", None) or ()
        return [each for each in directives if self.source.specification_name(each.name.value) == element]

    @property
    def description(self) -> str:
        """The description; empty without one."""
        node: StringValueNode | None = getattr(self.node, "description", None)
        return node.value.strip() if node is not None else ""

    @property
    def is_extension(self) -> bool:
        """Whether the declaration extends a type (`extend type`)."""
        return isinstance(self.node, TypeExtensionNode)


@dataclass(frozen=True, eq=False)
class LintedText:
    """One text of a schema and its elements. `name` is the name of the subgraph, or empty."""

    name: str
    text: SchemaText
    document: DocumentNode
    links: Links = field(default_factory=Links)

    @classmethod
    def read(cls, text: SchemaText) -> LintedText | None:
        """Parse a text. Return None if the text has a syntax error. Composition reports this error."""
        try:
            document = parse(text.text)
        except (GraphQLError, RecursionError):
            return None
        try:
            links = read_links(directives_on_schema(document))
        except LinkError as error:
            links = error.others or Links()
        return cls(text.name, text, document, links)

    @cached_property
    def elements(self) -> tuple[Element, ...]:
        """All elements, in the order of the text. The members of a type follow the type."""
        return tuple(each for node in self.document.definitions for each in self._declared(node))

    @cached_property
    def types(self) -> dict[str, list[Element]]:
        """The definition and the extensions of each type, by type name."""
        found: dict[str, list[Element]] = {}
        for element in self.elements:
            if element.kind in TYPES:
                found.setdefault(element.name, []).append(element)
        return found

    @cached_property
    def fields(self) -> dict[str, Element]:
        """The fields and input fields, by coordinate."""
        kinds = (ElementKind.FIELD, ElementKind.INPUT_FIELD)
        return {each.coordinate: each for each in self.elements if each.kind in kinds}

    @cached_property
    def root_types(self) -> dict[str, str]:
        """Maps the name of a root type to `query`, `mutation` or `subscription`."""
        names = dict(_ROOTS)
        for definition in self.document.definitions:
            if isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode):
                operations: tuple[OperationTypeDefinitionNode, ...] = definition.operation_types or ()
                names.update({each.operation.value: each.type.name.value for each in operations})
        return {name: operation for operation, name in names.items()}

    def specification_name(self, directive: str) -> str:
        """Return the name of a directive in its specification, such as `key` for `@federation__key`."""
        source = self.links.directive_source(directive)
        return source[1] if source is not None and source[0].url.is_apollo else directive

    def keys(self, type_name: str) -> Iterator[tuple[ConstDirectiveNode, str, bool]]:
        """Yield each key of a type: the directive, the printed field set, and whether the key can be resolved."""
        for declaration in self.types.get(type_name, ()):
            for directive in declaration.applied("key"):
                arguments = {each.name.value: each.value for each in directive.arguments or ()}
                selection = parse_field_set_or_none(getattr(arguments.get("fields"), "value", None))
                if selection is not None:
                    resolvable = getattr(arguments.get("resolvable"), "value", True)
                    yield directive, print_field_set(selection), resolvable is not False

    def _declared(self, node: Node) -> Iterator[Element]:
        if isinstance(node, DirectiveDefinitionNode):
            if not self._is_of_specification(node.name.value, is_directive=True):
                directive = Element(ElementKind.DIRECTIVE, f"@{node.name.value}", node.name.value, node, self)
                yield directive
                yield from self._arguments(directive, ElementKind.DIRECTIVE_ARGUMENT)
            return
        if not isinstance(node, TypeDefinitionNode | TypeExtensionNode):
            return
        name = node.name.value
        kind = next((kind for kind, classes in _KINDS if isinstance(node, classes)), None)
        if kind is None or self._is_of_specification(name, is_directive=False):
            return
        declared = Element(kind, name, name, node, self)
        yield declared
        attribute, member_kind = _MEMBERS.get(kind, ("", ElementKind.FIELD))
        for member in getattr(node, attribute, None) or ():
            member_name = member.name.value
            if member_name.startswith("_"):
                continue  # `Query._service` and `Query._entities` belong to Apollo Federation
            element = Element(member_kind, f"{name}.{member_name}", member_name, member, self, declared)
            yield element
            yield from self._arguments(element, ElementKind.ARGUMENT)

    def _arguments(self, owner: Element, kind: ElementKind) -> Iterator[Element]:
        for argument in getattr(owner.node, "arguments", None) or ():
            name = argument.name.value
            yield Element(kind, f"{owner.coordinate}({name}:)", name, argument, self, owner)

    def _is_of_specification(self, name: str, *, is_directive: bool) -> bool:
        if name.startswith("_") or "__" in name:
            return True
        source = self.links.directive_source(name) if is_directive else self.links.type_source(name)
        if source is not None:
            return source[0].url.is_apollo
        # A schema of Federation 1 has no `@link`, and may define the directives of federation itself.
        return is_directive and name in {"key", "requires", "provides", "external", "extends", "tag", "link", "core"}
