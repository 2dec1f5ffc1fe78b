"""Adds interfaces and unions to the model of a set of subgraphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.router.composition.generation.subgraph_set_model import Field, Type
from tests.router.oracle.choices import chance, pick, subset

if TYPE_CHECKING:
    from tests.router.composition.generation.dialect import Dialect
    from tests.router.composition.generation.subgraph_set_model import SubgraphSetModel
    from tests.router.oracle.choices import Choices


def random_dialects(choices: Choices, model: SubgraphSetModel) -> list[Dialect]:
    return subset(choices, model.dialects) if chance(choices, 60) else list(model.dialects)


def add_abstract_types(choices: Choices, model: SubgraphSetModel) -> None:
    objects = model.of_kind("type")
    if model.has("abstract"):
        for name in ("Node", "Named")[: choices.number(1, 2)]:
            interface = Type(name, "interface", declared_in=random_dialects(choices, model))
            members = subset(choices, objects)
            common = Field(f"{name.lower()}Id", pick(choices, ("ID!", "String", "[Int]")))
            interface.fields[common.name] = common
            for member in members:
                member.interfaces.append(name)
                member.fields[common.name] = Field(common.name, common.type, owners=list(member.declared_in))
            model.types[name] = interface
        _add_interface_hierarchy(choices, model)
    if model.has("unions"):
        named = [member.name for member in subset(choices, objects)]
        model.types["Hit"] = Type("Hit", "union", members=named)


def _add_interface_hierarchy(choices: Choices, model: SubgraphSetModel) -> None:
    """Let the second interface and all its members implement the first one."""
    if "Named" not in model.types or not chance(choices, 40):
        return
    above, below = model.types["Node"], model.types["Named"]
    below.interfaces.append(above.name)
    below.declared_in = [dialect for dialect in below.declared_in if dialect in above.declared_in] or list(
        above.declared_in
    )
    for common in above.fields.values():
        below.fields[common.name] = Field(common.name, common.type)
        for member in model.of_kind("type"):
            if below.name in member.interfaces and above.name not in member.interfaces:
                member.interfaces.append(above.name)
                member.fields[common.name] = Field(common.name, common.type, owners=list(member.declared_in))


def add_interfaces_with_key(choices: Choices, model: SubgraphSetModel) -> None:
    """Add one or two interfaces with a key. One subgraph declares each, with all implementations as entities.

    Two of them have the same implementations and are interface objects in the same subgraphs.
    """
    candidates = [dialect for dialect in model.dialects if dialect.knows("interfaceObject")]
    dialect = pick(choices, candidates or model.dialects)
    members = [type_ for type_ in model.entities() if dialect in type_.declared_in and chance(choices, 70)]
    if not members:
        return
    names = ["Media", "Owned"] if chance(choices, 40) else ["Media"]
    for member in members:
        member.keys[dialect.name] = ["id"]
    interfaces = [_add_interface_with_key(model, name, members, dialect) for name in names]
    others = [other for other in model.dialects if other is not dialect]
    if model.has("interfaceObject") and others:
        objects_in = subset(choices, others)
        for interface in interfaces:
            interface.interface_object_in = list(objects_in)
        for member in members:
            member.interfaces = list(names)
            for other in objects_in:
                member.declared_in = [one for one in member.declared_in if one is not other]


def _add_interface_with_key(model: SubgraphSetModel, name: str, members: list[Type], dialect: Dialect) -> Type:
    interface = Type(name, "interface", declared_in=[dialect], keys={dialect.name: ["id"]})
    title = f"{name.lower()}Title"
    interface.fields["id"] = Field("id", "ID!")
    interface.fields[title] = Field(title, "String")
    for member in members:
        member.interfaces.append(name)
        member.fields[title] = Field(title, "String", owners=[dialect])
    model.types[name] = interface
    root_field = Field(name.lower(), name, owners=[dialect])
    model.types["Query"].fields[root_field.name] = root_field
    return interface


def add_interface_field_of_value_type(choices: Choices, model: SubgraphSetModel) -> None:
    """Add an interface with a field that returns a value type, whose fields are in several subgraphs.

    In one of the subgraphs a query leads to the interface; the others have the implementations only, or both.
    """
    members = subset(choices, model.entities())
    common = [dialect for dialect in model.dialects if all(dialect in one.declared_in for one in members)]
    if not common:
        return
    first = pick(choices, common)
    price = Type("Price", "type", declared_in=list(common))
    price.fields["amount"] = Field("amount", "Int", owners=list(common))
    for index, dialect in enumerate(common):
        price.fields[f"part{index}"] = Field(f"part{index}", "String", owners=[dialect])
    wrapping = pick(choices, ("{}", "[{}]", "{}!"))
    interface = Type("Priced", "interface", declared_in=[first, *subset(choices, common)])
    interface.fields["price"] = Field("price", wrapping.format("Price"))
    for member in members:
        member.interfaces.append("Priced")
        member.fields["price"] = Field("price", wrapping.format("Price"), owners=list(common))
    model.types["Price"], model.types["Priced"] = price, interface
    model.types["Query"].fields["priced"] = Field("priced", pick(choices, ("Priced", "[Priced]")), owners=[first])
