"""The schema records of composition, the same for a subgraph and for the supergraph.

The `GraphQLSchema` of graphql-core must be a complete and valid schema. Composition also works on schemas that are not:
fields without implementation, extensions without base, directives with their origin. So it has records of its own.
`reading` builds a `Schema`, `upgrade` changes it, and everything after only reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from graphql.language import (
    ConstValueNode,
    DirectiveNode,
    Node,
    StringValueNode,
)

from router.composition.type_refs import Named, TypeRef, base_name
from router.federation.field_sets import parse_field_set_or_none
from router.federation.linked_specs import FEDERATION_IDENTITY, Links
from router.federation.version_numbers import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql.language import SelectionSetNode

FEDERATION_1_VERSION = Version(1, 0)
BUILT_IN_SCALARS = frozenset({"Int", "Float", "String", "Boolean", "ID"})
AUTH_ELEMENTS = ("authenticated", "requiresScopes", "policy")
ROOTS: Mapping[str, str] = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}


UNTYPED = Named("")
"""The type of a merged element before its sources are merged."""


class Kind(StrEnum):
    """The kinds of types; the value is the keyword that defines the kind."""

    SCALAR = "scalar"
    OBJECT = "type"
    INTERFACE = "interface"
    UNION = "union"
    ENUM = "enum"
    INPUT = "input"


COMPOSITE = frozenset({Kind.OBJECT, Kind.INTERFACE, Kind.UNION})
ABSTRACT = frozenset({Kind.INTERFACE, Kind.UNION})


@dataclass(slots=True)
class Applied:
    """One application of a directive.

    Attributes:
        name: Its name in the schema.
        arguments: Its arguments, without null ones.
        element: Its name in the specification (`key` for `@federation__key`); None for an unknown directive.
        node: Its syntax node.
        block: The number of the definition or extension of the type that has it.
        in_extension: Whether that is an extension.
    """

    name: str
    arguments: dict[str, ConstValueNode]
    element: str | None = None
    node: DirectiveNode | None = None
    block: int = 0
    in_extension: bool = False

    def text(self, argument: str) -> str | None:
        """The value of a string argument."""
        value = self.arguments.get(argument)
        return value.value if isinstance(value, StringValueNode) else None

    @property
    def field_set(self) -> SelectionSetNode | None:
        """The field set in the argument `fields`; None if there is none or it cannot be parsed."""
        return parse_field_set_or_none(self.text("fields"))


@dataclass(slots=True)
class Element:
    """Anything that can have directives."""

    name: str
    description: str | None = None
    directives: list[Applied] = field(default_factory=list)
    node: Node | None = None

    def applied(self, element: str) -> list[Applied]:
        """The applications of one directive."""
        return [directive for directive in self.directives if directive.element == element]

    def has(self, element: str) -> bool:
        """Whether it has a directive."""
        return any(directive.element == element for directive in self.directives)


@dataclass(slots=True)
class TypedElement(Element):
    """Fields, arguments and input fields."""

    type: TypeRef = UNTYPED


@dataclass(slots=True)
class InputValue(TypedElement):
    """An argument or an input field."""

    default: ConstValueNode | None = None

    @property
    def required(self) -> bool:
        """Whether a value must be given: the type is non-null, and there is no default."""
        return str(self.type).endswith("!") and self.default is None


@dataclass(slots=True)
class FieldDef(TypedElement):
    """A field of an object or interface; `parent` is the type's name."""

    parent: str = ""
    arguments: dict[str, InputValue] = field(default_factory=dict)
    block: int = 0
    in_extension: bool = False

    @property
    def coordinate(self) -> str:
        """`Type.field`."""
        return f"{self.parent}.{self.name}"


@dataclass(slots=True)
class EnumValue(Element):
    """A value of an enum type."""


@dataclass(slots=True)
class TypeDef(Element):
    """A named type: only the parts of its kind are used."""

    kind: Kind = Kind.SCALAR
    fields: dict[str, FieldDef] = field(default_factory=dict)
    inputs: dict[str, InputValue] = field(default_factory=dict)
    values: dict[str, EnumValue] = field(default_factory=dict)
    interfaces: dict[str, Node | None] = field(default_factory=dict)
    members: dict[str, Node | None] = field(default_factory=dict)
    has_definition: bool = True
    has_extension: bool = False

    @property
    def keys(self) -> list[Applied]:
        """The `@key` directives."""
        return self.applied("key")

    @property
    def is_interface_object(self) -> bool:
        """Whether the type is an `@interfaceObject`."""
        return self.kind is Kind.OBJECT and self.has("interfaceObject")


@dataclass(slots=True)
class DirectiveDef(Element):
    """A directive definition."""

    arguments: dict[str, InputValue] = field(default_factory=dict)
    locations: tuple[str, ...] = ()
    repeatable: bool = False


@dataclass(slots=True)
class Schema:
    """Types, directive definitions, and the directives of the schema itself. Root types have their default names."""

    types: dict[str, TypeDef] = field(default_factory=dict)
    directives: dict[str, DirectiveDef] = field(default_factory=dict)
    applied: list[Applied] = field(default_factory=list)
    description: str | None = None

    def of_kind(self, *kinds: Kind) -> Iterator[TypeDef]:
        """The types of these kinds."""
        return (definition for definition in self.types.values() if definition.kind in kinds)

    def fields(self) -> Iterator[tuple[TypeDef, FieldDef]]:
        """Every field of every object and interface, with its type."""
        for definition in self.types.values():
            for member in definition.fields.values():
                yield definition, member

    def possible_types(self, name: str) -> list[str]:
        """The object types that a value of this type can have: itself, its members, or its implementations."""
        definition = self.types.get(name)
        if definition is None:
            return []
        if definition.kind is Kind.UNION:
            return list(definition.members)
        if definition.kind is Kind.INTERFACE:
            return [other.name for other in self.of_kind(Kind.OBJECT) if name in other.interfaces]
        return [name]

    def kind_of(self, ref: TypeRef) -> Kind | None:
        """The kind of the named type inside; a built-in scalar is a scalar; None if there is no such type."""
        name = base_name(ref)
        definition = self.types.get(name)
        if definition is not None:
            return definition.kind
        return Kind.SCALAR if name in BUILT_IN_SCALARS else None


@dataclass(slots=True)
class SubgraphSchema(Schema):
    """A subgraph as composition sees it.

    Attributes:
        name: Its name.
        url: Its URL.
        links: The specifications that it links.
        version: Its federation version; `v1.0` for Federation 1.
        still_provided: Coordinates of fields that the upgrade from Federation 1 keeps as provided, although it dropped
            the unused external fields that provided them.
        still_used: The same for used fields.
    """

    name: str = ""
    url: str = ""
    links: Links = field(default_factory=Links)
    version: Version = FEDERATION_1_VERSION
    still_provided: frozenset[str] = frozenset()
    still_used: frozenset[str] = frozenset()

    def is_federations(self, applied: Applied) -> bool:
        """Whether a directive belongs to federation, not to a specification that is linked by itself."""
        source = self.links.directive_source(applied.name)
        return source is None or source[0].url.identity == FEDERATION_IDENTITY

    @property
    def is_federation_2(self) -> bool:
        """Whether the schema is written for Federation 2."""
        return self.version > FEDERATION_1_VERSION


def all_applied(schema: Schema) -> Iterator[Applied]:
    """Every directive in a schema, on any element."""
    yield from schema.applied
    for definition in schema.types.values():
        yield from definition.directives
        for value in definition.values.values():
            yield from value.directives
        for item in definition.inputs.values():
            yield from item.directives
        for member in definition.fields.values():
            yield from member.directives
            for argument in member.arguments.values():
                yield from argument.directives
    for directive in schema.directives.values():
        for argument in directive.arguments.values():
            yield from argument.directives
