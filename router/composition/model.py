"""The schema model of composition: plain records, the same for a subgraph and for the supergraph.

graphql-core's `GraphQLSchema` demands a complete, valid executable schema; composition works on schemas that are not
(yet): fields without implementation, extensions without base, directive applications with provenance. So it has its
own records. A `Schema` is built by `reading`, changed only by `upgrade`, and read by everything after.
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
from router.federation.field_sets import readable_field_set
from router.federation.links import FEDERATION_IDENTITY, Links
from router.federation.versions import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql.language import SelectionSetNode

FEDERATION_1_VERSION = Version(1, 0)
BUILT_IN_SCALARS = frozenset({"Int", "Float", "String", "Boolean", "ID"})
ROOTS: Mapping[str, str] = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}


UNTYPED = Named("")
"""The type of a merged element until its sources gave it one."""


class Kind(StrEnum):
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

    `element` is the name of the specification element behind it (`key` for `@federation__key`), None if it is none of
    those composition knows. `block` numbers the definition or extension of the type that carries it.
    """

    name: str
    arguments: dict[str, ConstValueNode]
    element: str | None = None
    node: DirectiveNode | None = None
    block: int = 0
    in_extension: bool = False

    def text(self, argument: str) -> str | None:
        """A string argument's value."""
        value = self.arguments.get(argument)
        return value.value if isinstance(value, StringValueNode) else None

    @property
    def field_set(self) -> SelectionSetNode | None:
        """The field set in the argument `fields`; None if there is none or it cannot be parsed."""
        return readable_field_set(self.text("fields"))


@dataclass(slots=True)
class Element:
    """Anything directives can be applied to."""

    name: str
    description: str | None = None
    directives: list[Applied] = field(default_factory=list)
    node: Node | None = None

    def applied(self, element: str) -> list[Applied]:
        return [directive for directive in self.directives if directive.element == element]

    def has(self, element: str) -> bool:
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
        return f"{self.parent}.{self.name}"


@dataclass(slots=True)
class EnumValue(Element):
    """A value of an enum type."""


@dataclass(slots=True)
class TypeDef(Element):
    """A named type: only the parts of its kind are filled."""

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
        return self.applied("key")

    @property
    def is_interface_object(self) -> bool:
        return self.kind is Kind.OBJECT and self.has("interfaceObject")


@dataclass(slots=True)
class DirectiveDef(Element):
    arguments: dict[str, InputValue] = field(default_factory=dict)
    locations: tuple[str, ...] = ()
    repeatable: bool = False


@dataclass(slots=True)
class Schema:
    """Types, directive definitions and what stands on the schema itself. Root types have their default names."""

    types: dict[str, TypeDef] = field(default_factory=dict)
    directives: dict[str, DirectiveDef] = field(default_factory=dict)
    applied: list[Applied] = field(default_factory=list)
    description: str | None = None

    def of_kind(self, *kinds: Kind) -> Iterator[TypeDef]:
        return (definition for definition in self.types.values() if definition.kind in kinds)

    def fields(self) -> Iterator[tuple[TypeDef, FieldDef]]:
        """Every field of every object and interface, with its type."""
        for definition in self.types.values():
            for member in definition.fields.values():
                yield definition, member

    def possible_types(self, name: str) -> list[str]:
        """The object types a value of this type can have at run time: itself, the members, or the implementations."""
        definition = self.types.get(name)
        if definition is None:
            return []
        if definition.kind is Kind.UNION:
            return list(definition.members)
        if definition.kind is Kind.INTERFACE:
            return [other.name for other in self.of_kind(Kind.OBJECT) if name in other.interfaces]
        return [name]

    def kind_of(self, ref: TypeRef) -> Kind | None:
        """The kind of the named type inside; built-in scalars are scalars; None if there is no such type."""
        name = base_name(ref)
        definition = self.types.get(name)
        if definition is not None:
            return definition.kind
        return Kind.SCALAR if name in BUILT_IN_SCALARS else None


@dataclass(slots=True)
class SubgraphSchema(Schema):
    """A subgraph as composition sees it: its schema, its links, its federation version (`v1.0` for Federation 1).

    `still_provided` and `still_used` are coordinates of fields that only directives on unused external fields provided
    or used: the upgrade from Federation 1 drops those fields, but what they named stays provided and used.
    """

    name: str = ""
    url: str = ""
    links: Links = field(default_factory=Links)
    version: Version = FEDERATION_1_VERSION
    still_provided: frozenset[str] = frozenset()
    still_used: frozenset[str] = frozenset()

    def is_federations(self, applied: Applied) -> bool:
        """Whether a directive comes with the federation specification, not with one of its own that is linked too."""
        source = self.links.directive_source(applied.name)
        return source is None or source[0].url.identity == FEDERATION_IDENTITY

    @property
    def is_federation_2(self) -> bool:
        return self.version > FEDERATION_1_VERSION


def all_applied(schema: Schema) -> Iterator[Applied]:
    """Every directive application in a schema, on whatever it stands."""
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
