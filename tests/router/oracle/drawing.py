"""Drawing a world: first what exists, then who resolves it, then what follows from directives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.router.oracle.choices import often, pick, subset
from tests.router.oracle.directives import draw_directives
from tests.router.oracle.world import (
    ARGUMENTS,
    KEY_ENTITY,
    KEY_TYPES,
    KEYS,
    LEAF_WRAPPINGS,
    LEAVES,
    PLAIN_KEYS,
    STRANGERS,
    SUBGRAPHS,
    WRAPPINGS,
    Abstract,
    Entity,
    Field,
    InterfaceObject,
    Value,
    World,
)

if TYPE_CHECKING:
    from tests.router.oracle.choices import Choices


def draw_world(choices: Choices) -> World:
    world = World(SUBGRAPHS[: choices.number(2, 4)])
    _types(choices, world)
    _fields(choices, world)
    _roots(choices, world)
    _divided_value(choices, world)
    _way_back(choices, world)
    _hidden_members(choices, world)
    _interface_objects(choices, world)
    draw_directives(choices, world)
    return world


def _types(choices: Choices, world: World) -> None:
    for index in range(choices.number(1, 3)):
        world.entities[f"E{index}"] = Entity(f"E{index}")
    for index in range(choices.number(0, 2)):
        world.values[f"V{index}"] = Value(f"V{index}")
    objects = [*world.entities, *world.values]
    for index in range(choices.number(0, 3)):
        _interface(choices, world, f"I{index}", objects)
    if often(choices, 55):
        world.abstract["U0"] = Abstract("U0", subset(choices, objects))
    if often(choices, 20):
        _inaccessible_member(choices, world)
    for entity in world.entities.values():
        _keys(choices, world, entity)
    if any("ke" in entity.fields for entity in world.entities.values()):
        world.entities[KEY_ENTITY] = Entity(KEY_ENTITY)
        _key_entity(choices, world, world.entities[KEY_ENTITY])


def _interface(choices: Choices, world: World, name: str, objects: list[str]) -> None:
    """An interface, which may implement earlier ones, and with each those that one implements."""
    above: list[str] = []
    options = list(world.entities) if often(choices, 50) else objects
    for other in world.abstract.values():
        common = [member for member in options if member in other.members]
        if common and often(choices, 35):
            above += [name for name in (*other.above, other.name) if name not in above]
            options = common
    world.abstract[name] = Abstract(name, subset(choices, options), ["id"], above=above)
    for member in world.abstract[name].members:
        world.object(member).interfaces.append(name)


def _inaccessible_member(choices: Choices, world: World) -> None:
    """A member of interfaces and unions that clients do not know."""
    alone = [abstract for abstract in world.abstract.values() if stands_alone(world, abstract)]
    if alone:
        world.inaccessible.add("H0")
        world.values["H0"] = Value("H0")
        for abstract in subset(choices, alone):
            abstract.members.append("H0")
            world.values["H0"].interfaces += [abstract.name] if abstract.fields else []


def _keys(choices: Choices, world: World, entity: Entity) -> None:
    """Homes, each of which shares a key with an earlier one: so each is reached from each."""
    always: set[tuple[str, ...]] = {KEYS[0]} if entity.interfaces else set()
    known: set[tuple[str, ...]] = set()
    homes = subset(choices, world.subgraphs)
    if len(homes) == 1 and often(choices, 60):
        homes += subset(choices, [name for name in world.subgraphs if name not in homes])
    for home in homes:
        keys = set(always) or {pick(choices, sorted(known) if known else KEYS)}
        if often(choices, 30):
            keys.add(pick(choices, KEYS))
        known |= keys
        entity.homes[home] = keys
    _key_fields(entity)


def _key_entity(choices: Choices, world: World, entity: Entity) -> None:
    """Homes with a key of their own each, and one that knows all of these.

    That one takes no other entity by this: composition does not look in the subgraph that it is to move to for what the
    move takes.
    """
    keyed = {home for other in world.entities.values() for home, keys in other.homes.items() if ("ke",) in keys}
    hubs = [subgraph for subgraph in world.subgraphs if subgraph not in keyed]
    homes = subset(choices, world.subgraphs)
    common = pick(choices, PLAIN_KEYS)
    entity.homes |= {home: {pick(choices, PLAIN_KEYS) if hubs else common} for home in homes}
    if hubs:
        entity.homes[pick(choices, hubs)] = set[tuple[str, ...]]().union(*entity.homes.values())
    _key_fields(entity)


def _key_fields(entity: Entity) -> None:
    known = set[tuple[str, ...]]().union(*entity.homes.values())
    entity.keys = tuple(sorted(known))
    for name in sorted({name for key in known for name in key}):
        owners = {home for home, keys in entity.homes.items() if any(name in key for key in keys)}
        entity.fields[name] = Field(name, *KEY_TYPES[name], owners=owners)


def _field(choices: Choices, world: World, name: str) -> Field:
    if often(choices, 55):
        drawn = Field(name, pick(choices, LEAVES), pick(choices, LEAF_WRAPPINGS))
        if drawn.type == "String" and often(choices, 35):
            drawn.arguments = ("n",) if often(choices, 70) else tuple(subset(choices, ARGUMENTS))[:2]
        return drawn
    drawn = Field(name, pick(choices, world.composites()), pick(choices, WRAPPINGS))
    if drawn.wrapping.startswith("[{") and often(choices, 20):
        drawn.arguments = ("first",)
    return drawn


def _fields(choices: Choices, world: World) -> None:
    common = _common_fields(choices, world)
    for name in [*world.entities, *world.values]:
        type_ = world.object(name)
        if isinstance(type_, Value):
            type_.fields["id"] = Field("id", "ID", "{}!")
        for drawn in [own for interface in type_.interfaces for own in common[interface]]:
            type_.fields[drawn.name] = Field(drawn.name, drawn.named, drawn.wrapping, drawn.arguments)
        for index in range(choices.number(1, 4)):
            type_.fields[f"f{index}"] = _field(choices, world, f"f{index}")
    for entity in world.entities.values():
        for own in entity.fields.values():
            own.owners = own.owners or _owners(choices, sorted(entity.homes))


def _common_fields(choices: Choices, world: World) -> dict[str, list[Field]]:
    """The fields each interface adds for its members."""
    common: dict[str, list[Field]] = {}
    for name, abstract in world.abstract.items():
        if abstract.fields:
            count = choices.number(0, 2)
            common[name] = [_field(choices, world, f"{name.lower()}_{index}") for index in range(count)]
            abstract.fields += [own.name for own in common[name]]
    for abstract in world.abstract.values():
        for above in abstract.above:
            abstract.fields += [name for name in world.abstract[above].fields if name not in abstract.fields]
    return common


def _owners(choices: Choices, options: list[str]) -> set[str]:
    """Mostly one; several share the field."""
    owners = {pick(choices, options)}
    return owners | set(subset(choices, options)) if often(choices, 25) else owners


def _roots(choices: Choices, world: World) -> None:
    world.roots["Query"] = {}
    for index in range(choices.number(1, 4)):
        name = f"q{index}"
        wrapping = pick(choices, ("{}", "{}", "[{}]", "[{}!]", "{}!"))
        root = Field(name, pick(choices, world.composites()), wrapping)
        if often(choices, 15):
            root = _field(choices, world, name)
        root.owners = _owners(choices, list(world.subgraphs))
        world.roots["Query"][name] = root
    if often(choices, 30):
        world.roots["Mutation"] = {}
        for index in range(choices.number(1, 3)):
            mutation = Field(f"m{index}", pick(choices, [*world.entities]), arguments=("to",))
            mutation.owners = {pick(choices, world.subgraphs)}
            world.roots["Mutation"][mutation.name] = mutation


def _divided_value(choices: Choices, world: World) -> None:
    """A type without a key whose fields are spread over the subgraphs that share every way to it."""
    if not often(choices, 30):
        return
    owners = set(subset(choices, world.subgraphs))
    fields: dict[str, Field] = {}
    for index in range(choices.number(1, 3)):
        own = _field(choices, world, f"w{index}")
        own.owners = _owners(choices, sorted(owners))
        fields[own.name] = own
    world.values["W0"] = Value("W0", fields)
    ways = [world.roots["Query"]] + [e.fields for e in world.entities.values() if owners <= e.homes.keys()]
    for way in ways:
        if way is ways[0] or often(choices, 50):
            wrapping = pick(choices, ("{}", "[{}]", "{}!"))
            way["w"] = Field("w", "W0", wrapping, owners=set(owners))


def _way_back(choices: Choices, world: World) -> None:
    """A field that leads to the query root again, of which every subgraph has a part then."""
    if not often(choices, 12):
        return
    name = pick(choices, [*world.entities, *(name for name in world.values if name[0] == "V")])
    roots = world.roots["Query"]
    for subgraph in world.subgraphs:
        if not any(subgraph in root.owners for root in roots.values()):
            roots["q0"].owners.add(subgraph)
    back = Field("root", "Query", pick(choices, ("{}", "{}!")))
    if name in world.entities:
        back.owners = _owners(choices, sorted(world.entities[name].homes))
    world.object(name).fields["root"] = back


def _hidden_members(choices: Choices, world: World) -> None:
    """Members of unions and interfaces that some subgraph does not know as such; the first one all know."""
    for abstract in world.abstract.values():
        if len(abstract.members) == 1 or not stands_alone(world, abstract):
            continue
        for subgraph in world.subgraphs:
            if often(choices, 30):
                kept = {abstract.members[0], *subset(choices, abstract.members)}
                abstract.hidden[subgraph] = set(abstract.members) - kept


def stands_alone(world: World, abstract: Abstract) -> bool:
    """Whether it implements no interface and none implements it."""
    return not abstract.above and not any(abstract.name in other.above for other in world.abstract.values())


def _interface_objects(choices: Choices, world: World) -> None:
    """Further subgraphs that add fields to interfaces whose implementations they do not know."""
    if often(choices, 75):
        _interface_object(choices, world, STRANGERS[0], "o")
    if world.interface_objects and often(choices, 40):
        _interface_object(choices, world, STRANGERS[1], "p")


def _interface_object(choices: Choices, world: World, subgraph: str, prefix: str) -> None:
    """An interface that has a host knows it as an object as well; another may be one to another subgraph."""
    candidates = [
        abstract
        for abstract in world.abstract.values()
        if abstract.fields and stands_alone(world, abstract)
        if all(member in world.entities for member in abstract.members)
    ]
    if not candidates:
        return
    abstract = pick(choices, candidates)
    hosts = [own.host for own in world.interface_objects.values() if own.interface == abstract.name]
    host = pick(choices, hosts or world.subgraphs)
    abstract.hidden.pop(host, None)
    for member in abstract.members:
        entity = world.entities[member]
        entity.homes.setdefault(host, set()).add(KEYS[0])
        entity.fields["id"].owners.add(host)
    extended = world.interface_objects[subgraph] = InterfaceObject(subgraph, abstract.name, host)
    for index in range(choices.number(1, 3)):
        own = _extension(choices, world, abstract, f"{prefix}{index}")
        own.owners = {subgraph}
        extended.fields[own.name] = own
        for member in abstract.members:
            world.entities[member].fields[own.name] = replace(own, owners=set())
    if often(choices, 50):
        way = Field(f"q{subgraph}", abstract.name, pick(choices, ("{}", "[{}]")), owners={subgraph})
        world.roots["Query"][way.name] = way


def _extension(choices: Choices, world: World, abstract: Abstract, name: str) -> Field:
    """A field of an interface object: a leaf, a value of leaves or an entity that does not implement the interface."""
    simple = [value.name for value in world.values.values() if all(own.is_leaf for own in value.fields.values())]
    others = [name for name in (*world.entities, *simple) if name not in abstract.members]
    others = [name for name in others if name not in world.inaccessible and name != "W0"]
    if others and often(choices, 30):
        return Field(name, pick(choices, others), pick(choices, ("{}", "{}!", "[{}]")))
    named = "String" if often(choices, 50) else pick(choices, LEAVES)
    own = Field(name, named, pick(choices, ("{}", "{}", "{}!")))
    if own.type == "String" and often(choices, 40):
        own.arguments = tuple(subset(choices, ARGUMENTS))[:2]
    return own
