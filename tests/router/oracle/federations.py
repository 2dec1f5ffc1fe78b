"""Generated federations: a merged schema, its data, and a split of it over subgraphs.

The merged schema is drawn first, then for each field the subgraphs that resolve it, then what follows from that: which
types a subgraph must know, under which keys, what is external, shareable, provided. So every drawn federation can be
composed and every field reached, and what its fields mean is known without the composition.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.router.oracle.choices import often, pick, subset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.router.oracle.choices import Choices
    from tests.router.oracle.store import Data

SUBGRAPHS = ("a", "b", "c", "d")
LEAVES = ("Int", "String", "String", "String", "Boolean", "ID", "Float", "Colour")
COLOURS = ("RED", "GREEN", "BLUE")
KEYS = (("id",), ("sku",), ("k1", "k2"))
ARGUMENTS = {"n": "Int", "s": 'String = "x"', "c": "Colour", "l": "[Int!]", "o": "Options"}
LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key", "@shareable", "@external", '
    '"@requires", "@provides", "@override", "@interfaceObject", "@inaccessible"])'
)
COMMON = """
enum Colour { RED GREEN BLUE }
input Options { a: Int = 1, c: Colour, deep: Options }
"""


@dataclass(slots=True)
class Field:
    """A field of the merged schema, and where it is resolved."""

    name: str
    named: str
    wrapping: str = "{}"
    arguments: tuple[str, ...] = ()
    owners: set[str] = field(default_factory=set)
    requires: str = ""
    provides: dict[str, set[str]] = field(default_factory=dict)
    override_from: str = ""
    is_provided: bool = False
    is_input: bool = False

    @property
    def type(self) -> str:
        return self.wrapping.format(self.named)

    @property
    def signature(self) -> str:
        arguments = [f"{name}: {ARGUMENTS.get(name, 'Int')}" for name in self.arguments]
        return f"{self.name}{'(' + ', '.join(arguments) + ')' if arguments else ''}: {self.type}"


@dataclass(slots=True)
class Entity:
    name: str
    fields: dict[str, Field]
    keys: tuple[tuple[str, ...], ...] = ()
    homes: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    interfaces: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Value:
    """A type without a key: every subgraph that knows it resolves all of it."""

    name: str
    fields: dict[str, Field]
    interfaces: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Abstract:
    """An interface (with fields) or a union (without)."""

    name: str
    members: list[str]
    fields: list[str] = field(default_factory=list)


@dataclass(slots=True)
class World:
    """The merged schema with its split."""

    subgraphs: tuple[str, ...]
    entities: dict[str, Entity] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    abstract: dict[str, Abstract] = field(default_factory=dict)
    roots: dict[str, dict[str, Field]] = field(default_factory=dict)

    def fields_of(self, name: str) -> dict[str, Field]:
        if name in self.roots:
            return self.roots[name]
        return (self.entities.get(name) or self.values[name]).fields

    def composites(self) -> list[str]:
        return [*self.entities, *self.entities, *self.values, *self.abstract]


@dataclass(frozen=True, slots=True)
class Generated:
    """A federation ready to be composed and run."""

    merged: str
    subgraphs: dict[str, str]
    data: Data


def federation(choices: Choices) -> Generated:
    """One federation, from the choices."""
    world = World(SUBGRAPHS[: choices.number(2, 4)])
    _draw_types(choices, world)
    _draw_fields(choices, world)
    _draw_roots(choices, world)
    _draw_requires(choices, world)
    _draw_provides(choices, world)
    _draw_overrides(choices, world)
    split = Split(world)
    data = _Filling(world, random.Random(choices.number(0, 65535))).data()
    return Generated(split.merged(), {name: split.sdl(name) for name in world.subgraphs if split.says(name)}, data)


def _draw_types(choices: Choices, world: World) -> None:
    for index in range(choices.number(1, 3)):
        world.entities[f"E{index}"] = Entity(f"E{index}", {})
    for index in range(choices.number(0, 2)):
        world.values[f"V{index}"] = Value(f"V{index}", {})
    objects = [*world.entities, *world.values]
    for index in range(choices.number(0, 2)):
        world.abstract[f"I{index}"] = Abstract(f"I{index}", subset(choices, objects), ["id"])
        for member in world.abstract[f"I{index}"].members:
            (world.entities.get(member) or world.values[member]).interfaces.append(f"I{index}")
    if often(choices, 40):
        world.abstract["U0"] = Abstract("U0", subset(choices, objects))
    for entity in world.entities.values():
        _draw_keys(choices, world, entity)


def _draw_keys(choices: Choices, world: World, entity: Entity) -> None:
    """Homes, each of which shares a key with an earlier one: so each is reached from each."""
    always: set[tuple[str, ...]] = {KEYS[0]} if entity.interfaces else set()
    known: set[tuple[str, ...]] = set()
    for home in subset(choices, world.subgraphs):
        keys = set(always) or {pick(choices, sorted(known) if known else KEYS)}
        if often(choices, 30):
            keys.add(pick(choices, KEYS))
        known |= keys
        entity.homes[home] = keys
    entity.keys = tuple(sorted(known))
    for name in sorted({name for key in known for name in key}):
        entity.fields[name] = Field(
            name, "ID", "{}!", owners={s for s, keys in entity.homes.items() if name in sum(keys, ())}
        )


def _draw_field(choices: Choices, world: World, name: str) -> Field:
    if often(choices, 55):
        drawn = Field(name, pick(choices, LEAVES), pick(choices, ("{}", "{}", "{}", "{}!", "[{}!]")))
        if drawn.type == "String" and often(choices, 25):
            drawn.arguments = tuple(subset(choices, ARGUMENTS))[:2]
        return drawn
    wrappings = ("{}", "{}", "{}!", "[{}]", "[{}!]!", "[[{}]]")
    drawn = Field(name, pick(choices, world.composites()), pick(choices, wrappings))
    if drawn.wrapping.startswith("[{") and often(choices, 20):
        drawn.arguments = ("first",)
    return drawn


def _draw_fields(choices: Choices, world: World) -> None:
    common: dict[str, list[Field]] = {
        name: [_draw_field(choices, world, f"{name.lower()}_{index}") for index in range(choices.number(0, 2))]
        for name, abstract in world.abstract.items()
        if abstract.fields
    }
    for name in [*world.entities, *world.values]:
        type_ = world.entities.get(name) or world.values[name]
        if isinstance(type_, Value):
            type_.fields["id"] = Field("id", "ID", "{}!")
        for drawn in [own for interface in type_.interfaces for own in common[interface]]:
            type_.fields[drawn.name] = Field(drawn.name, drawn.named, drawn.wrapping, drawn.arguments)
        for index in range(choices.number(1, 4)):
            own = _draw_field(choices, world, f"f{index}")
            type_.fields[own.name] = own
    for interface, fields in common.items():
        world.abstract[interface].fields += [field.name for field in fields]
    for entity in world.entities.values():
        for own in entity.fields.values():
            if not own.owners:
                own.owners = {pick(choices, sorted(entity.homes))}
                if often(choices, 25):
                    own.owners |= set(subset(choices, sorted(entity.homes)))


def _draw_roots(choices: Choices, world: World) -> None:
    world.roots["Query"] = {}
    for index in range(choices.number(1, 4)):
        wrapping = pick(choices, ("{}", "{}", "[{}]", "[{}!]", "{}!"))
        root = Field(f"q{index}", pick(choices, world.composites()), wrapping)
        if often(choices, 15):
            root = _draw_field(choices, world, root.name)
        root.owners = {pick(choices, world.subgraphs)}
        if often(choices, 25):
            root.owners |= set(subset(choices, world.subgraphs))
        world.roots["Query"][root.name] = root
    if often(choices, 30):
        world.roots["Mutation"] = {
            f"m{index}": Field(
                f"m{index}",
                pick(choices, [*world.entities]),
                arguments=("to",),
                owners={pick(choices, world.subgraphs)},
            )
            for index in range(choices.number(1, 3))
        }


def _draw_requires(choices: Choices, world: World) -> None:
    for entity in world.entities.values():
        earlier: list[Field] = []
        for own in entity.fields.values():
            if own.type == "String" and not own.arguments and len(own.owners) == 1 and often(choices, 50):
                inputs = [other for other in earlier if not other.owners & own.owners]
                chosen = [other for other in inputs if often(choices, 50)]
                own.requires = " ".join(filter(None, (_required(world, other) for other in chosen)))
                for other in chosen:
                    other.is_input = bool(_required(world, other))
            if not own.arguments and own.name not in {name for key in entity.keys for name in key}:
                earlier.append(own)


def _required(world: World, other: Field) -> str:
    """The part of a field set that selects the field, empty when it cannot be required."""
    if other.named in LEAVES:
        return other.name
    if other.named in world.values:
        leaves = [f.name for f in world.values[other.named].fields.values() if f.named in LEAVES and not f.arguments]
        for name in leaves:
            world.values[other.named].fields[name].is_input = True
        return f"{other.name} {{ {' '.join(leaves)} }}"
    return ""


def _draw_provides(choices: Choices, world: World) -> None:
    parents = [fields.values() for fields in world.roots.values()]
    parents += [type_.fields.values() for type_ in world.entities.values()]
    for own in [own for fields in parents for own in fields]:
        if own.named not in world.entities:
            continue
        target = world.entities[own.named]
        for owner in sorted(own.owners):
            options = [
                other
                for other in target.fields.values()
                if other.named in LEAVES
                and owner not in other.owners
                and not other.requires
                and not other.override_from
            ]
            if options and often(choices, 30):
                chosen = pick(choices, options)
                if chosen.name in {name for key in target.keys for name in key}:
                    continue
                own.provides.setdefault(owner, set()).add(chosen.name)
                chosen.is_provided = chosen.is_input = True


def _draw_overrides(choices: Choices, world: World) -> None:
    for entity in world.entities.values():
        for own in entity.fields.values():
            others = [
                home for home in entity.homes if home not in own.owners and not _mentions(world, entity, own, home)
            ]
            movable = len(own.owners) == 1 and not own.is_provided and not own.requires and not own.is_input
            if others and movable and own.name[0] == "f" and often(choices, 10):
                own.override_from = pick(choices, others)


def _mentions(world: World, entity: Entity, own: Field, subgraph: str) -> bool:
    return own.name in Split(world).externals(entity, subgraph)


class Split:
    """What each subgraph has to say for its part of the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.known: dict[str, set[str]] = {name: self._closure(name) for name in world.subgraphs}

    def externals(self, entity: Entity, subgraph: str) -> set[str]:
        """Fields the subgraph mentions without resolving them: required by its fields, provided by its fields."""
        required = {
            name
            for own in entity.fields.values()
            if own.requires and subgraph in own.owners
            for name in entity.fields
            if name in own.requires.replace("{", " ").replace("}", " ").split()
        }
        provided = {
            name
            for fields in [*self.world.roots.values(), *(e.fields for e in self.world.entities.values())]
            for own in fields.values()
            if own.named == entity.name
            for name in own.provides.get(subgraph, ())
        }
        return {name for name in required | provided if subgraph not in entity.fields[name].owners}

    def _said(self, entity: Entity, subgraph: str) -> Iterator[Field]:
        externals = self.externals(entity, subgraph)
        for own in entity.fields.values():
            if subgraph in own.owners or own.name in externals or own.override_from == subgraph:
                yield own

    def _closure(self, subgraph: str) -> set[str]:
        world = self.world
        known = {entity.name for entity in world.entities.values() if subgraph in entity.homes}
        pending = [own.named for fields in world.roots.values() for own in fields.values() if subgraph in own.owners]
        pending += known
        known = set()
        while pending:
            name = pending.pop()
            if name in known or name in {*LEAVES}:
                continue
            known.add(name)
            if name in world.entities:
                pending += [own.named for own in self._said(world.entities[name], subgraph)]
            elif name in world.values:
                pending += [own.named for own in world.values[name].fields.values()]
            else:
                pending += world.abstract[name].members
        return known

    def interface_fields(self, abstract: Abstract, subgraph: str) -> list[str]:
        """The fields that every member resolves here."""
        return [name for name in abstract.fields if all(self._resolves(m, name, subgraph) for m in abstract.members)]

    def _resolves(self, member: str, name: str, subgraph: str) -> bool:
        if member in self.world.values:
            return True
        entity = self.world.entities[member]
        if name == "id":
            return True
        return subgraph in entity.fields[name].owners

    def says(self, subgraph: str) -> bool:
        return bool(self.known[subgraph]) or any(
            subgraph in own.owners for fields in self.world.roots.values() for own in fields.values()
        )

    def sdl(self, subgraph: str) -> str:
        world, known = self.world, self.known[subgraph]
        parts = [LINK, COMMON]
        for root, fields in world.roots.items():
            lines = [self._field(own, subgraph) for own in fields.values() if subgraph in own.owners]
            parts += [_block(f"type {root}", lines)] if lines else []
        parts += [self._entity(entity, subgraph) for entity in world.entities.values() if entity.name in known]
        for value in world.values.values():
            if value.name in known:
                lines = [own.signature for own in value.fields.values()]
                parts.append(_block(f"type {value.name}{_implements(value.interfaces, known)} @shareable", lines))
        for abstract in world.abstract.values():
            if abstract.name in known:
                parts.append(self._abstract(abstract, self.interface_fields(abstract, subgraph)))
        return "\n".join(parts)

    def _entity(self, entity: Entity, subgraph: str) -> str:
        home = entity.homes.get(subgraph)
        stub = entity.keys[0]
        keys = [f'@key(fields: "{" ".join(key)}")' for key in sorted(home)] if home else []
        keys = keys or [f'@key(fields: "{" ".join(stub)}", resolvable: false)']
        said = {own.name: self._field(own, subgraph) for own in self._said(entity, subgraph)}
        for name in () if home else stub:
            said[name] = entity.fields[name].signature
        for name in sorted(self.externals(entity, subgraph)):
            said[name] = f"{entity.fields[name].signature} @external"
        head = f"type {entity.name}{_implements(entity.interfaces, self.known[subgraph])} {' '.join(keys)}"
        return _block(head, said.values())

    def _field(self, own: Field, subgraph: str) -> str:
        directives = [own.signature]
        if own.override_from == subgraph:
            return own.signature
        if len(own.owners) > 1 or own.is_provided:
            directives.append("@shareable")
        if own.requires:
            directives.append(f'@requires(fields: "{own.requires}")')
        if subgraph in own.provides:
            directives.append(f'@provides(fields: "{" ".join(sorted(own.provides[subgraph]))}")')
        if own.override_from:
            directives.append(f'@override(from: "{own.override_from}")')
        return " ".join(directives)

    def _abstract(self, abstract: Abstract, names: Iterable[str]) -> str:
        if not abstract.fields:
            return f"union {abstract.name} = {' | '.join(abstract.members)}"
        fields = self.world.fields_of(abstract.members[0])
        return _block(f"interface {abstract.name}", [fields[name].signature for name in names])

    def merged(self) -> str:
        """The schema of the monolith: what all subgraphs say together."""
        world = self.world
        known = set().union(*self.known.values())
        parts = [COMMON]
        for root, fields in world.roots.items():
            parts.append(_block(f"type {root}", [own.signature for own in fields.values()]))
        objects: list[Entity | Value] = [*world.entities.values(), *world.values.values()]
        for type_ in objects:
            if type_.name in known:
                lines = [own.signature for own in type_.fields.values()]
                parts.append(_block(f"type {type_.name}{_implements(type_.interfaces, known)}", lines))
        for abstract in world.abstract.values():
            if abstract.name in known:
                said = {
                    name
                    for subgraph in world.subgraphs
                    if abstract.name in self.known[subgraph]
                    for name in self.interface_fields(abstract, subgraph)
                }
                parts.append(self._abstract(abstract, [name for name in abstract.fields if name in said]))
        return "\n".join(parts)


def _implements(interfaces: Iterable[str], known: set[str]) -> str:
    names = [name for name in interfaces if name in known]
    return f" implements {' & '.join(names)}" if names else ""


def _block(head: str, lines: Iterable[str]) -> str:
    return f"{head} {{\n" + "".join(f"  {line}\n" for line in lines) + "}"


class _Filling:
    """Random data for a world; the seed is drawn, the rest follows from it."""

    def __init__(self, world: World, source: random.Random) -> None:
        self.world = world
        self.random = source
        self.breaks = source.random() < 0.5
        self.names = {
            name: [f"{name}:{index}" for index in range(source.randint(1, 4))]
            for name in [*world.entities, *world.values]
        }

    def data(self) -> Data:
        data: Data = {"Query": self._fields(self.world.roots["Query"].values(), "Query")}
        for name, objects in self.names.items():
            for object_ in objects:
                data[object_] = self._fields(self.world.fields_of(name).values(), object_)
        if "Mutation" in self.world.roots:
            data["Mutation"] = {own.name: self._mutation(own) for own in self.world.roots["Mutation"].values()}
        return data

    def _mutation(self, own: Field) -> dict[str, object]:
        targets = [
            (object_, other.name)
            for entity in self.world.entities.values()
            for other in entity.fields.values()
            if other.type == "Int"
            for object_ in self.names[entity.name]
        ]
        target = list(self.random.choice(targets)) if targets else None
        return {"set": target, "return": f"@{self.random.choice(self.names[own.named])}"}

    def _fields(self, fields: Iterable[Field], object_: str) -> dict[str, object]:
        return {own.name: self._broken(own) or self._value(own, own.wrapping, object_) for own in fields}

    def _broken(self, own: Field) -> str:
        """A resolver that throws, for a field nothing else depends on."""
        is_free = own.name[0] in "fq" and not own.is_input and not own.override_from
        return "!broken" if self.breaks and is_free and self.random.random() < 0.05 else ""

    def _value(self, own: Field, wrapping: str, object_: str) -> object:
        nullable = not wrapping.endswith("!")
        if nullable and self.random.random() < 0.15:
            return None
        inner = wrapping.removesuffix("!")
        if inner.startswith("["):
            return [self._value(own, inner[1:-1], object_) for _ in range(self.random.randint(0, 3))]
        return self._one(own, object_)

    def _one(self, own: Field, object_: str) -> object:
        number = self.random.randint(0, 9)
        if own.name in {"id", "sku", "k2"}:
            return f"{own.name}-{object_}"
        leaves = {
            "Int": number,
            "Float": number + 0.5,
            "Boolean": number % 2 == 0,
            "Colour": COLOURS[number % len(COLOURS)],
            "String": f"{own.name}-{object_}-{number}",
            "ID": f"{own.name}-{object_}-{number}",
        }
        if own.named in leaves:
            return leaves[own.named]
        abstract = self.world.abstract.get(own.named)
        return f"@{self.random.choice(self.names[self.random.choice(abstract.members) if abstract else own.named])}"
