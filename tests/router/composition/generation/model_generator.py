"""Generates the model of a set of subgraphs that usually composes: types, their subgraphs, then directives.

Each set uses only a few features, so that rare ones occur together often and a failing set stays small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.router.composition.generation.abstract_type_generator import (
    add_abstract_types,
    add_interface_field_of_value_type,
    add_interfaces_with_key,
    random_dialects,
)
from tests.router.composition.generation.dialect import Dialect, generate_dialects
from tests.router.composition.generation.subgraph_set_model import LEAF_TYPES, Field, Input, SubgraphSetModel, Type
from tests.router.oracle.choices import chance, pick, subset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.router.oracle.choices import Choices

FEATURES = (
    "abstract",
    "arguments",
    "auth",
    "cacheTag",
    "compose",
    "connect",
    "context",
    "core",
    "cost",
    "defaults",
    "deprecated",
    "descriptions",
    "enums",
    "executable",
    "extend",
    "federation 1",
    "inaccessible",
    "inputs",
    "interfaceObject",
    "interface keys",
    "interface values",
    "keys",
    "many",
    "mutation",
    "nested keys",
    "override",
    "own specs",
    "printed",
    "provides",
    "requires",
    "roots",
    "scalars",
    "shareable types",
    "spelling",
    "subscription",
    "tag",
    "tag alias",
    "unions",
    "values",
    "versions",
)
WRAPPINGS = ("{}", "{}", "{}!", "[{}]", "[{}!]!")
MIN_VERSION_OF_SCHEMA_TAGS = 3
MIN_VERSION_OF_LABELS = 7
LABELS = ("", "", ', label: "percent(50)"', ', label: "beta:on"', ', label: "percent(0.5)"')


def generate_model(choices: Choices, always: Iterable[str] = ()) -> SubgraphSetModel:
    """Generate a model with some features, including those in `always`."""
    features = {feature for feature in FEATURES if chance(choices, 28)}.union(always)
    noise = pick(choices, (0, 0, 3, 10))
    model = SubgraphSetModel(generate_dialects(choices, features), features, noise)
    for dialect in model.dialects:
        dialect.tags_schema = model.has("tag") and dialect.minor >= MIN_VERSION_OF_SCHEMA_TAGS and chance(choices, 20)
    _add_leaf_types(choices, model)
    _add_object_types(choices, model)
    add_abstract_types(choices, model)
    _add_root_types(choices, model)
    for feature, step in GENERATORS_BY_FEATURE.items():
        if model.has(feature):
            step(choices, model)
    return model


def _add_leaf_types(choices: Choices, model: SubgraphSetModel) -> None:
    if model.has("enums"):
        for name in ("Color", "Size")[: choices.number(1, 2)]:
            model.types[name] = Type(name, "enum", values=[f"{name[0]}{n}" for n in range(choices.number(1, 3))])
    if model.has("scalars"):
        model.types["Date"] = Type("Date", "scalar")
    if model.has("inputs"):
        for name in ("Filter", "Range")[: choices.number(1, 2)]:
            fields = [_random_input(choices, model, f"i{index}") for index in range(choices.number(1, 3))]
            model.types[name] = Type(name, "input", inputs=fields)


def _random_leaf_type(choices: Choices, model: SubgraphSetModel) -> str:
    own_types = [type_.name for type_ in model.types.values() if type_.kind in ("enum", "scalar")]
    return pick(choices, own_types) if own_types and chance(choices, 30) else pick(choices, LEAF_TYPES)


def _random_input(choices: Choices, model: SubgraphSetModel, name: str) -> Input:
    inputs = [type_.name for type_ in model.of_kind("input")]
    base = pick(choices, inputs) if inputs and chance(choices, 30) else _random_leaf_type(choices, model)
    input_value = Input(name, pick(choices, WRAPPINGS).format(base))
    if model.has("defaults") and chance(choices, 50):
        input_value.default = default_of(choices, model, input_value.type)
    return input_value


def default_of(choices: Choices, model: SubgraphSetModel, written: str) -> str:
    """A literal, usually of this type."""
    base = written.strip("[]!")
    if base in model.types:
        type_ = model.types[base]
        literal = pick(choices, type_.values) if type_.values else "{}" if type_.kind == "input" else '"d"'
    else:
        options = {
            "Int": ("0", "7"),
            "Float": ("1.5", "2"),
            "Boolean": ("true", "false"),
            "ID": ('"x"', "3"),
            "String": ('""', '"s"'),
        }
        literal = pick(choices, options[base])
    return f"[{literal}]" if "[" in written and chance(choices, 70) else literal


def _random_field(choices: Choices, model: SubgraphSetModel, name: str) -> Field:
    composites = [t.name for t in model.types.values() if t.kind in ("type", "interface", "union")]
    base = pick(choices, composites) if composites and chance(choices, 30) else _random_leaf_type(choices, model)
    field = Field(name, pick(choices, WRAPPINGS).format(base))
    if model.has("arguments") and chance(choices, 40):
        field.arguments = [_random_input(choices, model, f"a{index}") for index in range(choices.number(1, 2))]
    return field


def _add_object_types(choices: Choices, model: SubgraphSetModel) -> None:
    for name in ("User", "Product", "Review")[: choices.number(1, 3)]:
        model.types[name] = Type(name, "type", declared_in=random_dialects(choices, model))
    if model.has("values"):
        for name in ("Money", "Place")[: choices.number(1, 2)]:
            model.types[name] = Type(name, "type", declared_in=list(model.dialects))
    for type_ in model.of_kind("type"):
        is_entity = type_.name in ("User", "Product", "Review")
        for index in range(choices.number(1, 4)):
            field = _random_field(choices, model, f"{type_.name[0].lower()}{index}")
            field.owners = _random_owners(choices, type_.declared_in) if is_entity else list(type_.declared_in)
            type_.fields[field.name] = field
        if is_entity:
            _add_keys(choices, model, type_)


def _random_owners(choices: Choices, dialects: list[Dialect]) -> list[Dialect]:
    return subset(choices, dialects) if chance(choices, 25) else [pick(choices, dialects)]


def _add_keys(choices: Choices, model: SubgraphSetModel, type_: Type) -> None:
    options = ["id"]
    type_.fields["id"] = Field("id", "ID!", owners=list(type_.declared_in))
    if model.has("keys"):
        type_.fields["sku"] = Field(
            "sku", pick(choices, ("String!", "ID!", "Int", "[Int!]!")), owners=list(type_.declared_in)
        )
        options += ["sku", "id sku"]
    if model.has("nested keys"):
        inner = model.types.setdefault("Org", Type("Org", "type", declared_in=list(model.dialects)))
        inner.fields["id"] = Field("id", "ID!", owners=list(model.dialects))
        type_.fields["org"] = Field("org", "Org!", owners=list(type_.declared_in))
        options += ["org { id }", "id org { id }"]
    for dialect in type_.declared_in:
        keys = ["id"] if chance(choices, 70) else subset(choices, options)[:2]
        if chance(choices, 8):
            keys[-1] = f"!{keys[-1]}"
        type_.keys[dialect.name] = keys


def _add_root_types(choices: Choices, model: SubgraphSetModel) -> None:
    roots = ["Query", *(["Mutation"] if model.has("mutation") else [])]
    roots += ["Subscription"] if model.has("subscription") else []
    for root in roots:
        type_ = Type(root, "type", declared_in=list(model.dialects))
        for index in range(choices.number(1, 3)):
            field = _random_field(choices, model, f"{root[0].lower()}{index}")
            field.owners = [pick(choices, model.dialects)]
            if root != "Subscription" and chance(choices, 15):
                field.owners = subset(choices, model.dialects)
            type_.fields[field.name] = field
        model.types[root] = type_


def _add_requires(choices: Choices, model: SubgraphSetModel) -> None:
    for type_ in model.entities():
        _add_nested_requires(choices, model, type_)
        plain = [one for one in type_.fields.values() if one.base not in model.types and not one.arguments]
        for field in type_.fields.values():
            owner = pick(choices, field.owners or type_.declared_in)
            needed = [one for one in plain if owner not in one.owners and one is not field]
            if needed and field.owners and chance(choices, 50):
                chosen = subset(choices, needed)[:2]
                for one in chosen:
                    one.external_in.append(owner)
                field.add(owner, "requires", f'fields: "{" ".join(one.name for one in chosen)}"')


def _add_nested_requires(choices: Choices, model: SubgraphSetModel, type_: Type) -> None:
    """Add a field that requires a leaf of an object, or a field with an argument, of the same entity."""
    if not chance(choices, 40):
        return
    dialect = pick(choices, type_.declared_in)
    needed = [
        one
        for one in type_.fields.values()
        if dialect not in one.owners
        and one.owners
        and not one.external_in
        and (one.arguments or _leaves_below(model, one))
    ]
    if needed:
        chosen = pick(choices, needed)
        given = ", ".join(f"{one.name}: {default_of(choices, model, one.type)}" for one in chosen.arguments)
        below = _leaves_below(model, chosen)
        selection = f"{chosen.name}{f'({given})' if given else ''}{f' {{ {below[0]} }}' if below else ''}"
        chosen.external_in.append(dialect)
        computed = Field(f"needs{chosen.name}", "Int", owners=[dialect])
        computed.add(dialect, "requires", f'fields: "{selection}"')
        type_.fields[computed.name] = computed


def _leaves_below(model: SubgraphSetModel, declared: Field) -> list[str]:
    target = model.types.get(declared.base)
    if target is None or target.kind != "type":
        return []
    return [one.name for one in target.fields.values() if one.base not in model.types and not one.arguments]


def _add_provides(choices: Choices, model: SubgraphSetModel) -> None:
    for type_ in model.of_kind("type"):
        for field in type_.fields.values():
            if field.owners and chance(choices, 60):
                owner = pick(choices, field.owners)
                provided = _provided_selection(choices, model, owner, field.base)
                if provided:
                    field.add(owner, "provides", f'fields: "{provided}"')


def _provided_selection(choices: Choices, model: SubgraphSetModel, owner: Dialect, name: str, depth: int = 0) -> str:
    """A field set of fields that the owner declares external, because it does not resolve them; empty without such."""
    target = model.types.get(name)
    if target is None or (owner not in target.declared_in and target.kind != "union"):
        return ""
    if target.kind != "type":
        members = [t.name for t in model.entities() if name in t.interfaces or t.name in target.members]
        if not members or depth:
            return ""
        member = pick(choices, members)
        inner = _provided_selection(choices, model, owner, member, depth + 1)
        return f"... on {member} {{ {inner} }}" if inner else ""
    leaves = [one for one in target.fields.values() if owner not in one.owners and one.base not in model.types]
    if depth < 2 and chance(choices, 35):
        for nesting in target.fields.values():
            inner = _provided_selection(choices, model, owner, nesting.base, depth + 1) if not nesting.arguments else ""
            if inner:
                if owner not in nesting.owners:
                    nesting.external_in.append(owner)
                return f"{nesting.name} {{ {inner} }}"
    if not leaves:
        return ""
    chosen = pick(choices, leaves)
    chosen.external_in.append(owner)
    return chosen.name


def _add_overrides(choices: Choices, model: SubgraphSetModel) -> None:
    for type_ in model.of_kind("type"):
        for field in type_.fields.values():
            others = [dialect for dialect in type_.declared_in if dialect not in field.owners]
            if len(field.owners) == 1 and others and chance(choices, 30):
                taker = pick(choices, others)
                label = pick(choices, LABELS) if taker.minor >= MIN_VERSION_OF_LABELS or chance(choices, 5) else ""
                field.add(taker, "override", f'from: "{field.owners[0].name}"{label}')
                field.owners.append(taker)


def _add_context(choices: Choices, model: SubgraphSetModel) -> None:
    """Add a type that sets a context, and below it a field with an argument from the context."""
    dialect = pick(choices, model.dialects)
    objects = [type_ for type_ in model.entities() if dialect in type_.declared_in]
    if not objects:
        return
    queries = [model.types["Query"]] if "Query" in model.types and dialect in model.types["Query"].declared_in else []
    setter, reader = pick(choices, [*objects, *_abstract_setters(model, dialect), *queries]), pick(choices, objects)
    setter.add(dialect, "context", 'name: "ctx"')
    name = f"prop{setter.name}"
    kind = pick(choices, ("String!", "String", "ID!"))
    members = [setter] if setter.kind == "type" else _members(model, setter)
    if setter.kind == "interface":
        setter.fields[name] = Field(name, kind)
    for member in members:
        member.fields[name] = Field(name, kind, owners=[dialect])
        below = f"to{reader.name}"
        member.fields[below] = Field(below, reader.name, owners=[dialect])
    selection = f"{{ {name} }}"
    if setter.kind == "union" or chance(choices, 20):
        selection = " ".join(f"... on {member.name} {{ {name} }}" for member in members)
    # The argument must be nullable, whatever gives it its value.
    type_ = kind.removesuffix("!") if chance(choices, 90) else kind
    argument = Input("ctxArg", type_, default=f"$ctx {selection}")
    reader.fields["fromCtx"] = Field("fromCtx", "String", [argument], owners=[dialect])


def _abstract_setters(model: SubgraphSetModel, dialect: Dialect) -> list[Type]:
    interfaces = [one for one in model.of_kind("interface") if dialect in one.declared_in]
    return [
        one
        for one in (*interfaces, *model.of_kind("union"))
        if any(dialect in m.declared_in for m in _members(model, one))
    ]


def _members(model: SubgraphSetModel, type_: Type) -> list[Type]:
    return [one for one in model.of_kind("type") if type_.name in one.interfaces or one.name in type_.members]


def _add_custom_directive(choices: Choices, model: SubgraphSetModel) -> None:
    for dialect in model.dialects:
        if not dialect.is_federation_1 and chance(choices, 70):
            dialect.custom = pick(choices, ("v1.0", "v1.0", "v1.1"))
            dialect.composes_custom = chance(choices, 80)


GENERATORS_BY_FEATURE: dict[str, Callable[[Choices, SubgraphSetModel], None]] = {
    "interface keys": add_interfaces_with_key,
    "interface values": add_interface_field_of_value_type,
    "context": _add_context,
    "compose": _add_custom_directive,
    "requires": _add_requires,
    "provides": _add_provides,
    "override": _add_overrides,
}
