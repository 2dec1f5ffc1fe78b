"""Drawing what follows from directives, on a world whose fields have owners."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.router.oracle.choices import often, pick, subset
from tests.router.oracle.split import Split, key_text
from tests.router.oracle.world import (
    CONSUMER,
    CONTEXT,
    CONTEXT_TYPE,
    DEFAULTED,
    KEY_TYPES,
    KEYS,
    LEAVES,
    STRANGERS,
    WRAPPINGS,
    Entity,
    Field,
)

if TYPE_CHECKING:
    from tests.router.oracle.choices import Choices
    from tests.router.oracle.world import Abstract, World


def draw_directives(choices: Choices, world: World) -> None:
    _consumer(choices, world)
    _interface_object_requires(choices, world)
    _requires(choices, world)
    _provides(choices, world)
    _overrides(choices, world)
    _inaccessible(choices, world)
    _varied(choices, world)
    _first_version(choices, world)


def _consumer(choices: Choices, world: World) -> None:
    """An entity with an argument from the object around it, which is one of some entities, or of an abstract type."""
    if not often(choices, 25):
        return
    split = Split(world)
    abstract_in = {
        home: [a for a in world.abstract.values() if a.name in split.known[home] and _is_all_entities(world, a, home)]
        for home in world.subgraphs
    }
    homes = [home for home, abstract in abstract_in.items() if any(not one.fields for one in abstract)]
    home = pick(choices, homes if homes and often(choices, 50) else world.subgraphs)
    around = [entity for entity in world.entities.values() if home in entity.homes]
    if not around:
        return
    abstract = abstract_in[home]
    if abstract and often(choices, 75):
        unions = [one for one in abstract if not one.fields]
        chosen = pick(choices, unions if unions and often(choices, 60) else abstract)
        around = [world.entities[member] for member in chosen.members]
        for interface in world.abstract.values():
            if chosen.fields and chosen.name in (interface.name, *interface.above):
                interface.fields += ["ctx", "cx"]
        world.contexts[chosen.name] = home
    else:
        chosen = None
        around = subset(choices, around)[:2]
        world.contexts |= {entity.name: home for entity in around}
    value = Field("cx", CONTEXT_TYPE, pick(choices, ("{}", "{}!")), owners={home}, is_input=True)
    way = Field("ctx", CONSUMER, pick(choices, WRAPPINGS), owners={home})
    selected = {entity.name: _context_value(choices, entity, value if chosen else None, home) for entity in around}
    others = {entity.name: pick(choices, _context_values(entity, home)).name for entity in around}
    for entity in around:
        entity.fields[others[entity.name]].is_input = True
        entity.fields["ctx"] = replace(way, owners=set(way.owners))
    texts = {name: _context_text(one, chosen) for name, one in (("around", selected), ("beside", others))}
    world.entities[CONSUMER] = _drawn_consumer(choices, world, home, texts)


def _context_text(selected: dict[str, str], chosen: Abstract | None) -> str:
    """What selects the value, by the types around and the field of each."""
    names = set(selected.values())
    fragments = [f"... on {name} {{ {own} }}" for name, own in selected.items()]
    is_plain = len(names) == 1 and not (chosen and (not chosen.fields or not names <= {*chosen.fields}))
    text = f"{{ {names.pop()} }}" if is_plain else " ".join(fragments)
    return f"${CONTEXT} {text}"


def _is_all_entities(world: World, abstract: Abstract, home: str) -> bool:
    """Whether each member is an entity that the subgraph takes and knows as a member."""
    members = [world.entities.get(member) for member in abstract.members]
    is_object = any(own.interface == abstract.name for own in world.interface_objects.values())
    is_known = abstract.members_in(home) == abstract.members
    return is_known and not is_object and all(member and home in member.homes for member in members)


def _context_value(choices: Choices, entity: Entity, common: Field | None, home: str) -> str:
    """The field of an entity around that gives the argument its value."""
    usable = _context_values(entity, home)
    if common is None and usable and often(choices, 50):
        own = pick(choices, usable)
    else:
        own = replace(common) if common else Field("cx", CONTEXT_TYPE, owners={home})
        own.owners = {home, pick(choices, sorted(entity.homes))}
        entity.fields["cx"] = own
    own.is_input = True
    return own.name


def _context_values(entity: Entity, home: str) -> list[Field]:
    """The fields that can give an argument its value."""
    return [
        own
        for own in entity.fields.values()
        if own.named == CONTEXT_TYPE and own.wrapping in {"{}", "{}!"} and home in own.owners and not own.arguments
    ]


def _drawn_consumer(choices: Choices, world: World, home: str, texts: dict[str, str]) -> Entity:
    """`texts` say where contextual arguments have their values from, by name: the first field has one or both."""
    first = {"around": texts["around"]}
    homes = {home, *subset(choices, world.subgraphs)[:2]}
    fields = {
        "id": Field("id", *KEY_TYPES["id"], owners=set(homes)),
        "v": Field("v", "String", pick(choices, ("{}", "{}!")), owners={home}),
        "w": Field("w", pick(choices, LEAVES), owners={pick(choices, sorted(homes))}),
    }
    if often(choices, 40):
        fields["v"].arguments = ("n",)
    if often(choices, 40):
        first = texts
    fields["v"].contextual = first
    if often(choices, 40):
        fields["u"] = Field("u", "String", owners={home}, contextual={"beside": texts["beside"]})
    if often(choices, 40):
        way = pick(choices, ("{}", "[{}]"))
        fields["again"] = Field("again", CONSUMER, way, owners={pick(choices, sorted(homes))})
    return Entity(CONSUMER, fields, (KEYS[0],), {name: {KEYS[0]} for name in homes})


def _interface_object_requires(choices: Choices, world: World) -> None:
    """Fields of an interface object made of others of the interface.

    The host resolves those for each member, or a subgraph of another interface object for all.
    """
    for extended in world.interface_objects.values():
        abstract = world.abstract[extended.interface]
        members = [world.entities[member] for member in abstract.members]
        inputs = [
            name
            for name in abstract.fields
            if name != "id" and all(_is_plain_leaf(member.fields[name]) for member in members)
        ]
        others = {
            name: own
            for other in world.interface_objects.values()
            if other is not extended and other.interface == abstract.name
            for name, own in other.fields.items()
            if _is_plain_leaf(own)
        }
        for own in extended.fields.values():
            if own.is_input or own.type != "String" or own.arguments or not (inputs or others):
                continue
            if often(choices, 75):
                options = others if others and often(choices, 50) else [*inputs, *others]
                chosen = subset(choices, options)[:2]
                own.requires = " ".join(chosen)
                for required in [member.fields[name] for member in members for name in chosen]:
                    required.owners |= {extended.host} if required.owners else set()
                    required.is_input = True
                for name in others.keys() & set(chosen):
                    others[name].is_input = True


def _is_plain_leaf(own: Field) -> bool:
    """Whether a field of an entity that some subgraph resolves can stand in a field set by its name."""
    return own.is_leaf and bool(own.owners) and not own.arguments and not own.requires and not own.contextual


def _requires(choices: Choices, world: World) -> None:
    for entity in world.entities.values():
        for index in range(choices.number(0, 2) if len(entity.homes) > 1 else 0):
            owner = pick(choices, sorted(entity.homes))
            wrapping = pick(choices, ("{}", "{}", "{}!"))
            entity.fields[f"r{index}"] = Field(f"r{index}", "String", wrapping, owners={owner})
        plain = {own.name for own in entity.fields.values() if own.owners and not entity.is_key(own.name)}
        computed: set[str] = set()
        for own in entity.fields.values():
            is_string = own.named == "String" and own.wrapping in {"{}", "{}!"}
            is_able = (
                is_string and not own.arguments and len(own.owners) == 1 and not own.is_input and not own.contextual
            )
            if own.name in plain and is_able and often(choices, 90 if own.name[0] == "r" else 40):
                _require(choices, world, own, [entity.fields[name] for name in sorted(plain | computed)])
                plain -= {own.name}
                # What it is computed from stays as it is, so that nothing is computed from itself.
                plain -= {other.name for other in entity.fields.values() if other.is_input}
                computed |= {own.name, *(other.name for other in entity.fields.values() if other.is_input)}


def _require(choices: Choices, world: World, own: Field, others: list[Field]) -> None:
    inputs = [other for other in others if other is not own and not other.owners & own.owners]
    parts = [_required(choices, world, own, other) for other in inputs if often(choices, 60)]
    own.requires = " ".join(filter(None, parts))


def _required(choices: Choices, world: World, own: Field, other: Field) -> str:
    """The part of a field's `@requires` that selects another field, empty when it cannot be required.

    An argument with a default is left alone: only the schema knows what its absence means.
    """
    (subgraph,) = own.owners
    if DEFAULTED & set(other.arguments) or other.contextual:
        return ""
    if other.is_leaf:
        other.is_input = True
        return f"{other.name}(n: {choices.number(1, 2)})" if "n" in other.arguments else other.name
    if other.arguments or other.named in {"W0", "Query"}:
        return ""
    if other.named in world.values:
        inner = _leaves(world, other.named)
    elif other.named in world.abstract:
        inner = _fragments(world, world.abstract[other.named].members_in(subgraph))
    else:
        entity = world.entities[other.named]
        leaves = [leaf for leaf in entity.fields.values() if _is_plain_leaf(leaf) and not entity.is_key(leaf.name)]
        more = [leaf for leaf in leaves if leaf is not own and often(choices, 35)]
        for leaf in more:
            leaf.is_input = True
        key = key_text(world, min(entity.homes.get(subgraph, entity.keys)), subgraph)
        inner = " ".join((key, *(leaf.name for leaf in more)))
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
        for owner in sorted(own.owners.difference(STRANGERS)):
            target = world.entities[pick(choices, members)]
            if often(choices, 35):
                text = _provided(choices, world, target, owner, depth=0)
                own.provides |= {owner: {(target.name, text)}} if text else {}


def _provided(choices: Choices, world: World, target: Entity, owner: str, depth: int) -> str:
    """A field set of what the owner of a field can say of the entity it leads to beyond its own fields."""
    options = [
        own
        for own in target.fields.values()
        if own.owners and owner not in own.owners and not target.is_key(own.name)
        if not own.requires and not own.arguments and not own.contextual and not own.override_from
        if own.is_leaf or own.named in world.values or (own.named in world.entities and depth == 0)
    ]
    if not options:
        return ""
    own = pick(choices, options)
    inner = ""
    if own.named in world.values:
        inner = "" if own.named == "W0" else _leaves(world, own.named)
    elif own.named in world.entities:
        inner = _provided(choices, world, world.entities[own.named], owner, depth + 1)
    if not own.is_leaf and not inner:
        return ""
    own.is_provided = own.is_input = True
    return own.name if own.is_leaf else f"{own.name} {{ {inner} }}"


def _overrides(choices: Choices, world: World) -> None:
    for entity in world.entities.values():
        for own in entity.fields.values():
            is_free = not own.is_provided and not own.requires and not own.is_input and not own.provides
            if len(own.owners) != 1 or not is_free or own.name[0] != "f" or not often(choices, 25):
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
                own.override_label = pick(choices, ("", "percent(50)", "moved"))
                world.labels |= {own.override_label} - {""}


def _inaccessible(choices: Choices, world: World) -> None:
    """Fields that clients do not know, keys and inputs of others among them; each type keeps one they do."""
    for entity in world.entities.values():
        common = {name for interface in entity.interfaces for name in world.abstract[interface].fields}
        for own in entity.fields.values():
            left = [other for other in entity.fields.values() if other is not own and not other.is_inaccessible]
            if left and own.owners and own.name not in common and often(choices, 8):
                own.is_inaccessible = True


def _varied(choices: Choices, world: World) -> None:
    """Owners of a shared field that promise more than others do."""
    for own in world.every_field():
        is_free = not (own.requires or own.override_from or own.is_provided or own.provides or own.name in KEY_TYPES)
        others = sorted(own.owners.difference(STRANGERS))[1:]
        if not others or not is_free or not often(choices, 25):
            continue
        wrapping = own.wrapping if own.wrapping.endswith("!") else own.wrapping + "!"
        members = world.allowed(own, own.owners) if own.named in world.abstract else []
        members = [member for member in members if member not in world.inaccessible]
        if members and often(choices, 60):
            own.narrowed = pick(choices, members)
        type_ = wrapping.format(own.narrowed or own.named)
        own.varied = dict.fromkeys(subset(choices, others), type_)


def _first_version(choices: Choices, world: World) -> None:
    """Sometimes one subgraph speaks Federation 1, which has no word for much of what others say."""
    split = Split(world)
    speaking = [name for name in world.subgraphs if split.says(name)]
    able = [name for name in speaking if len(speaking) > 1 and _speaks_first_version(world, split, name)]
    if able and often(choices, 40):
        world.first = pick(choices, able)


def _speaks_first_version(world: World, split: Split, subgraph: str) -> bool:
    """Whether it hides nothing, overrides nothing, takes no context and hosts no interface object."""
    known = split.known[subgraph]
    resolved = [own for own in world.every_field() if subgraph in own.owners]
    divided = world.values.get("W0")
    return (
        not known & world.inaccessible
        and not any(own.is_inaccessible or own.override_from or own.contextual for own in resolved)
        and subgraph not in world.contexts.values()
        and all(own.host != subgraph for own in world.interface_objects.values())
        and not (divided and "W0" in known and not any(subgraph in own.owners for own in divided.fields.values()))
    )
