"""The model of a generated federation: the merged schema, and the subgraphs that resolve each of its fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBGRAPHS = ("a", "b", "c", "d")
# The subgraphs that have interface objects.
INTERFACE_OBJECT_SUBGRAPHS = ("x", "y")
LEAF_TYPES = ("Int", "String", "String", "String", "Boolean", "ID", "Float", "Colour", "Money")
COLOURS = ("RED", "GREEN", "BLUE")
# The value of `Colour` that is not in the API schema.
INACCESSIBLE_COLOUR = "GOLD"
# The fields of each possible key.
KEYS = (("id",), ("sku",), ("k1", "k2"), ("kv",), ("tags",), ("kl",), ("ke",))
KEY_OBJECT, KEY_PART = "KV", "KD"
# The entity whose key is part of the keys of other entities.
KEY_ENTITY = "K0"
# The possible keys of that entity.
PLAIN_KEYS = KEYS[:3]
# The type of each key field. One field of a composite key may be null, and one field of an object.
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
# Arguments with a default value.
ARGUMENTS_WITH_DEFAULT = {"s", "d", "p"}
LEAF_WRAPPINGS = ("{}", "{}", "{}", "{}", "{}", "{}!", "{}!", "[{}!]", "[{}]", "[[{}]!]")
WRAPPINGS = ("{}", "{}", "{}", "{}", "{}!", "{}!", "[{}]", "[{}]", "[{}!]!", "[{}!]!", "[[{}]]", "[[{}]]", "[[[{}!]]!]")
# The entity with `@fromContext` arguments, and the name and type of their context.
CONTEXT_READER, CONTEXT, CONTEXT_TYPE = "C0", "around", "String"


@dataclass(slots=True)
class Field:
    """A field of the merged schema.

    - `owners` are the subgraphs that resolve it.
    - `provides` has the type conditions and field sets of its `@provides`, by owner.
    - `context_arguments` has the selection of each `@fromContext` argument.
    - `is_dependency`: a key, `@requires`, `@provides` or `@fromContext` depends on its value.
    - `types_by_owner` has the types of owners that differ from the merged schema: non-null, or the one object type
      that an abstract type is `narrowed_to`.
    """

    name: str
    type_name: str
    wrapping: str = "{}"
    arguments: tuple[str, ...] = ()
    owners: set[str] = field(default_factory=set)
    requires: str = ""
    provides: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    context_arguments: dict[str, str] = field(default_factory=dict)
    override_from: str = ""
    override_label: str = ""
    is_provided: bool = False
    is_dependency: bool = False
    is_inaccessible: bool = False
    types_by_owner: dict[str, str] = field(default_factory=dict)
    narrowed_to: str = ""

    @property
    def type(self) -> str:
        return self.wrapping.format(self.type_name)

    @property
    def is_leaf(self) -> bool:
        return self.type_name in LEAF_TYPES

    @property
    def signature(self) -> str:
        return self.signature_in("")

    def signature_in(self, subgraph: str) -> str:
        """The definition in one subgraph."""
        arguments = [f"{name}: {ARGUMENTS.get(name, 'Int')}" for name in self.arguments]
        if subgraph:
            arguments += [
                f'{name}: {CONTEXT_TYPE} @fromContext(field: "{text}")' for name, text in self.context_arguments.items()
            ]
        type_ = self.types_by_owner.get(subgraph, self.type)
        return f"{self.name}{'(' + ', '.join(arguments) + ')' if arguments else ''}: {type_}"


@dataclass(slots=True)
class Entity:
    """An entity. `keys_by_subgraph` has the keys by which each subgraph resolves it."""

    name: str
    fields: dict[str, Field] = field(default_factory=dict)
    keys: tuple[tuple[str, ...], ...] = ()
    keys_by_subgraph: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    interfaces: list[str] = field(default_factory=list)

    def is_key(self, name: str) -> bool:
        return any(name in key for key in self.keys)


@dataclass(slots=True)
class ValueType:
    """A type without a key. Every subgraph that defines it resolves all fields without owners.

    A type whose fields have owners is returned only by fields that all those owners resolve.
    """

    name: str
    fields: dict[str, Field] = field(default_factory=dict)
    interfaces: list[str] = field(default_factory=list)


@dataclass(slots=True)
class AbstractType:
    """An interface, or a union without fields. `unknown_members` has the members that a subgraph does not list."""

    name: str
    members: list[str]
    fields: list[str] = field(default_factory=list)
    unknown_members: dict[str, set[str]] = field(default_factory=dict)
    interfaces: list[str] = field(default_factory=list)

    def members_in(self, subgraph: str) -> list[str]:
        return [member for member in self.members if member not in self.unknown_members.get(subgraph, set())]


@dataclass(slots=True)
class InterfaceObject:
    """An interface that `subgraph` declares as an object; `host` defines it with all its implementations."""

    subgraph: str
    interface: str
    host: str
    fields: dict[str, Field] = field(default_factory=dict)


@dataclass(slots=True)
class FederationModel:
    """A generated federation.

    `inaccessible` are the types that are not in the API schema. `contexts` has, for each type with `@context`, the
    subgraph that applies it. `federation_1_subgraph` is the subgraph with a Federation 1 schema, if any.
    """

    subgraphs: tuple[str, ...]
    entities: dict[str, Entity] = field(default_factory=dict)
    values: dict[str, ValueType] = field(default_factory=dict)
    abstract: dict[str, AbstractType] = field(default_factory=dict)
    roots: dict[str, dict[str, Field]] = field(default_factory=dict)
    interface_objects: list[InterfaceObject] = field(default_factory=list)
    inaccessible: set[str] = field(default_factory=set)
    contexts: dict[str, str] = field(default_factory=dict)
    override_labels: set[str] = field(default_factory=set)
    federation_1_subgraph: str = ""

    def object(self, name: str) -> Entity | ValueType:
        return self.entities.get(name) or self.values[name]

    def fields_of(self, name: str) -> dict[str, Field]:
        return self.roots[name] if name in self.roots else self.object(name).fields

    def all_fields(self) -> Iterator[Field]:
        """The fields of root types and entities, which have owners each."""
        for fields in self.roots.values():
            yield from fields.values()
        for entity in self.entities.values():
            yield from entity.fields.values()

    def interface_objects_in(self, subgraph: str) -> list[InterfaceObject]:
        return [one for one in self.interface_objects if one.subgraph == subgraph]

    @property
    def all_subgraphs(self) -> list[str]:
        """The subgraphs, followed by those with interface objects."""
        return list(dict.fromkeys((*self.subgraphs, *(one.subgraph for one in self.interface_objects))))

    def composites(self) -> list[str]:
        """The composite types that a field can return. Entities are in it twice, so that they are more frequent."""
        values = [name for name in self.values if name not in self.inaccessible]
        return [*self.entities, *self.entities, *values, *self.abstract]

    def possible_object_types(self, source: Field, owners: set[str]) -> list[str]:
        """The object types that the field can return: those that all `owners` define."""
        if source.narrowed_to:
            return [source.narrowed_to]
        abstract = self.abstract.get(source.type_name)
        if abstract is None:
            return [source.type_name]
        return [m for m in abstract.members if all(m in abstract.members_in(owner) for owner in owners)]
