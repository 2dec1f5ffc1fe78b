"""Adds a context, and an entity whose fields have `@fromContext` arguments, to a model whose fields have owners."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.router.oracle.choices import chance, pick, subset
from tests.router.oracle.federation_model import (
    CONTEXT,
    CONTEXT_READER,
    CONTEXT_TYPE,
    KEY_TYPES,
    KEYS,
    LEAF_TYPES,
    WRAPPINGS,
    Entity,
    Field,
)
from tests.router.oracle.schema_writer import SchemaWriter

if TYPE_CHECKING:
    from tests.router.oracle.choices import Choices
    from tests.router.oracle.federation_model import AbstractType, FederationModel


def add_contexts(choices: Choices, model: FederationModel) -> None:
    """Sometimes add an entity with `@fromContext` arguments, and a context that entities or the query root set."""
    if not chance(choices, 25):
        return
    if chance(choices, 25):
        _set_context_on_query(choices, model)
    else:
        _set_context_on_entities(choices, model)


def _set_context_on_query(choices: Choices, model: FederationModel) -> None:
    root = model.roots["Query"]
    subgraph = pick(choices, model.subgraphs)
    owners = {subgraph, pick(choices, model.subgraphs)}
    root["cx"] = Field("cx", CONTEXT_TYPE, pick(choices, ("{}", "{}!")), owners=owners, is_dependency=True)
    root["ctx"] = Field("ctx", CONTEXT_READER, pick(choices, WRAPPINGS), owners={subgraph})
    model.contexts["Query"] = subgraph
    texts = dict.fromkeys(("around", "beside"), f"${CONTEXT} {{ cx }}")
    model.entities[CONTEXT_READER] = _context_reader(choices, model, subgraph, texts)


def _set_context_on_entities(choices: Choices, model: FederationModel) -> None:
    """Entities or an abstract type set the context."""
    writer = SchemaWriter(model)
    abstract_in = {
        subgraph: [
            a
            for a in model.abstract.values()
            if a.name in writer.known[subgraph] and _has_only_entities(model, a, subgraph)
        ]
        for subgraph in model.subgraphs
    }
    subgraphs = [subgraph for subgraph, abstract in abstract_in.items() if any(not one.fields for one in abstract)]
    subgraph = pick(choices, subgraphs if subgraphs and chance(choices, 50) else model.subgraphs)
    context_entities = [entity for entity in model.entities.values() if subgraph in entity.keys_by_subgraph]
    if not context_entities:
        return
    abstract = abstract_in[subgraph]
    if abstract and chance(choices, 75):
        unions = [one for one in abstract if not one.fields]
        chosen = pick(choices, unions if unions and chance(choices, 60) else abstract)
        context_entities = [model.entities[member] for member in chosen.members]
        for interface in model.abstract.values():
            if chosen.fields and chosen.name in (interface.name, *interface.interfaces):
                interface.fields += ["ctx", "cx"]
        model.contexts[chosen.name] = subgraph
    else:
        chosen = None
        context_entities = subset(choices, context_entities)[:2]
        model.contexts |= {entity.name: subgraph for entity in context_entities}
    value = Field("cx", CONTEXT_TYPE, pick(choices, ("{}", "{}!")), owners={subgraph}, is_dependency=True)
    context_field = Field("ctx", CONTEXT_READER, pick(choices, WRAPPINGS), owners={subgraph})
    selected = {
        entity.name: _choose_context_value(choices, entity, value if chosen else None, subgraph)
        for entity in context_entities
    }
    others = {
        entity.name: pick(choices, _possible_context_values(entity, subgraph)).name for entity in context_entities
    }
    for entity in context_entities:
        entity.fields[others[entity.name]].is_dependency = True
        entity.fields["ctx"] = replace(context_field, owners=set(context_field.owners))
    texts = {name: _context_selection(one, chosen) for name, one in (("around", selected), ("beside", others))}
    model.entities[CONTEXT_READER] = _context_reader(choices, model, subgraph, texts)


def _context_selection(selected: dict[str, str], chosen: AbstractType | None) -> str:
    """The argument of `@fromContext`; `selected` has the field to select on each type that sets the context."""
    names = set(selected.values())
    fragments = [f"... on {type_name} {{ {field_name} }}" for type_name, field_name in selected.items()]
    is_plain = len(names) == 1 and not (chosen and (not chosen.fields or not names <= {*chosen.fields}))
    text = f"{{ {names.pop()} }}" if is_plain else " ".join(fragments)
    return f"${CONTEXT} {text}"


def _has_only_entities(model: FederationModel, abstract: AbstractType, subgraph: str) -> bool:
    """Whether the subgraph lists all members and resolves each by a key."""
    members = [model.entities.get(member) for member in abstract.members]
    is_object = any(one.interface == abstract.name for one in model.interface_objects)
    is_known = abstract.members_in(subgraph) == abstract.members
    return is_known and not is_object and all(member and subgraph in member.keys_by_subgraph for member in members)


def _choose_context_value(choices: Choices, entity: Entity, common: Field | None, subgraph: str) -> str:
    """Choose or add the field of an entity that gives the argument its value, and return its name."""
    usable = _possible_context_values(entity, subgraph)
    if common is None and usable and chance(choices, 50):
        field = pick(choices, usable)
    else:
        field = replace(common) if common else Field("cx", CONTEXT_TYPE, owners={subgraph})
        field.owners = {subgraph, pick(choices, sorted(entity.keys_by_subgraph))}
        entity.fields["cx"] = field
    field.is_dependency = True
    return field.name


def _possible_context_values(entity: Entity, subgraph: str) -> list[Field]:
    """The fields whose value a `@fromContext` argument can have."""
    return [
        field
        for field in entity.fields.values()
        if field.type_name == CONTEXT_TYPE
        and field.wrapping in {"{}", "{}!"}
        and subgraph in field.owners
        and not field.arguments
    ]


def _context_reader(choices: Choices, model: FederationModel, subgraph: str, texts: dict[str, str]) -> Entity:
    """`texts` has the selection of each `@fromContext` argument, by name. The first field has one or both arguments."""
    first = {"around": texts["around"]}
    subgraphs = {subgraph, *subset(choices, model.subgraphs)[:2]}
    fields = {
        "id": Field("id", *KEY_TYPES["id"], owners=set(subgraphs)),
        "v": Field("v", "String", pick(choices, ("{}", "{}!")), owners={subgraph}),
        "w": Field("w", pick(choices, LEAF_TYPES), owners={pick(choices, sorted(subgraphs))}),
    }
    if chance(choices, 40):
        fields["v"].arguments = ("n",)
    if chance(choices, 40):
        first = texts
    fields["v"].context_arguments = first
    if chance(choices, 40):
        fields["u"] = Field("u", "String", owners={subgraph}, context_arguments={"beside": texts["beside"]})
    if chance(choices, 40):
        wrapping = pick(choices, ("{}", "[{}]"))
        fields["again"] = Field("again", CONTEXT_READER, wrapping, owners={pick(choices, sorted(subgraphs))})
    return Entity(CONTEXT_READER, fields, (KEYS[0],), {name: {KEYS[0]} for name in subgraphs})
