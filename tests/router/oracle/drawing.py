"""Drawing a world: first what exists, then who resolves it, then what follows from directives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.router.oracle.choices import often, pick, subset
from tests.router.oracle.split import Split, key_text
from tests.router.oracle.world import (
    ARGUMENTS,
    KEY_OBJECT,
    KEYS,
    LEAVES,
    STRANGER,
    SUBGRAPHS,
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
    _hidden_members(choices, world)
    _interface_object(choices, world)
    _requires(choices, world)
    _provides(choices, world)
    _overrides(choices, world)
    return world


def _types(choices: Choices, world: World) -> None:
    for index in range(choices.number(1, 3)):
        world.entities[f"E{index}"] = Entity(f"E{index}")
    for index in range(choices.number(0, 2)):
        world.values[f"V{index}"] = Value(f"V{index}")
    objects = [*world.entities, *world.values]
    for index in range(choices.number(0, 2)):
        _interface(choices, world, f"I{index}", objects)
    if often(choices, 40):
        world.abstract["U0"] = Abstract("U0", subset(choices, objects))
    for entity in world.entities.values():
        _keys(choices, world, entity)


def _interface(choices: Choices, world: World, name: str, objects: list[str]) -> None:
    """An interface; the second one sometimes implements the first."""
    above = [other for other in world.abstract if often(choices, 30)]
    options = world.abstract[above[0]].members if above else objects
    world.abstract[name] = Abstract(name, subset(choices, options), ["id"], above=above)
    for member in world.abstract[name].members:
        world.object(member).interfaces.append(name)


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
    entity.keys = tuple(sorted(known))
    for name in sorted({name for key in known for name in key}):
        owners = {home for home, keys in entity.homes.items() if any(name in key for key in keys)}
        entity.fields[name] = Field(name, KEY_OBJECT if name == "kv" else "ID", "{}!", owners=owners)


def _field(choices: Choices, world: World, name: str) -> Field:
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


def _hidden_members(choices: Choices, world: World) -> None:
    """Members of unions and interfaces that some subgraph does not know as such; the first one all know."""
    for abstract in world.abstract.values():
        if len(abstract.members) == 1 or not _stands_alone(world, abstract):
            continue
        for subgraph in world.subgraphs:
            if often(choices, 15):
                kept = {abstract.members[0], *subset(choices, abstract.members)}
                abstract.hidden[subgraph] = set(abstract.members) - kept


def _stands_alone(world: World, abstract: Abstract) -> bool:
    """Whether it implements no interface and none implements it."""
    return not abstract.above and not any(abstract.name in other.above for other in world.abstract.values())


def _interface_object(choices: Choices, world: World) -> None:
    """A further subgraph that adds fields to an interface whose implementations it does not know."""
    candidates = [
        abstract
        for abstract in world.abstract.values()
        if abstract.fields and _stands_alone(world, abstract)
        if all(member in world.entities for member in abstract.members)
    ]
    if not candidates or not often(choices, 60):
        return
    abstract = pick(choices, candidates)
    host = pick(choices, world.subgraphs)
    abstract.hidden.pop(host, None)
    for member in abstract.members:
        entity = world.entities[member]
        entity.homes.setdefault(host, set()).add(KEYS[0])
        entity.fields["id"].owners.add(host)
    world.interface_object = InterfaceObject(abstract.name, host)
    for index in range(choices.number(1, 3)):
        name = f"o{index}"
        own = Field(name, pick(choices, LEAVES), pick(choices, ("{}", "{}!")))
        world.interface_object.fields[name] = own
        for member in abstract.members:
            world.entities[member].fields[name] = Field(name, own.named, own.wrapping)
    if often(choices, 50):
        world.roots["Query"]["qx"] = Field("qx", abstract.name, pick(choices, ("{}", "[{}]")), owners={STRANGER})


def _requires(choices: Choices, world: World) -> None:
    for entity in world.entities.values():
        for index in range(choices.number(0, 2) if len(entity.homes) > 1 else 0):
            owner = pick(choices, sorted(entity.homes))
            entity.fields[f"r{index}"] = Field(f"r{index}", "String", owners={owner})
        plain = {own.name for own in entity.fields.values() if own.owners and not entity.is_key(own.name)}
        computed: set[str] = set()
        for own in entity.fields.values():
            is_able = own.type == "String" and not own.arguments and len(own.owners) == 1
            if own.name in plain and is_able and often(choices, 90 if own.name[0] == "r" else 40):
                _require(choices, world, own, [entity.fields[name] for name in sorted(plain | computed)])
                plain -= {own.name}
                # What it is computed from stays as it is, so that nothing is computed from itself.
                plain -= {other.name for other in entity.fields.values() if other.is_input}
                computed |= {own.name, *(other.name for other in entity.fields.values() if other.is_input)}


def _require(choices: Choices, world: World, own: Field, others: list[Field]) -> None:
    inputs = [other for other in others if other is not own and not other.owners & own.owners]
    parts = [_required(choices, world, other, min(own.owners)) for other in inputs if often(choices, 60)]
    own.requires = " ".join(filter(None, parts))


def _required(choices: Choices, world: World, other: Field, subgraph: str) -> str:
    """The part of a field set of the subgraph that selects the field, empty when it cannot be required.

    An argument with a default is left alone: only the schema knows what its absence means.
    """
    if "s" in other.arguments:
        return ""
    if other.is_leaf:
        other.is_input = True
        return f"{other.name}(n: {choices.number(1, 2)})" if "n" in other.arguments else other.name
    if other.arguments or other.named == "W0":
        return ""
    if other.named in world.values:
        inner = _leaves(world, other.named)
    elif other.named in world.abstract:
        inner = _fragments(world, world.abstract[other.named].members_in(subgraph))
    else:
        entity = world.entities[other.named]
        inner = " ".join(map(key_text, min(entity.homes.get(subgraph, entity.keys))))
    other.is_input = other.is_input or bool(inner)
    return f"{other.name} {{ {inner} }}" if inner else ""


def _leaves(world: World, name: str) -> str:
    leaves = [own for own in world.values[name].fields.values() if own.is_leaf and not own.arguments and not own.owners]
    for own in leaves:
        own.is_input = True
    return " ".join(own.name for own in leaves)


def _fragments(world: World, members: list[str]) -> str:
    """Something of each member that is a value, behind its type."""
    by_member = {member: _leaves(world, member) for member in members if member in world.values}
    return " ".join(f"... on {member} {{ {leaves} }}" for member, leaves in by_member.items() if leaves)


def _provides(choices: Choices, world: World) -> None:
    for own in list(world.every_field()):
        members = [m for m in world.allowed(own, own.owners) if m in world.entities] if not own.is_leaf else []
        if not members:
            continue
        for owner in sorted(own.owners - {STRANGER}):
            target = world.entities[pick(choices, members)]
            options = [
                other
                for other in target.fields.values()
                if other.is_leaf and other.owners and owner not in other.owners and not target.is_key(other.name)
                if not other.requires and not other.arguments
            ]
            if options and often(choices, 30):
                chosen = pick(choices, options)
                own.provides.setdefault(owner, set()).add((target.name, chosen.name))
                chosen.is_provided = chosen.is_input = True


def _overrides(choices: Choices, world: World) -> None:
    for entity in world.entities.values():
        for own in entity.fields.values():
            is_free = not own.is_provided and not own.requires and not own.is_input and not own.provides
            if len(own.owners) != 1 or not is_free or own.name[0] != "f" or not often(choices, 10):
                continue
            split = Split(world)
            others = [
                home
                for home in entity.homes
                if home not in own.owners
                and own.name not in split.externals(entity, home)
                and (own.is_leaf or own.named in split.known[home])
            ]
            if others:
                own.override_from = pick(choices, others)
