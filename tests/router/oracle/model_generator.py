"""Generates the model of a federation: first its types and fields, then their owners, then directives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.router.oracle.choices import chance, pick, subset
from tests.router.oracle.directive_generator import add_directives
from tests.router.oracle.federation_model import (
    ARGUMENTS,
    INTERFACE_OBJECT_SUBGRAPHS,
    KEY_ENTITY,
    KEY_TYPES,
    KEYS,
    LEAF_TYPES,
    LEAF_WRAPPINGS,
    PLAIN_KEYS,
    SUBGRAPHS,
    WRAPPINGS,
    AbstractType,
    Entity,
    FederationModel,
    Field,
    InterfaceObject,
    ValueType,
)

if TYPE_CHECKING:
    from tests.router.oracle.choices import Choices


def generate_model(choices: Choices) -> FederationModel:
    model = FederationModel(SUBGRAPHS[: choices.number(2, 4)])
    _add_types(choices, model)
    _add_fields(choices, model)
    _add_root_fields(choices, model)
    _add_value_type_of_several_subgraphs(choices, model)
    _add_field_to_query_root(choices, model)
    _remove_members_from_subgraphs(choices, model)
    _add_interface_objects(choices, model)
    add_directives(choices, model)
    return model


def _add_types(choices: Choices, model: FederationModel) -> None:
    for index in range(choices.number(1, 3)):
        model.entities[f"E{index}"] = Entity(f"E{index}")
    for index in range(choices.number(0, 2)):
        model.values[f"V{index}"] = ValueType(f"V{index}")
    objects = [*model.entities, *model.values]
    for index in range(choices.number(0, 3)):
        _add_interface(choices, model, f"I{index}", objects)
    if chance(choices, 55):
        model.abstract["U0"] = AbstractType("U0", subset(choices, objects))
    if chance(choices, 20):
        _add_inaccessible_member(choices, model)
    for entity in model.entities.values():
        _add_keys(choices, model, entity)
    if any("ke" in entity.fields for entity in model.entities.values()):
        model.entities[KEY_ENTITY] = Entity(KEY_ENTITY)
        _add_keys_of_key_entity(choices, model, model.entities[KEY_ENTITY])


def _add_interface(choices: Choices, model: FederationModel, name: str, objects: list[str]) -> None:
    """Add an interface. It may implement earlier ones, together with the interfaces that those implement."""
    parents: list[str] = []
    options = list(model.entities) if chance(choices, 50) else objects
    for other in model.abstract.values():
        common = [member for member in options if member in other.members]
        if common and chance(choices, 35):
            parents += [name for name in (*other.interfaces, other.name) if name not in parents]
            options = common
    model.abstract[name] = AbstractType(name, subset(choices, options), ["id"], interfaces=parents)
    for member in model.abstract[name].members:
        model.object(member).interfaces.append(name)


def _add_inaccessible_member(choices: Choices, model: FederationModel) -> None:
    """Add an inaccessible member to interfaces and unions."""
    candidates = [abstract for abstract in model.abstract.values() if has_no_interface_relation(model, abstract)]
    if candidates:
        model.inaccessible.add("H0")
        model.values["H0"] = ValueType("H0")
        for abstract in subset(choices, candidates):
            abstract.members.append("H0")
            model.values["H0"].interfaces += [abstract.name] if abstract.fields else []


def _add_keys(choices: Choices, model: FederationModel, entity: Entity) -> None:
    """Choose the subgraphs of an entity. Each shares a key with an earlier one, so that all are reachable."""
    always: set[tuple[str, ...]] = {KEYS[0]} if entity.interfaces else set()
    used_keys: set[tuple[str, ...]] = set()
    subgraphs = subset(choices, model.subgraphs)
    if len(subgraphs) == 1 and chance(choices, 60):
        subgraphs += subset(choices, [name for name in model.subgraphs if name not in subgraphs])
    for subgraph in subgraphs:
        keys = set(always) or {pick(choices, sorted(used_keys) if used_keys else KEYS)}
        if chance(choices, 30):
            keys.add(pick(choices, KEYS))
        used_keys |= keys
        entity.keys_by_subgraph[subgraph] = keys
    _add_key_fields(entity)


def _add_keys_of_key_entity(choices: Choices, model: FederationModel, entity: Entity) -> None:
    """Choose a key for each subgraph of the key entity, and one subgraph with all of these keys.

    That subgraph has no other entity with this entity in its key: to check a move into a subgraph, composition does not
    use fields of that same subgraph.
    """
    keyed = {
        subgraph
        for other in model.entities.values()
        for subgraph, keys in other.keys_by_subgraph.items()
        if ("ke",) in keys
    }
    hubs = [subgraph for subgraph in model.subgraphs if subgraph not in keyed]
    subgraphs = subset(choices, model.subgraphs)
    common = pick(choices, PLAIN_KEYS)
    entity.keys_by_subgraph |= {subgraph: {pick(choices, PLAIN_KEYS) if hubs else common} for subgraph in subgraphs}
    if hubs:
        entity.keys_by_subgraph[pick(choices, hubs)] = set[tuple[str, ...]]().union(*entity.keys_by_subgraph.values())
    _add_key_fields(entity)


def _add_key_fields(entity: Entity) -> None:
    used_keys = set[tuple[str, ...]]().union(*entity.keys_by_subgraph.values())
    entity.keys = tuple(sorted(used_keys))
    for name in sorted({name for key in used_keys for name in key}):
        owners = {subgraph for subgraph, keys in entity.keys_by_subgraph.items() if any(name in key for key in keys)}
        entity.fields[name] = Field(name, *KEY_TYPES[name], owners=owners)


def _random_field(choices: Choices, model: FederationModel, name: str) -> Field:
    if chance(choices, 55):
        field = Field(name, pick(choices, LEAF_TYPES), pick(choices, LEAF_WRAPPINGS))
        if field.type == "String" and chance(choices, 35):
            field.arguments = ("n",) if chance(choices, 70) else tuple(subset(choices, ARGUMENTS))[:2]
        return field
    field = Field(name, pick(choices, model.composites()), pick(choices, WRAPPINGS))
    if field.wrapping.startswith("[{") and chance(choices, 20):
        field.arguments = ("first",)
    return field


def _add_fields(choices: Choices, model: FederationModel) -> None:
    common = _add_interface_fields(choices, model)
    for name in [*model.entities, *model.values]:
        type_ = model.object(name)
        if isinstance(type_, ValueType):
            type_.fields["id"] = Field("id", "ID", "{}!")
        for field in [field for interface in type_.interfaces for field in common[interface]]:
            type_.fields[field.name] = Field(field.name, field.type_name, field.wrapping, field.arguments)
        for index in range(choices.number(1, 4)):
            type_.fields[f"f{index}"] = _random_field(choices, model, f"f{index}")
    for entity in model.entities.values():
        for field in entity.fields.values():
            field.owners = field.owners or _random_owners(choices, sorted(entity.keys_by_subgraph))


def _add_interface_fields(choices: Choices, model: FederationModel) -> dict[str, list[Field]]:
    """Add fields to each interface, and return them for its members."""
    common: dict[str, list[Field]] = {}
    for name, abstract in model.abstract.items():
        if abstract.fields:
            count = choices.number(0, 2)
            common[name] = [_random_field(choices, model, f"{name.lower()}_{index}") for index in range(count)]
            abstract.fields += [field.name for field in common[name]]
    for abstract in model.abstract.values():
        for parent in abstract.interfaces:
            abstract.fields += [name for name in model.abstract[parent].fields if name not in abstract.fields]
    return common


def _random_owners(choices: Choices, options: list[str]) -> set[str]:
    """One owner in most cases, else several that share the field."""
    owners = {pick(choices, options)}
    return owners | set(subset(choices, options)) if chance(choices, 25) else owners


def _add_root_fields(choices: Choices, model: FederationModel) -> None:
    model.roots["Query"] = {}
    for index in range(choices.number(1, 4)):
        name = f"q{index}"
        wrapping = pick(choices, ("{}", "{}", "[{}]", "[{}!]", "{}!"))
        root = Field(name, pick(choices, model.composites()), wrapping)
        if chance(choices, 15):
            root = _random_field(choices, model, name)
        root.owners = _random_owners(choices, list(model.subgraphs))
        model.roots["Query"][name] = root
    if chance(choices, 30):
        model.roots["Mutation"] = {}
        for index in range(choices.number(1, 3)):
            mutation = Field(f"m{index}", pick(choices, [*model.entities]), arguments=("to",))
            mutation.owners = {pick(choices, model.subgraphs)}
            model.roots["Mutation"][mutation.name] = mutation


def _add_value_type_of_several_subgraphs(choices: Choices, model: FederationModel) -> None:
    """Add a type without a key whose fields have different owners. All owners share each field that returns it.

    In half of the models, an interface has such a field.
    """
    if not chance(choices, 40):
        return
    interface = _interface_in_several_subgraphs(choices, model) if chance(choices, 60) else None
    owners = set(subset(choices, model.subgraphs))
    if interface is not None:
        common = _subgraphs_of_all_members(model, interface)
        owners = {*subset(choices, common), pick(choices, common)}
    fields: dict[str, Field] = {}
    for index in range(choices.number(1, 3)):
        field = _random_field(choices, model, f"w{index}")
        field.owners = _random_owners(choices, sorted(owners))
        fields[field.name] = field
    model.values["W0"] = ValueType("W0", fields)
    parents = [model.roots["Query"]] + [
        e.fields for e in model.entities.values() if owners <= e.keys_by_subgraph.keys()
    ]
    for parent in parents:
        if parent is parents[0] or chance(choices, 50):
            wrapping = pick(choices, ("{}", "[{}]", "{}!"))
            parent["w"] = Field("w", "W0", wrapping, owners=set(owners))
    if interface is not None:
        _add_interface_field_of_value_type(choices, model, interface, owners)


def _interface_in_several_subgraphs(choices: Choices, model: FederationModel) -> AbstractType | None:
    """An interface whose members are entities that several subgraphs resolve by a key."""
    candidates = [
        abstract
        for abstract in model.abstract.values()
        if abstract.fields and len(_subgraphs_of_all_members(model, abstract)) > 1
    ]
    return pick(choices, candidates) if candidates else None


def _subgraphs_of_all_members(model: FederationModel, abstract: AbstractType) -> list[str]:
    """The subgraphs that resolve each member of the interface by a key; none if a member is not an entity."""
    members = [model.entities.get(name) for name in abstract.members]
    return [name for name in model.subgraphs if all(entity and name in entity.keys_by_subgraph for entity in members)]


def _add_interface_field_of_value_type(
    choices: Choices, model: FederationModel, interface: AbstractType, owners: set[str]
) -> None:
    """Add a field that returns the value type to an interface and its members. The field can lead there over `W1`."""
    name, type_name = "v", "W0"
    if chance(choices, 40):
        type_name = "W1"
        fields = {"w": Field("w", "W0", pick(choices, WRAPPINGS)), "n": Field("n", "Int")}
        model.values["W1"] = ValueType("W1", {key: replace(field, owners=set(owners)) for key, field in fields.items()})
    wrapping = pick(choices, ("{}", "[{}]", "{}!"))
    for member in interface.members:
        model.entities[member].fields[name] = Field(name, type_name, wrapping, owners=set(owners))
    for abstract in model.abstract.values():
        if interface.name in (abstract.name, *abstract.interfaces):
            abstract.fields.append(name)


def _add_field_to_query_root(choices: Choices, model: FederationModel) -> None:
    """Add a field that returns `Query`. Every subgraph then has a root field."""
    if not chance(choices, 12):
        return
    name = pick(choices, [*model.entities, *(name for name in model.values if name[0] == "V")])
    roots = model.roots["Query"]
    for subgraph in model.subgraphs:
        if not any(subgraph in root.owners for root in roots.values()):
            roots["q0"].owners.add(subgraph)
    root_field = Field("root", "Query", pick(choices, ("{}", "{}!")))
    if name in model.entities:
        root_field.owners = _random_owners(choices, sorted(model.entities[name].keys_by_subgraph))
    model.object(name).fields["root"] = root_field


def _remove_members_from_subgraphs(choices: Choices, model: FederationModel) -> None:
    """Leave out members of unions and interfaces in some subgraphs, but never the first member."""
    for abstract in model.abstract.values():
        if len(abstract.members) == 1 or not has_no_interface_relation(model, abstract):
            continue
        for subgraph in model.subgraphs:
            if chance(choices, 30):
                kept = {abstract.members[0], *subset(choices, abstract.members)}
                abstract.unknown_members[subgraph] = set(abstract.members) - kept


def has_no_interface_relation(model: FederationModel, abstract: AbstractType) -> bool:
    """Whether the type implements no interface and no interface implements it."""
    return not abstract.interfaces and not any(abstract.name in other.interfaces for other in model.abstract.values())


def _add_interface_objects(choices: Choices, model: FederationModel) -> None:
    """Add subgraphs with interface objects: one or two of them in the first subgraph, one in the second."""
    first, second = INTERFACE_OBJECT_SUBGRAPHS
    if chance(choices, 75):
        _add_interface_object(choices, model, first, "o")
    if model.interface_objects and chance(choices, 40):
        _add_interface_object(choices, model, second, "p")
    if model.interface_objects and chance(choices, 30):
        _add_interface_object(choices, model, first, "s")


def _add_interface_object(choices: Choices, model: FederationModel, subgraph: str, prefix: str) -> None:
    """Declare an interface as an object in `subgraph`. An interface that already has a host keeps it."""
    candidates = [
        abstract
        for abstract in model.abstract.values()
        if abstract.fields and has_no_interface_relation(model, abstract)
        if all(member in model.entities for member in abstract.members)
        and not _is_in_the_way(model, abstract, subgraph)
    ]
    if not candidates:
        return
    abstract = pick(choices, candidates)
    hosts = [one.host for one in model.interface_objects if one.interface == abstract.name]
    host = pick(choices, hosts or model.subgraphs)
    abstract.unknown_members.pop(host, None)
    for member in abstract.members:
        entity = model.entities[member]
        entity.keys_by_subgraph.setdefault(host, set()).add(KEYS[0])
        entity.fields["id"].owners.add(host)
    interface_object = InterfaceObject(subgraph, abstract.name, host)
    model.interface_objects.append(interface_object)
    objects = model.interface_objects_in(subgraph)
    implementations = {member for one in objects for member in model.abstract[one.interface].members}
    for index in range(choices.number(1, 3)):
        field = _interface_object_field(choices, model, implementations, f"{prefix}{index}")
        field.owners = {subgraph}
        interface_object.fields[field.name] = field
        for member in abstract.members:
            model.entities[member].fields[field.name] = replace(field, owners=set())
    if chance(choices, 50):
        root_field = Field(f"q{prefix}", abstract.name, pick(choices, ("{}", "[{}]")), owners={subgraph})
        model.roots["Query"][root_field.name] = root_field


def _is_in_the_way(model: FederationModel, abstract: AbstractType, subgraph: str) -> bool:
    """Whether the subgraph has the interface object already, or a field that returns an implementation of it."""
    objects = model.interface_objects_in(subgraph)
    returned = {field.type_name for one in objects for field in one.fields.values()}
    return any(one.interface == abstract.name for one in objects) or not returned.isdisjoint(abstract.members)


def _interface_object_field(choices: Choices, model: FederationModel, implementations: set[str], name: str) -> Field:
    """A leaf, a value type with leaves only, or an entity that is none of the implementations."""
    simple = [value.name for value in model.values.values() if all(field.is_leaf for field in value.fields.values())]
    others = [name for name in (*model.entities, *simple) if name not in implementations]
    others = [name for name in others if name not in model.inaccessible and name not in {"W0", "W1"}]
    if others and chance(choices, 30):
        return Field(name, pick(choices, others), pick(choices, ("{}", "{}!", "[{}]")))
    type_name = "String" if chance(choices, 50) else pick(choices, LEAF_TYPES)
    field = Field(name, type_name, pick(choices, ("{}", "{}", "{}!")))
    if field.type == "String" and chance(choices, 40):
        field.arguments = tuple(subset(choices, ARGUMENTS))[:2]
    return field
