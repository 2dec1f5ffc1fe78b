"""What each subgraph has to say for its part of a world, and what all of them say together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import FieldNode, InlineFragmentNode

from tests.router.oracle.rules import parse_field_set
from tests.router.oracle.world import (
    CONTEXT,
    KEY_ENTITY,
    KEY_OBJECT,
    KEY_PART,
    KEY_TYPES,
    LEAVES,
    SECRET_COLOUR,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from graphql import SelectionSetNode

    from tests.router.oracle.world import Abstract, Entity, Field, InterfaceObject, Value, World

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key", "@shareable", "@external", '
    '"@requires", "@provides", "@override", "@interfaceObject", "@inaccessible", "@context", "@fromContext"])'
)
# What every subgraph says alike, with and without what clients do not know.
COMMON = """
scalar Money
enum Colour { RED GREEN BLUE%(colour)s }
input Options { a: Int = 1, c: Colour, deep: Options, many: [[Int]], must: Int! = 3, m: Money%(field)s }
directive @note(text: String) on
  QUERY | MUTATION | FIELD | FRAGMENT_DEFINITION | FRAGMENT_SPREAD | INLINE_FRAGMENT | VARIABLE_DEFINITION
"""
SAID = COMMON % {"colour": f" {SECRET_COLOUR} @inaccessible", "field": ", secret: Int @inaccessible"}
KNOWN = COMMON % {"colour": "", "field": ""}
# Federation 1 cannot hide anything; what others hide is hidden.
SAID_FIRST = COMMON % {"colour": f" {SECRET_COLOUR}", "field": ", secret: Int"}
KEY_FIELDS = ["id: ID!", "n: ID!", f"deep: {KEY_PART}"]
KEY_PART_FIELDS = ["x: ID!"]


def key_text(world: World, key: Iterable[str], subgraph: str) -> str:
    """A key as a field set of a subgraph: an entity in it by a key it has there."""
    return " ".join(_key_part(world, name, subgraph) for name in key)


def _key_part(world: World, name: str, subgraph: str) -> str:
    if KEY_TYPES[name][0] == KEY_OBJECT:
        return f"{name} {{ id n deep {{ x }} }}"
    if KEY_TYPES[name][0] == KEY_ENTITY:
        entity = world.entities[KEY_ENTITY]
        return f"{name} {{ {' '.join(min(entity.homes.get(subgraph, entity.keys)))} }}"
    return name


class Split:
    """The SDL of each subgraph, and of the monolith."""

    def __init__(self, world: World) -> None:
        self.world = world
        subgraphs = (*world.subgraphs, *world.interface_objects)
        self.mentioned: dict[str, set[tuple[str, str]]] = {name: set(self._mentioned(name)) for name in subgraphs}
        self.known: dict[str, set[str]] = {name: self._closure(name) for name in subgraphs}

    def sdls(self) -> dict[str, str]:
        """The subgraphs that have something to say."""
        texts = {name: self._sdl(name) for name in self.world.subgraphs if self.says(name)}
        return texts | {name: self._stranger(own) for name, own in self.world.interface_objects.items()}

    def externals(self, entity: Entity, subgraph: str) -> set[str]:
        """Fields the subgraph mentions without resolving them: required by its fields, provided by its fields."""
        stub = () if subgraph in entity.homes else entity.keys[0]
        return {
            name
            for typename, name in self.mentioned[subgraph]
            if typename == entity.name and subgraph not in entity.fields[name].owners and name not in stub
        }

    def _mentioned(self, subgraph: str) -> Iterator[tuple[str, str]]:
        """The fields of entities that the subgraph's field sets go through, those of keys aside."""
        world = self.world
        for entity in world.entities.values():
            for own in entity.fields.values():
                if own.requires and subgraph in own.owners:
                    yield from self._through(parse_field_set(own.requires), entity.name)
        for own in world.every_field():
            for typename, text in own.provides.get(subgraph, ()):
                yield from self._through(parse_field_set(text), typename)

    def _through(self, selection: SelectionSetNode, typename: str) -> Iterator[tuple[str, str]]:
        world = self.world
        for node in selection.selections:
            match node:
                case InlineFragmentNode(type_condition=condition, selection_set=inner):
                    yield from self._through(inner, condition.name.value if condition else typename)
                case FieldNode(name=name, selection_set=inner):
                    if typename in world.entities:
                        yield typename, name.value
                    if inner is not None and typename not in (KEY_OBJECT, KEY_PART):
                        yield from self._through(inner, world.fields_of(typename)[name.value].named)

    def _said(self, entity: Entity, subgraph: str) -> Iterator[Field]:
        externals = self.externals(entity, subgraph)
        for own in entity.fields.values():
            if subgraph in own.owners or own.name in externals or own.override_from == subgraph:
                yield own

    def _closure(self, subgraph: str) -> set[str]:
        """The types the subgraph must know."""
        world = self.world
        stranger = world.interface_objects.get(subgraph)
        pending = [own.named for own in stranger.fields.values()] if stranger else self._starts(subgraph)
        known: set[str] = set()
        while pending:
            name = pending.pop()
            if name in known or name in LEAVES:
                continue
            known.add(name)
            pending += self._neighbours(name, subgraph)
        return known

    def _starts(self, subgraph: str) -> list[str]:
        world = self.world
        pending = [entity.name for entity in world.entities.values() if subgraph in entity.homes]
        pending += [own.named for fields in world.roots.values() for own in fields.values() if subgraph in own.owners]
        return pending + [own.interface for own in world.interface_objects.values() if own.host == subgraph]

    def _neighbours(self, name: str, subgraph: str) -> list[str]:
        world = self.world
        if name in world.entities:
            entity = world.entities[name]
            stub = [entity.fields[key].named for key in entity.keys[0]]
            return stub + [own.named for own in self._said(entity, subgraph)]
        if name in world.values:
            return [own.named for own in self._own_values(world.values[name], subgraph)]
        if name in world.abstract:
            below = [other.name for other in world.abstract.values() if name in other.above]
            return world.abstract[name].members_in(subgraph) + below + world.abstract[name].above
        return [KEY_PART] if name == KEY_OBJECT else []

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

    def says(self, subgraph: str) -> bool:
        roots = [own for fields in self.world.roots.values() for own in fields.values()]
        return bool(self.known[subgraph]) or any(subgraph in own.owners for own in roots)

    def _sdl(self, subgraph: str) -> str:
        world, known = self.world, self.known[subgraph]
        is_first = subgraph == world.first
        parts = [SAID_FIRST] if is_first else [LINK, SAID]
        for root, fields in world.roots.items():
            lines = [self._field(own, subgraph) for own in fields.values() if subgraph in own.owners]
            parts += [block(f"{'extend ' if is_first else ''}type {root}", lines)] if lines else []
        parts += [self._entity(entity, subgraph) for entity in world.entities.values() if entity.name in known]
        parts += [self._value(value, subgraph) for value in world.values.values() if value.name in known]
        parts += _key_objects(known, "" if is_first else " @shareable")
        keyed = {(own.interface, own.host) for own in world.interface_objects.values()}
        for abstract in world.abstract.values():
            if abstract.name in known:
                names = self._interface_fields(abstract, subgraph)
                key = ' @key(fields: "id")' if (abstract.name, subgraph) in keyed else ""
                key += self._context(abstract.name, subgraph)
                parts.append(self._abstract(abstract, names, abstract.members_in(subgraph), key))
        return "\n".join(parts)

    def _context(self, name: str, subgraph: str) -> str:
        return f' @context(name: "{CONTEXT}")' if self.world.contexts.get(name) == subgraph else ""

    def _interfaces(self, type_: Entity | Value, subgraph: str) -> list[str]:
        return [
            name
            for name in type_.interfaces
            if name in self.known[subgraph] and type_.name in self.world.abstract[name].members_in(subgraph)
        ]

    def _value(self, value: Value, subgraph: str) -> str:
        lines = [own.signature for own in self._own_values(value, subgraph)] or ["_unused: Int @inaccessible"]
        directives = "" if subgraph == self.world.first else " @shareable"
        directives += " @inaccessible" if value.name in self.world.inaccessible else ""
        context = self._context(value.name, subgraph)
        interfaces = implements(self._interfaces(value, subgraph))
        return block(f"type {value.name}{interfaces}{directives}{context}", lines)

    def _entity(self, entity: Entity, subgraph: str) -> str:
        home = entity.homes.get(subgraph)
        stub = entity.keys[0]
        is_first = subgraph == self.world.first
        resolvable = "" if home or is_first else ", resolvable: false"
        texts = [key_text(self.world, key, subgraph) for key in sorted(home or {stub})]
        keys = [f'@key(fields: "{text}"{resolvable})' for text in texts]
        said = {own.name: self._field(own, subgraph) for own in self._said(entity, subgraph)}
        for name in () if home else stub:
            said[name] = entity.fields[name].signature
        for name in sorted(self.externals(entity, subgraph)):
            said[name] = f"{entity.fields[name].signature} @external"
        extends = ""
        if is_first and any(entity.name in known for name, known in self.known.items() if name != subgraph):
            extends = "extend "
            for name in {name for key in home or {stub} for name in key}:
                said[name] = f"{entity.fields[name].signature} @external"
        context = self._context(entity.name, subgraph)
        head = f"{extends}type {entity.name}{implements(self._interfaces(entity, subgraph))} {' '.join(keys)}{context}"
        return block(head, said.values())

    def _field(self, own: Field, subgraph: str) -> str:
        directives = [own.signature_in(subgraph)]
        if own.override_from == subgraph:
            return own.signature
        if subgraph != self.world.first and (len(own.owners) > 1 or own.is_provided):
            directives.append("@shareable")
        if own.requires:
            directives.append(f'@requires(fields: "{own.requires}")')
        if subgraph in own.provides:
            provided = [
                text if typename == own.named else f"... on {typename} {{ {text} }}"
                for typename, text in sorted(own.provides[subgraph])
            ]
            directives.append(f'@provides(fields: "{" ".join(provided)}")')
        if own.override_from:
            label = f', label: "{own.override_label}"' if own.override_label else ""
            directives.append(f'@override(from: "{own.override_from}"{label})')
        if own.is_inaccessible:
            directives.append("@inaccessible")
        return " ".join(directives)

    def _abstract(self, abstract: Abstract, names: Iterable[str], members: list[str], directives: str = "") -> str:
        if not abstract.fields:
            return f"union {abstract.name}{directives} = {' | '.join(members)}"
        fields = self.world.fields_of(abstract.members[0])
        head = f"interface {abstract.name}{implements(abstract.above)}{directives}"
        return block(head, [fields[name].signature for name in names])

    def _stranger(self, interface_object: InterfaceObject) -> str:
        world, subgraph = self.world, interface_object.subgraph
        known = self.known[subgraph]
        implementation = world.entities[world.abstract[interface_object.interface].members[0]]
        required = {name for own in interface_object.fields.values() for name in own.requires.split()}
        lines = ["id: ID!"]
        lines += [f"{implementation.fields[name].signature} @external" for name in sorted(required)]
        lines += [self._field(own, subgraph) for own in interface_object.fields.values()]
        parts = [LINK, SAID]
        roots = [own for own in world.roots["Query"].values() if subgraph in own.owners]
        if roots:
            parts.append(block("type Query", [self._field(own, subgraph) for own in roots]))
        parts.append(block(f'type {interface_object.interface} @interfaceObject @key(fields: "id")', lines))
        parts += [self._entity(entity, subgraph) for entity in world.entities.values() if entity.name in known]
        parts += [self._value(value, subgraph) for value in world.values.values() if value.name in known]
        return "\n".join((*parts, *_key_objects(known, " @shareable")))

    def merged(self) -> str:
        """The schema of the monolith: what all subgraphs say together."""
        world = self.world
        known = set().union(*self.known.values())
        parts = [KNOWN]
        parts += [block(f"type {root}", [f.signature for f in fields.values()]) for root, fields in world.roots.items()]
        objects: list[Entity | Value] = [*world.entities.values(), *world.values.values()]
        for type_ in objects:
            if type_.name in known and type_.name not in world.inaccessible:
                interfaces = {
                    i for s in world.subgraphs if type_.name in self.known[s] for i in self._interfaces(type_, s)
                }
                lines = [own.signature for own in type_.fields.values() if not own.is_inaccessible]
                parts.append(block(f"type {type_.name}{implements(sorted(interfaces))}", lines))
        parts += _key_objects(known, "")
        for abstract in world.abstract.values():
            if abstract.name in known:
                parts.append(self._merged_abstract(abstract))
        return "\n".join(parts)

    def _merged_abstract(self, abstract: Abstract) -> str:
        knowing = [subgraph for subgraph in self.world.subgraphs if abstract.name in self.known[subgraph]]
        said = {name for subgraph in knowing for name in self._interface_fields(abstract, subgraph)}
        members = [
            member
            for member in abstract.members
            if any(member in abstract.members_in(subgraph) for subgraph in knowing)
            and member not in self.world.inaccessible
        ]
        names = [name for name in abstract.fields if name in said]
        for extended in self.world.interface_objects.values():
            names += extended.fields if extended.interface == abstract.name else ()
        return self._abstract(abstract, names, members)


def _key_objects(known: set[str], directive: str) -> list[str]:
    objects = ((KEY_OBJECT, KEY_FIELDS), (KEY_PART, KEY_PART_FIELDS))
    return [block(f"type {name}{directive}", fields) for name, fields in objects if name in known]


def implements(names: Iterable[str]) -> str:
    names = list(names)
    return f" implements {' & '.join(names)}" if names else ""


def block(head: str, lines: Iterable[str]) -> str:
    return f"{head} {{\n" + "".join(f"  {line}\n" for line in lines) + "}"
