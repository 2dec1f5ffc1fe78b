"""The merged schema of a generated federation, and for each of its fields where it is resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBGRAPHS = ("a", "b", "c", "d")
# The subgraph that knows an interface only as an object.
STRANGER = "x"
LEAVES = ("Int", "String", "String", "String", "Boolean", "ID", "Float", "Colour")
COLOURS = ("RED", "GREEN", "BLUE")
# The fields of each possible key; "kv" is an object.
KEYS = (("id",), ("sku",), ("k1", "k2"), ("kv",))
KEY_OBJECT = "KV"
ARGUMENTS = {"n": "Int", "s": 'String = "x"', "c": "Colour", "l": "[Int!]", "o": "Options"}


@dataclass(slots=True)
class Field:
    """A field of the merged schema, and where it is resolved.

    `provides` holds, by owner, the type and leaf each `@provides` reaches. `is_input` says that something else depends
    on the value, so that its resolver must not throw.
    """

    name: str
    named: str
    wrapping: str = "{}"
    arguments: tuple[str, ...] = ()
    owners: set[str] = field(default_factory=set)
    requires: str = ""
    provides: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    override_from: str = ""
    is_provided: bool = False
    is_input: bool = False

    @property
    def type(self) -> str:
        return self.wrapping.format(self.named)

    @property
    def is_leaf(self) -> bool:
        return self.named in LEAVES

    @property
    def signature(self) -> str:
        arguments = [f"{name}: {ARGUMENTS.get(name, 'Int')}" for name in self.arguments]
        return f"{self.name}{'(' + ', '.join(arguments) + ')' if arguments else ''}: {self.type}"


@dataclass(slots=True)
class Entity:
    """`homes` gives for each subgraph that takes the entity the keys it takes."""

    name: str
    fields: dict[str, Field] = field(default_factory=dict)
    keys: tuple[tuple[str, ...], ...] = ()
    homes: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    interfaces: list[str] = field(default_factory=list)

    def is_key(self, name: str) -> bool:
        return any(name in key for key in self.keys)


@dataclass(slots=True)
class Value:
    """A type without a key. Every subgraph that knows it resolves all of it, except for the fields with owners.

    A type whose fields have owners is reached only through fields that all those owners resolve.
    """

    name: str
    fields: dict[str, Field] = field(default_factory=dict)
    interfaces: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Abstract:
    """An interface (with fields) or a union (without). `hidden` are the members a subgraph does not know as such."""

    name: str
    members: list[str]
    fields: list[str] = field(default_factory=list)
    hidden: dict[str, set[str]] = field(default_factory=dict)
    above: list[str] = field(default_factory=list)

    def members_in(self, subgraph: str) -> list[str]:
        return [member for member in self.members if member not in self.hidden.get(subgraph, set())]


@dataclass(slots=True)
class InterfaceObject:
    """An interface that the subgraph `STRANGER` extends without knowing its implementations; `host` knows them all."""

    interface: str
    host: str
    fields: dict[str, Field] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    """The merged schema with its split."""

    subgraphs: tuple[str, ...]
    entities: dict[str, Entity] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    abstract: dict[str, Abstract] = field(default_factory=dict)
    roots: dict[str, dict[str, Field]] = field(default_factory=dict)
    interface_object: InterfaceObject | None = None

    def object(self, name: str) -> Entity | Value:
        return self.entities.get(name) or self.values[name]

    def fields_of(self, name: str) -> dict[str, Field]:
        return self.roots[name] if name in self.roots else self.object(name).fields

    def every_field(self) -> Iterator[Field]:
        """The fields that are resolved field by field: of root types and entities."""
        for fields in self.roots.values():
            yield from fields.values()
        for entity in self.entities.values():
            yield from entity.fields.values()

    def composites(self) -> list[str]:
        return [*self.entities, *self.entities, *self.values, *self.abstract]

    def allowed(self, own: Field, owners: set[str]) -> list[str]:
        """The object types a field may lead to: what each subgraph that resolves it knows."""
        abstract = self.abstract.get(own.named)
        if abstract is None:
            return [own.named]
        return [m for m in abstract.members if all(m in abstract.members_in(owner) for owner in owners)]
