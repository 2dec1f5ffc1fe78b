"""Draw a set of subgraphs that usually composes: types, then the subgraphs that have them, then what directives need.

Each set uses only a few features, so that rare ones occur together often and a failing set stays small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.router.composition.generation.dialect import Dialect, draw_dialects
from tests.router.composition.generation.sketch import LEAVES, Field, Input, Sketch, Type
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
FIRST_WITH_SCHEMA_TAGS = 3
FIRST_WITH_LABELS = 7
LABELS = ("", "", ', label: "percent(50)"', ', label: "beta:on"', ', label: "percent(0.5)"')


def draw_sketch(choices: Choices, always: Iterable[str] = ()) -> Sketch:
    """A plan with some features, including the requested ones."""
    features = {feature for feature in FEATURES if chance(choices, 28)}.union(always)
    noise = pick(choices, (0, 0, 3, 10))
    sketch = Sketch(draw_dialects(choices, features), features, noise)
    for dialect in sketch.dialects:
        dialect.tags_schema = sketch.has("tag") and dialect.minor >= FIRST_WITH_SCHEMA_TAGS and chance(choices, 20)
    _leaves(choices, sketch)
    _objects(choices, sketch)
    _abstract(choices, sketch)
    _roots(choices, sketch)
    for feature, step in STEPS.items():
        if sketch.has(feature):
            step(choices, sketch)
    return sketch


def _homes(choices: Choices, sketch: Sketch) -> list[Dialect]:
    return subset(choices, sketch.dialects) if chance(choices, 60) else list(sketch.dialects)


def _leaves(choices: Choices, sketch: Sketch) -> None:
    if sketch.has("enums"):
        for name in ("Color", "Size")[: choices.number(1, 2)]:
            sketch.types[name] = Type(name, "enum", values=[f"{name[0]}{n}" for n in range(choices.number(1, 3))])
    if sketch.has("scalars"):
        sketch.types["Date"] = Type("Date", "scalar")
    if sketch.has("inputs"):
        for name in ("Filter", "Range")[: choices.number(1, 2)]:
            fields = [_input(choices, sketch, f"i{index}") for index in range(choices.number(1, 3))]
            sketch.types[name] = Type(name, "input", inputs=fields)


def _leaf(choices: Choices, sketch: Sketch) -> str:
    own = [type_.name for type_ in sketch.types.values() if type_.kind in ("enum", "scalar")]
    return pick(choices, own) if own and chance(choices, 30) else pick(choices, LEAVES)


def _input(choices: Choices, sketch: Sketch, name: str) -> Input:
    inputs = [type_.name for type_ in sketch.of_kind("input")]
    base = pick(choices, inputs) if inputs and chance(choices, 30) else _leaf(choices, sketch)
    drawn = Input(name, pick(choices, WRAPPINGS).format(base))
    if sketch.has("defaults") and chance(choices, 50):
        drawn.default = default_of(choices, sketch, drawn.type)
    return drawn


def default_of(choices: Choices, sketch: Sketch, written: str) -> str:
    """A literal of the type, mostly."""
    base = written.strip("[]!")
    if base in sketch.types:
        type_ = sketch.types[base]
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


def _field(choices: Choices, sketch: Sketch, name: str) -> Field:
    composites = [t.name for t in sketch.types.values() if t.kind in ("type", "interface", "union")]
    base = pick(choices, composites) if composites and chance(choices, 30) else _leaf(choices, sketch)
    drawn = Field(name, pick(choices, WRAPPINGS).format(base))
    if sketch.has("arguments") and chance(choices, 40):
        drawn.arguments = [_input(choices, sketch, f"a{index}") for index in range(choices.number(1, 2))]
    return drawn


def _objects(choices: Choices, sketch: Sketch) -> None:
    for name in ("User", "Product", "Review")[: choices.number(1, 3)]:
        sketch.types[name] = Type(name, "type", homes=_homes(choices, sketch))
    if sketch.has("values"):
        for name in ("Money", "Place")[: choices.number(1, 2)]:
            sketch.types[name] = Type(name, "type", homes=list(sketch.dialects))
    for type_ in sketch.of_kind("type"):
        is_entity = type_.name in ("User", "Product", "Review")
        for index in range(choices.number(1, 4)):
            drawn = _field(choices, sketch, f"{type_.name[0].lower()}{index}")
            drawn.owners = _owners(choices, type_.homes) if is_entity else list(type_.homes)
            type_.fields[drawn.name] = drawn
        if is_entity:
            _keys(choices, sketch, type_)


def _owners(choices: Choices, homes: list[Dialect]) -> list[Dialect]:
    return subset(choices, homes) if chance(choices, 25) else [pick(choices, homes)]


def _keys(choices: Choices, sketch: Sketch, type_: Type) -> None:
    options = ["id"]
    type_.fields["id"] = Field("id", "ID!", owners=list(type_.homes))
    if sketch.has("keys"):
        type_.fields["sku"] = Field(
            "sku", pick(choices, ("String!", "ID!", "Int", "[Int!]!")), owners=list(type_.homes)
        )
        options += ["sku", "id sku"]
    if sketch.has("nested keys"):
        inner = sketch.types.setdefault("Org", Type("Org", "type", homes=list(sketch.dialects)))
        inner.fields["id"] = Field("id", "ID!", owners=list(sketch.dialects))
        type_.fields["org"] = Field("org", "Org!", owners=list(type_.homes))
        options += ["org { id }", "id org { id }"]
    for home in type_.homes:
        keys = ["id"] if chance(choices, 70) else subset(choices, options)[:2]
        if chance(choices, 8):
            keys[-1] = f"!{keys[-1]}"
        type_.keys[home.name] = keys


def _abstract(choices: Choices, sketch: Sketch) -> None:
    objects = sketch.of_kind("type")
    if sketch.has("abstract"):
        for name in ("Node", "Named")[: choices.number(1, 2)]:
            interface = Type(name, "interface", homes=_homes(choices, sketch))
            members = subset(choices, objects)
            common = Field(f"{name.lower()}Id", pick(choices, ("ID!", "String", "[Int]")))
            interface.fields[common.name] = common
            for member in members:
                member.interfaces.append(name)
                member.fields[common.name] = Field(common.name, common.type, owners=list(member.homes))
            sketch.types[name] = interface
        _interface_of_interface(choices, sketch)
    if sketch.has("unions"):
        named = [member.name for member in subset(choices, objects)]
        sketch.types["Hit"] = Type("Hit", "union", members=named)


def _interface_of_interface(choices: Choices, sketch: Sketch) -> None:
    """The second interface implements the first, and so do all of its members."""
    if "Named" not in sketch.types or not chance(choices, 40):
        return
    above, below = sketch.types["Node"], sketch.types["Named"]
    below.interfaces.append(above.name)
    below.homes = [home for home in below.homes if home in above.homes] or list(above.homes)
    for common in above.fields.values():
        below.fields[common.name] = Field(common.name, common.type)
        for member in sketch.of_kind("type"):
            if below.name in member.interfaces and above.name not in member.interfaces:
                member.interfaces.append(above.name)
                member.fields[common.name] = Field(common.name, common.type, owners=list(member.homes))


def _roots(choices: Choices, sketch: Sketch) -> None:
    roots = ["Query", *(["Mutation"] if sketch.has("mutation") else [])]
    roots += ["Subscription"] if sketch.has("subscription") else []
    for root in roots:
        type_ = Type(root, "type", homes=list(sketch.dialects))
        for index in range(choices.number(1, 3)):
            drawn = _field(choices, sketch, f"{root[0].lower()}{index}")
            drawn.owners = [pick(choices, sketch.dialects)]
            if root != "Subscription" and chance(choices, 15):
                drawn.owners = subset(choices, sketch.dialects)
            type_.fields[drawn.name] = drawn
        sketch.types[root] = type_


def _requires(choices: Choices, sketch: Sketch) -> None:
    for type_ in sketch.entities():
        _requires_nested(choices, sketch, type_)
        plain = [one for one in type_.fields.values() if one.base not in sketch.types and not one.arguments]
        for drawn in type_.fields.values():
            owner = pick(choices, drawn.owners or type_.homes)
            needed = [one for one in plain if owner not in one.owners and one is not drawn]
            if needed and drawn.owners and chance(choices, 50):
                chosen = subset(choices, needed)[:2]
                for one in chosen:
                    one.outside.append(owner)
                drawn.add(owner, "requires", f'fields: "{" ".join(one.name for one in chosen)}"')


def _requires_nested(choices: Choices, sketch: Sketch, type_: Type) -> None:
    """A field that needs a leaf of an object, or a field with an argument, of the same entity."""
    if not chance(choices, 40):
        return
    home = pick(choices, type_.homes)
    needed = [
        one
        for one in type_.fields.values()
        if home not in one.owners and one.owners and not one.outside and (one.arguments or _leaves_below(sketch, one))
    ]
    if needed:
        chosen = pick(choices, needed)
        given = ", ".join(f"{one.name}: {default_of(choices, sketch, one.type)}" for one in chosen.arguments)
        below = _leaves_below(sketch, chosen)
        selection = f"{chosen.name}{f'({given})' if given else ''}{f' {{ {below[0]} }}' if below else ''}"
        chosen.outside.append(home)
        computed = Field(f"needs{chosen.name}", "Int", owners=[home])
        computed.add(home, "requires", f'fields: "{selection}"')
        type_.fields[computed.name] = computed


def _leaves_below(sketch: Sketch, declared: Field) -> list[str]:
    target = sketch.types.get(declared.base)
    if target is None or target.kind != "type":
        return []
    return [one.name for one in target.fields.values() if one.base not in sketch.types and not one.arguments]


def _provides(choices: Choices, sketch: Sketch) -> None:
    for type_ in sketch.of_kind("type"):
        for drawn in type_.fields.values():
            if drawn.owners and chance(choices, 60):
                owner = pick(choices, drawn.owners)
                provided = _provided(choices, sketch, owner, drawn.base)
                if provided:
                    drawn.add(owner, "provides", f'fields: "{provided}"')


def _provided(choices: Choices, sketch: Sketch, owner: Dialect, name: str, depth: int = 0) -> str:
    """A field set of what the owner does not resolve of the type, and now declares external; empty if there is none."""
    target = sketch.types.get(name)
    if target is None or (owner not in target.homes and target.kind != "union"):
        return ""
    if target.kind != "type":
        members = [t.name for t in sketch.entities() if name in t.interfaces or t.name in target.members]
        if not members or depth:
            return ""
        member = pick(choices, members)
        inner = _provided(choices, sketch, owner, member, depth + 1)
        return f"... on {member} {{ {inner} }}" if inner else ""
    leaves = [one for one in target.fields.values() if owner not in one.owners and one.base not in sketch.types]
    if depth < 2 and chance(choices, 35):
        for nesting in target.fields.values():
            inner = _provided(choices, sketch, owner, nesting.base, depth + 1) if not nesting.arguments else ""
            if inner:
                if owner not in nesting.owners:
                    nesting.outside.append(owner)
                return f"{nesting.name} {{ {inner} }}"
    if not leaves:
        return ""
    chosen = pick(choices, leaves)
    chosen.outside.append(owner)
    return chosen.name


def _override(choices: Choices, sketch: Sketch) -> None:
    for type_ in sketch.of_kind("type"):
        for drawn in type_.fields.values():
            others = [home for home in type_.homes if home not in drawn.owners]
            if len(drawn.owners) == 1 and others and chance(choices, 30):
                taker = pick(choices, others)
                label = pick(choices, LABELS) if taker.minor >= FIRST_WITH_LABELS or chance(choices, 5) else ""
                drawn.add(taker, "override", f'from: "{drawn.owners[0].name}"{label}')
                drawn.owners.append(taker)


def _interface_keys(choices: Choices, sketch: Sketch) -> None:
    """An interface with a key, all of whose implementations are entities of its only home."""
    able = [dialect for dialect in sketch.dialects if dialect.knows("interfaceObject")]
    home = pick(choices, able or sketch.dialects)
    members = [type_ for type_ in sketch.entities() if home in type_.homes and chance(choices, 70)]
    if not members:
        return
    media = Type("Media", "interface", homes=[home], keys={home.name: ["id"]})
    media.fields["id"] = Field("id", "ID!")
    media.fields["title"] = Field("title", "String")
    for member in members:
        member.interfaces.append("Media")
        member.keys[home.name] = ["id"]
        member.fields["title"] = Field("title", "String", owners=[home])
    sketch.types["Media"] = media
    sketch.types["Query"].fields["media"] = Field("media", "Media", owners=[home])
    others = [other for other in sketch.dialects if other is not home]
    if sketch.has("interfaceObject") and others:
        media.stand_ins = subset(choices, others)
        for member in members:
            member.interfaces = ["Media"]
            for other in media.stand_ins:
                member.homes = [one for one in member.homes if one is not other]


def _context(choices: Choices, sketch: Sketch) -> None:
    """A type that sets a context, and below it a field with an argument from that context."""
    home = pick(choices, sketch.dialects)
    objects = [type_ for type_ in sketch.entities() if home in type_.homes]
    if not objects:
        return
    setter, reader = pick(choices, [*objects, *_abstract_setters(sketch, home)]), pick(choices, objects)
    setter.add(home, "context", 'name: "ctx"')
    name = f"prop{setter.name}"
    kind = pick(choices, ("String!", "String", "ID!"))
    members = [setter] if setter.kind == "type" else _members(sketch, setter)
    if setter.kind == "interface":
        setter.fields[name] = Field(name, kind)
    for member in members:
        member.fields[name] = Field(name, kind, owners=[home])
        below = f"to{reader.name}"
        member.fields[below] = Field(below, reader.name, owners=[home])
    selection = f"{{ {name} }}"
    if setter.kind == "union" or chance(choices, 20):
        selection = " ".join(f"... on {member.name} {{ {name} }}" for member in members)
    argument = Input("ctxArg", kind if chance(choices, 80) else "String!", default=f"$ctx {selection}")
    reader.fields["fromCtx"] = Field("fromCtx", "String", [argument], owners=[home])


def _abstract_setters(sketch: Sketch, home: Dialect) -> list[Type]:
    interfaces = [one for one in sketch.of_kind("interface") if home in one.homes]
    return [
        one for one in (*interfaces, *sketch.of_kind("union")) if any(home in m.homes for m in _members(sketch, one))
    ]


def _members(sketch: Sketch, type_: Type) -> list[Type]:
    return [one for one in sketch.of_kind("type") if type_.name in one.interfaces or one.name in type_.members]


def _compose(choices: Choices, sketch: Sketch) -> None:
    for dialect in sketch.dialects:
        if not dialect.is_federation_1 and chance(choices, 70):
            dialect.custom = pick(choices, ("v1.0", "v1.0", "v1.1"))
            dialect.composes_custom = chance(choices, 80)


STEPS: dict[str, Callable[[Choices, Sketch], None]] = {
    "interface keys": _interface_keys,
    "context": _context,
    "compose": _compose,
    "requires": _requires,
    "provides": _provides,
    "override": _override,
}
