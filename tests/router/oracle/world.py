"""The merged schema of a generated federation, and for each of its fields where it is resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBGRAPHS = ("a", "b", "c", "d")
# The subgraphs that know an interface only as an object.
STRANGERS = ("x", "y")
LEAVES = ("Int", "String", "String", "String", "Boolean", "ID", "Float", "Colour", "Money")
COLOURS = ("RED", "GREEN", "BLUE")
# The value of `Colour` that clients do not know.
SECRET_COLOUR = "GOLD"
# The fields of each possible key.
KEYS = (("id",), ("sku",), ("k1", "k2"), ("kv",), ("tags",), ("kl",), ("ke",))
KEY_OBJECT, KEY_PART = "KV", "KD"
# The entity whose key is a part of the key of others.
KEY_ENTITY = "K0"
# The keys that entity may have.
PLAIN_KEYS = KEYS[:3]
# What each of them is. Of a key of two fields, one may be null; so may be a part of an object.
KEY_TYPES = {
    "id": ("ID", "{}!"),
    "sku": ("ID", "{}!"),
    "k1": ("ID", "{}"),
    "k2": ("ID", "{}!"),
    "kv": (KEY_OBJECT, "{}!"),
    "tags": ("String", "[{}!]!"),
    "kl": (KEY_OBJECT, "[{}]!"),
    "ke": (KEY_ENTITY, "{}!"),
}
ARGUMENTS = {
    "n": "Int",
    "s": 'String = "x"',
    "c": "Colour",
    "l": "[Int!]",
    "o": "Options",
    "m": "Money",
    "d": "Int! = 4",
    "p": "Options = {a: 2, c: GREEN, deep: {many: [[1], []]}}",
}
# Arguments that an absence gives a value only the schema knows.
DEFAULTED = {"s", "d", "p"}
LEAF_WRAPPINGS = ("{}", "{}", "{}", "{}", "{}", "{}!", "{}!", "[{}!]", "[{}]", "[[{}]!]")
WRAPPINGS = ("{}", "{}", "{}", "{}", "{}!", "{}!", "[{}]", "[{}]", "[{}!]!", "[{}!]!", "[[{}]]", "[[{}]]", "[[[{}!]]!]")
# The entity whose fields take arguments from an ancestor, and the context they take them from.
CONSUMER, CONTEXT, CONTEXT_TYPE = "C0", "around", "String"


@dataclass(slots=True)
class Field:
    """A field of the merged schema, and where it is resolved.

    `provides` holds, by owner, the field sets of each type that `@provides` reaches, `contextual` the selections that
    give arguments their values. `is_input` says that something
    else depends on the value. `varied` are the types of owners that promise more than the merged schema: no null, or of
    an abstract type the one object type it is `narrowed` to.
    """

    name: str
    named: str
    wrapping: str = "{}"
    arguments: tuple[str, ...] = ()
    owners: set[str] = field(default_factory=set)
    requires: str = ""
    provides: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    contextual: dict[str, str] = field(default_factory=dict)
    override_from: str = ""
    override_label: str = ""
    is_provided: bool = False
    is_input: bool = False
    is_inaccessible: bool = False
    varied: dict[str, str] = field(default_factory=dict)
    narrowed: str = ""

    @property
    def type(self) -> str:
        return self.wrapping.format(self.named)

    @property
    def is_leaf(self) -> bool:
        return self.named in LEAVES

    @property
    def signature(self) -> str:
        return self.signature_in("")

    def signature_in(self, subgraph: str) -> str:
        """The definition as a subgraph says it."""
        arguments = [f"{name}: {ARGUMENTS.get(name, 'Int')}" for name in self.arguments]
        if subgraph:
            arguments += [
                f'{name}: {CONTEXT_TYPE} @fromContext(field: "{text}")' for name, text in self.contextual.items()
            ]
        type_ = self.varied.get(subgraph, self.type)
        return f"{self.name}{'(' + ', '.join(arguments) + ')' if arguments else ''}: {type_}"


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
    """An interface that a subgraph extends without knowing its implementations; `host` knows them all."""

    subgraph: str
    interface: str
    host: str
    fields: dict[str, Field] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    """The merged schema with its split.

    `inaccessible` are types clients do not know. `contexts` gives for each type that sets the context the subgraph
    that says so. `labels` are those of progressive overrides. `first` is the subgraph that speaks Federation 1.
    """

    subgraphs: tuple[str, ...]
    entities: dict[str, Entity] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    abstract: dict[str, Abstract] = field(default_factory=dict)
    roots: dict[str, dict[str, Field]] = field(default_factory=dict)
    interface_objects: dict[str, InterfaceObject] = field(default_factory=dict)
    inaccessible: set[str] = field(default_factory=set)
    contexts: dict[str, str] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    first: str = ""

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
        """The types a field may have, entities twice as often."""
        values = [name for name in self.values if name not in self.inaccessible]
        return [*self.entities, *self.entities, *values, *self.abstract]

    def allowed(self, own: Field, owners: set[str]) -> list[str]:
        """The object types a field may lead to: what each subgraph that resolves it knows."""
        if own.narrowed:
            return [own.narrowed]
        abstract = self.abstract.get(own.named)
        if abstract is None:
            return [own.named]
        return [m for m in abstract.members if all(m in abstract.members_in(owner) for owner in owners)]
