"""What each subgraph has to say for its part of a world, and what all of them say together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.router.oracle.world import KEY_OBJECT, LEAVES, STRANGER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.router.oracle.world import Abstract, Entity, Field, InterfaceObject, Value, World

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key", "@shareable", "@external", '
    '"@requires", "@provides", "@override", "@interfaceObject", "@inaccessible"])'
)
ENUM = "enum Colour { RED GREEN BLUE }"
INPUT = "input Options { a: Int = 1, c: Colour, deep: Options }"
KEY_FIELDS = ["id: ID!", "n: ID!"]


def key_text(name: str) -> str:
    """A key field as a field set selects it."""
    return f"{name} {{ id n }}" if name == "kv" else name


class Split:
    """The SDL of each subgraph, and of the monolith."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.known: dict[str, set[str]] = {name: self._closure(name) for name in world.subgraphs}

    def sdls(self) -> dict[str, str]:
        """The subgraphs that have something to say."""
        texts = {name: self._sdl(name) for name in self.world.subgraphs if self._says(name)}
        if self.world.interface_object:
            texts[STRANGER] = self._stranger(self.world.interface_object)
        return texts

    def externals(self, entity: Entity, subgraph: str) -> set[str]:
        """Fields the subgraph mentions without resolving them: required by its fields, provided by its fields."""
        required = {
            name
            for own in entity.fields.values()
            if own.requires and subgraph in own.owners
            for name in _top_level(own.requires)
        }
        provided = {
            name
            for own in self.world.every_field()
            for typename, name in own.provides.get(subgraph, ())
            if typename == entity.name
        }
        return {name for name in required | provided if subgraph not in entity.fields[name].owners}

    def _said(self, entity: Entity, subgraph: str) -> Iterator[Field]:
        externals = self.externals(entity, subgraph)
        for own in entity.fields.values():
            if subgraph in own.owners or own.name in externals or own.override_from == subgraph:
                yield own

    def _closure(self, subgraph: str) -> set[str]:
        """The types the subgraph must know."""
        world = self.world
        pending = [entity.name for entity in world.entities.values() if subgraph in entity.homes]
        pending += [own.named for fields in world.roots.values() for own in fields.values() if subgraph in own.owners]
        if world.interface_object and world.interface_object.host == subgraph:
            pending.append(world.interface_object.interface)
        known: set[str] = set()
        while pending:
            name = pending.pop()
            if name in known or name in LEAVES:
                continue
            known.add(name)
            if name in world.entities:
                pending += [own.named for own in self._said(world.entities[name], subgraph)]
                pending += [KEY_OBJECT] if name in world.entities and "kv" in world.entities[name].keys[0] else []
            elif name in world.values:
                pending += [own.named for own in self._own_values(world.values[name], subgraph)]
            elif name in world.abstract:
                pending += world.abstract[name].members_in(subgraph)
                pending += [below.name for below in world.abstract.values() if name in below.above]
                pending += world.abstract[name].above
        return known

    def _own_values(self, value: Value, subgraph: str) -> list[Field]:
        return [own for own in value.fields.values() if not own.owners or subgraph in own.owners]

    def _interface_fields(self, abstract: Abstract, subgraph: str) -> list[str]:
        """The fields that every member resolves here."""
        members = abstract.members_in(subgraph)
        return [name for name in abstract.fields if all(self._resolves(m, name, subgraph) for m in members)]

    def _resolves(self, member: str, name: str, subgraph: str) -> bool:
        if member in self.world.values or name == "id":
            return True
        return subgraph in self.world.entities[member].fields[name].owners

    def _says(self, subgraph: str) -> bool:
        roots = [own for fields in self.world.roots.values() for own in fields.values()]
        return bool(self.known[subgraph]) or any(subgraph in own.owners for own in roots)

    def _sdl(self, subgraph: str) -> str:
        world, known = self.world, self.known[subgraph]
        parts = [LINK, ENUM, INPUT]
        for root, fields in world.roots.items():
            lines = [self._field(own, subgraph) for own in fields.values() if subgraph in own.owners]
            parts += [block(f"type {root}", lines)] if lines else []
        parts += [self._entity(entity, subgraph) for entity in world.entities.values() if entity.name in known]
        parts += [self._value(value, subgraph) for value in world.values.values() if value.name in known]
        parts += [block(f"type {KEY_OBJECT} @shareable", KEY_FIELDS)] if KEY_OBJECT in known else []
        for abstract in world.abstract.values():
            if abstract.name in known:
                names = self._interface_fields(abstract, subgraph)
                host = world.interface_object
                key = ' @key(fields: "id")' if host and (host.interface, host.host) == (abstract.name, subgraph) else ""
                parts.append(self._abstract(abstract, names, abstract.members_in(subgraph), key))
        return "\n".join(parts)

    def _interfaces(self, type_: Entity | Value, subgraph: str) -> list[str]:
        return [
            name
            for name in type_.interfaces
            if name in self.known[subgraph] and type_.name in self.world.abstract[name].members_in(subgraph)
        ]

    def _value(self, value: Value, subgraph: str) -> str:
        lines = [own.signature for own in self._own_values(value, subgraph)] or ["_unused: Int @inaccessible"]
        return block(f"type {value.name}{implements(self._interfaces(value, subgraph))} @shareable", lines)

    def _entity(self, entity: Entity, subgraph: str) -> str:
        home = entity.homes.get(subgraph)
        stub = entity.keys[0]
        keys = [f'@key(fields: "{" ".join(map(key_text, key))}")' for key in sorted(home)] if home else []
        keys = keys or [f'@key(fields: "{" ".join(map(key_text, stub))}", resolvable: false)']
        said = {own.name: self._field(own, subgraph) for own in self._said(entity, subgraph)}
        for name in () if home else stub:
            said[name] = entity.fields[name].signature
        for name in sorted(self.externals(entity, subgraph)):
            said[name] = f"{entity.fields[name].signature} @external"
        head = f"type {entity.name}{implements(self._interfaces(entity, subgraph))} {' '.join(keys)}"
        return block(head, said.values())

    def _field(self, own: Field, subgraph: str) -> str:
        directives = [own.signature]
        if own.override_from == subgraph:
            return own.signature
        if len(own.owners) > 1 or own.is_provided:
            directives.append("@shareable")
        if own.requires:
            directives.append(f'@requires(fields: "{own.requires}")')
        if subgraph in own.provides:
            provided = [
                name if typename == own.named else f"... on {typename} {{ {name} }}"
                for typename, name in sorted(own.provides[subgraph])
            ]
            directives.append(f'@provides(fields: "{" ".join(provided)}")')
        if own.override_from:
            directives.append(f'@override(from: "{own.override_from}")')
        return " ".join(directives)

    def _abstract(self, abstract: Abstract, names: Iterable[str], members: list[str], directives: str = "") -> str:
        if not abstract.fields:
            return f"union {abstract.name} = {' | '.join(members)}"
        fields = self.world.fields_of(abstract.members[0])
        head = f"interface {abstract.name}{implements(abstract.above)}{directives}"
        return block(head, [fields[name].signature for name in names])

    def _stranger(self, interface_object: InterfaceObject) -> str:
        lines = ["id: ID!", *(own.signature for own in interface_object.fields.values())]
        parts = [LINK, ENUM, INPUT]
        if "qx" in self.world.roots["Query"]:
            parts.append(block("type Query", [self.world.roots["Query"]["qx"].signature]))
        parts.append(block(f'type {interface_object.interface} @interfaceObject @key(fields: "id")', lines))
        return "\n".join(parts)

    def merged(self) -> str:
        """The schema of the monolith: what all subgraphs say together."""
        world = self.world
        known = set().union(*self.known.values())
        parts = [ENUM, INPUT]
        parts += [block(f"type {root}", [f.signature for f in fields.values()]) for root, fields in world.roots.items()]
        objects: list[Entity | Value] = [*world.entities.values(), *world.values.values()]
        for type_ in objects:
            if type_.name in known:
                interfaces = {
                    i for s in world.subgraphs if type_.name in self.known[s] for i in self._interfaces(type_, s)
                }
                lines = [own.signature for own in type_.fields.values()]
                parts.append(block(f"type {type_.name}{implements(sorted(interfaces))}", lines))
        parts += [block(f"type {KEY_OBJECT}", KEY_FIELDS)] if KEY_OBJECT in known else []
        for abstract in world.abstract.values():
            if abstract.name in known:
                parts.append(self._merged_abstract(abstract))
        return "\n".join(parts)

    def _merged_abstract(self, abstract: Abstract) -> str:
        knowing = [subgraph for subgraph in self.world.subgraphs if abstract.name in self.known[subgraph]]
        said = {name for subgraph in knowing for name in self._interface_fields(abstract, subgraph)}
        members = [m for m in abstract.members if any(m in abstract.members_in(subgraph) for subgraph in knowing)]
        names = [name for name in abstract.fields if name in said]
        host = self.world.interface_object
        if host and host.interface == abstract.name:
            names += host.fields
        return self._abstract(abstract, names, members)


def _top_level(field_set: str) -> Iterator[str]:
    """The names a field set selects of the object itself."""
    depth = 0
    for token in field_set.replace("(", " ( ").replace(")", " ) ").split():
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(token, 0)
        if depth == 0 and token not in "{}()":
            yield token


def implements(names: Iterable[str]) -> str:
    names = list(names)
    return f" implements {' & '.join(names)}" if names else ""


def block(head: str, lines: Iterable[str]) -> str:
    return f"{head} {{\n" + "".join(f"  {line}\n" for line in lines) + "}"
