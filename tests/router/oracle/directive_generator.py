"""Adds directives to a model whose fields have owners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.router.oracle.choices import chance, pick, subset
from tests.router.oracle.context_generator import add_contexts
from tests.router.oracle.federation_model import (
    ARGUMENTS_WITH_DEFAULT,
    INTERFACE_OBJECT_SUBGRAPHS,
    KEY_TYPES,
    Entity,
    Field,
)
from tests.router.oracle.schema_writer import SchemaWriter, key_field_set

if TYPE_CHECKING:
    from tests.router.oracle.choices import Choices
    from tests.router.oracle.federation_model import FederationModel


def add_directives(choices: Choices, model: FederationModel) -> None:
    add_contexts(choices, model)
    _add_requires_on_interface_objects(choices, model)
    _add_requires(choices, model)
    _add_provides(choices, model)
    _add_overrides(choices, model)
    _add_inaccessible_fields(choices, model)
    _vary_types(choices, model)
    _choose_federation_1_subgraph(choices, model)


def _add_requires_on_interface_objects(choices: Choices, model: FederationModel) -> None:
    """Let fields of interface objects require other fields of the interface.

    The host resolves these, or the subgraph of another interface object.
    """
    for interface_object in model.interface_objects:
        abstract = model.abstract[interface_object.interface]
        members = [model.entities[member] for member in abstract.members]
        inputs = [
            name
            for name in abstract.fields
            if name != "id" and all(_is_plain_leaf(member.fields[name]) for member in members)
        ]
        others = {
            name: field
            for other in model.interface_objects
            if other is not interface_object and other.interface == abstract.name
            for name, field in other.fields.items()
            if _is_plain_leaf(field)
        }
        for field in interface_object.fields.values():
            if field.is_dependency or field.type != "String" or field.arguments or not (inputs or others):
                continue
            if chance(choices, 75):
                options = others if others and chance(choices, 50) else [*inputs, *others]
                chosen = subset(choices, options)[:2]
                field.requires = " ".join(chosen)
                for required in [member.fields[name] for member in members for name in chosen]:
                    required.owners |= {interface_object.host} if required.owners else set()
                    required.is_dependency = True
                for name in others.keys() & set(chosen):
                    others[name].is_dependency = True


def _is_plain_leaf(field: Field) -> bool:
    """Whether a field set can select the field of an entity by its name alone."""
    return (
        field.is_leaf
        and bool(field.owners)
        and not field.arguments
        and not field.requires
        and not field.context_arguments
    )


def _add_requires(choices: Choices, model: FederationModel) -> None:
    for entity in model.entities.values():
        for index in range(choices.number(0, 2) if len(entity.keys_by_subgraph) > 1 else 0):
            owner = pick(choices, sorted(entity.keys_by_subgraph))
            wrapping = pick(choices, ("{}", "{}", "{}!"))
            entity.fields[f"r{index}"] = Field(f"r{index}", "String", wrapping, owners={owner})
        plain = {field.name for field in entity.fields.values() if field.owners and not entity.is_key(field.name)}
        computed: set[str] = set()
        for field in entity.fields.values():
            is_string = field.type_name == "String" and field.wrapping in {"{}", "{}!"}
            is_able = (
                is_string
                and not field.arguments
                and len(field.owners) == 1
                and not field.is_dependency
                and not field.context_arguments
            )
            if field.name in plain and is_able and chance(choices, 90 if field.name[0] == "r" else 40):
                _add_requires_to(choices, model, field, [entity.fields[name] for name in sorted(plain | computed)])
                plain -= {field.name}
                # A field that others depend on gets no own `@requires`, so that there is no cycle.
                plain -= {other.name for other in entity.fields.values() if other.is_dependency}
                computed |= {field.name, *(other.name for other in entity.fields.values() if other.is_dependency)}


def _add_requires_to(choices: Choices, model: FederationModel, field: Field, others: list[Field]) -> None:
    inputs = [other for other in others if other is not field and not other.owners & field.owners]
    parts = [_required_selection(choices, model, field, other) for other in inputs if chance(choices, 60)]
    field.requires = " ".join(filter(None, parts))


def _required_selection(choices: Choices, model: FederationModel, field: Field, other: Field) -> str:
    """The part of a `@requires` that selects `other`; empty if it cannot be required.

    Fields with a default argument are left out: a field set without the argument would need the schema for its value.
    """
    (subgraph,) = field.owners
    if ARGUMENTS_WITH_DEFAULT & set(other.arguments) or other.context_arguments:
        return ""
    if other.is_leaf:
        other.is_dependency = True
        return f"{other.name}(n: {choices.number(1, 2)})" if "n" in other.arguments else other.name
    if other.arguments or other.type_name in {"W0", "W1", "Query"}:
        return ""
    if other.type_name in model.values:
        inner = _leaf_selection(model, other.type_name)
    elif other.type_name in model.abstract:
        inner = _fragment_selection(model, model.abstract[other.type_name].members_in(subgraph))
    else:
        entity = model.entities[other.type_name]
        leaves = [leaf for leaf in entity.fields.values() if _is_plain_leaf(leaf) and not entity.is_key(leaf.name)]
        more = [leaf for leaf in leaves if leaf is not field and chance(choices, 35)]
        for leaf in more:
            leaf.is_dependency = True
        key = key_field_set(model, min(entity.keys_by_subgraph.get(subgraph, entity.keys)), subgraph)
        inner = " ".join((key, *(leaf.name for leaf in more)))
    other.is_dependency = other.is_dependency or bool(inner)
    return f"{other.name} {{ {inner} }}" if inner else ""


def _leaf_selection(model: FederationModel, name: str) -> str:
    leaves = [
        field
        for field in model.values[name].fields.values()
        if field.is_leaf and not field.arguments and not field.owners
    ]
    for field in leaves:
        field.is_dependency = True
    return " ".join(field.name for field in leaves)


def _fragment_selection(model: FederationModel, members: list[str]) -> str:
    """A fragment on each member that is a value type."""
    by_member = {member: _leaf_selection(model, member) for member in members if member in model.values}
    return " ".join(f"... on {member} {{ {leaves} }}" for member, leaves in by_member.items() if leaves)


def _add_provides(choices: Choices, model: FederationModel) -> None:
    for field in list(model.all_fields()):
        members = (
            [m for m in model.possible_object_types(field, field.owners) if m in model.entities]
            if not field.is_leaf
            else []
        )
        if not members:
            continue
        for owner in sorted(field.owners.difference(INTERFACE_OBJECT_SUBGRAPHS)):
            target = model.entities[pick(choices, members)]
            if chance(choices, 35):
                text = _provided_selection(choices, model, target, owner, depth=0)
                field.provides |= {owner: {(target.name, text)}} if text else {}


def _provided_selection(choices: Choices, model: FederationModel, target: Entity, owner: str, depth: int) -> str:
    """The field set of a `@provides`: a field of the returned entity that the owner does not resolve otherwise."""
    options = [
        field
        for field in target.fields.values()
        if field.owners and owner not in field.owners and not target.is_key(field.name)
        if not field.requires and not field.arguments and not field.context_arguments and not field.override_from
        if field.is_leaf or field.type_name in model.values or (field.type_name in model.entities and depth == 0)
    ]
    if not options:
        return ""
    field = pick(choices, options)
    inner = ""
    if field.type_name in model.values:
        inner = "" if field.type_name in {"W0", "W1"} else _leaf_selection(model, field.type_name)
    elif field.type_name in model.entities:
        inner = _provided_selection(choices, model, model.entities[field.type_name], owner, depth + 1)
    if not field.is_leaf and not inner:
        return ""
    field.is_provided = field.is_dependency = True
    return field.name if field.is_leaf else f"{field.name} {{ {inner} }}"


def _add_overrides(choices: Choices, model: FederationModel) -> None:
    for entity in model.entities.values():
        for field in entity.fields.values():
            is_free = not field.is_provided and not field.requires and not field.is_dependency and not field.provides
            if len(field.owners) != 1 or not is_free or field.name[0] != "f" or not chance(choices, 25):
                continue
            writer = SchemaWriter(model)
            others = [
                subgraph
                for subgraph in entity.keys_by_subgraph
                if subgraph not in field.owners
                and field.name not in writer.external_fields(entity, subgraph)
                and (field.is_leaf or field.type_name in writer.known[subgraph])
            ]
            if others:
                field.override_from = pick(choices, others)
                field.override_label = pick(choices, ("", "percent(50)", "moved"))
                model.override_labels |= {field.override_label} - {""}


def _add_inaccessible_fields(choices: Choices, model: FederationModel) -> None:
    """Make fields inaccessible, among them keys and dependencies. Each type keeps one accessible field."""
    for entity in model.entities.values():
        common = {name for interface in entity.interfaces for name in model.abstract[interface].fields}
        for field in entity.fields.values():
            left = [other for other in entity.fields.values() if other is not field and not other.is_inaccessible]
            if left and field.owners and field.name not in common and chance(choices, 8):
                field.is_inaccessible = True


def _vary_types(choices: Choices, model: FederationModel) -> None:
    """Let some owners of a shared field declare it non-null or with a more specific type."""
    for field in model.all_fields():
        is_free = not (
            field.requires or field.override_from or field.is_provided or field.provides or field.name in KEY_TYPES
        )
        others = sorted(field.owners.difference(INTERFACE_OBJECT_SUBGRAPHS))[1:]
        if not others or not is_free or not chance(choices, 25):
            continue
        wrapping = field.wrapping if field.wrapping.endswith("!") else field.wrapping + "!"
        members = model.possible_object_types(field, field.owners) if field.type_name in model.abstract else []
        members = [member for member in members if member not in model.inaccessible]
        if members and chance(choices, 60):
            field.narrowed_to = pick(choices, members)
        type_ = wrapping.format(field.narrowed_to or field.type_name)
        field.types_by_owner = dict.fromkeys(subset(choices, others), type_)


def _choose_federation_1_subgraph(choices: Choices, model: FederationModel) -> None:
    """Sometimes give one subgraph a Federation 1 schema."""
    writer = SchemaWriter(model)
    candidates = [name for name in model.subgraphs if writer.has_content(name)]
    eligible = [name for name in candidates if len(candidates) > 1 and _can_use_federation_1(model, writer, name)]
    if eligible and chance(choices, 40):
        model.federation_1_subgraph = pick(choices, eligible)


def _can_use_federation_1(model: FederationModel, writer: SchemaWriter, subgraph: str) -> bool:
    """Whether the subgraph needs no directive that Federation 1 lacks, and resolves a field of its value types."""
    known = writer.known[subgraph]
    resolved = [field for field in model.all_fields() if subgraph in field.owners]
    split_type = model.values.get("W0")
    return (
        not known & model.inaccessible
        and not any(field.is_inaccessible or field.override_from or field.context_arguments for field in resolved)
        and subgraph not in model.contexts.values()
        and all(one.host != subgraph for one in model.interface_objects)
        and not (
            split_type and "W0" in known and not any(subgraph in field.owners for field in split_type.fields.values())
        )
    )
