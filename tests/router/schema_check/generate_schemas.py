"""Generates pairs of schemas: a valid schema, and the schema after a few edits.

The schemas are small, so that an edit is often near the operations that a test generates for them.
"""

from __future__ import annotations

import copy
import random
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from graphql import DocumentNode, GraphQLError, build_ast_schema, parse, validate_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphql import DefinitionNode, GraphQLSchema

    Edit = Callable[[random.Random, "Model"], None]

# To build a schema, and to generate operations on it, takes longer than to compare it with another one.
PAIRS_OF_A_SCHEMA: Final = 4
SCALARS: Final = ("Int", "String", "Boolean", "ID", "Stamp")
DIRECTIVE_LOCATIONS: Final = ("FIELD", "QUERY", "INLINE_FRAGMENT", "FRAGMENT_SPREAD", "FIELD_DEFINITION")
# The directives that the generator of operations uses. Without one of them, operations that use it would be lost.
_EVERYWHERE: Final = "QUERY | MUTATION | FIELD | FRAGMENT_DEFINITION | FRAGMENT_SPREAD | INLINE_FRAGMENT"
PREAMBLE: Final = (
    f"directive @note(text: String) on {_EVERYWHERE} | VARIABLE_DEFINITION",
    f"directive @mark(text: String) repeatable on {_EVERYWHERE}",
    "directive @defer(if: Boolean! = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT",
)


@dataclass
class Argument:
    type: str
    default: str | None = None
    deprecated: bool = False

    def sdl(self, name: str) -> str:
        default = f" = {self.default}" if self.default is not None else ""
        return f"{name}: {self.type}{default}" + (' @deprecated(reason: "old")' if self.deprecated else "")


@dataclass
class Field:
    type: str
    arguments: dict[str, Argument] = field(default_factory=dict)
    deprecated: str | None = None
    description: str = ""

    def sdl(self, name: str) -> str:
        arguments = ", ".join(argument.sdl(key) for key, argument in self.arguments.items())
        deprecated = f' @deprecated(reason: "{self.deprecated}")' if self.deprecated else ""
        description = f'"{self.description}" ' if self.description else ""
        return f"  {description}{name}{f'({arguments})' if arguments else ''}: {self.type}{deprecated}"


@dataclass
class Type:
    kind: str
    fields: dict[str, Field] = field(default_factory=dict)
    inputs: dict[str, Argument] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    """The interfaces of an object type, the members of a union, or the values of an enum."""
    one_of: bool = False
    specified_by: str | None = None

    def sdl(self, name: str) -> str:
        match self.kind:
            case "type" | "interface":
                lines = "\n".join(each.sdl(key) for key, each in self.fields.items())
                implements = f" implements {' & '.join(self.names)}" if self.names else ""
                return f"{self.kind} {name}{implements} {{\n{lines}\n}}"
            case "input":
                lines = "\n".join(f"  {each.sdl(key)}" for key, each in self.inputs.items())
                return f"input {name}{' @oneOf' if self.one_of else ''} {{\n{lines}\n}}"
            case "union":
                return f"union {name} = {' | '.join(self.names)}"
            case "enum":
                return f"enum {name} {{ {' '.join(self.names)} }}"
            case _:
                return f"scalar {name}" + (f' @specifiedBy(url: "{self.specified_by}")' if self.specified_by else "")


@dataclass
class Directive:
    arguments: dict[str, Argument] = field(default_factory=dict)
    locations: list[str] = field(default_factory=lambda: ["FIELD"])
    repeatable: bool = False

    def sdl(self, name: str) -> str:
        arguments = ", ".join(argument.sdl(key) for key, argument in self.arguments.items())
        written = f"({arguments})" if arguments else ""
        return f"directive @{name}{written}{' repeatable' if self.repeatable else ''} on {' | '.join(self.locations)}"


@dataclass
class Model:
    types: dict[str, Type]
    directives: dict[str, Directive]

    def definitions(self) -> list[str]:
        """The SDL of each directive and each type."""
        directives = [each.sdl(name) for name, each in self.directives.items()]
        return [*PREAMBLE, *directives, *(each.sdl(name) for name, each in self.types.items())]

    def sdl(self) -> str:
        return "\n".join(self.definitions()) + "\n"

    def of_kind(self, *kinds: str) -> list[str]:
        return [name for name, each in self.types.items() if each.kind in kinds]

    def outputs(self) -> list[str]:
        return [*SCALARS[:4], *self.of_kind("type", "interface", "union", "enum", "scalar")]

    def input_types(self) -> list[str]:
        return [*SCALARS[:4], *self.of_kind("input", "enum", "scalar")]


def build(model: Model) -> GraphQLSchema | None:
    """The schema of a model, or None if it is not valid.

    Rules of SDL that the generator cannot break, such as unique names, are not checked: they cost a third of the time.
    """
    try:
        document = DocumentNode(definitions=tuple(map(_parsed, model.definitions())))
        schema = build_ast_schema(document, assume_valid_sdl=True)
    except (GraphQLError, TypeError):
        return None
    return None if validate_schema(schema) else schema


@lru_cache(maxsize=10_000)
def _parsed(definition: str) -> DefinitionNode:
    """The node of a definition. Most definitions occur in many schemas, and parsing takes most of the time."""
    return parse(definition).definitions[0]


@dataclass(frozen=True, slots=True)
class GeneratedSchema:
    """A valid schema, its SDL, and the model from which edits make other schemas."""

    schema: GraphQLSchema
    sdl: str
    model: Model


@dataclass(frozen=True, slots=True)
class GeneratedPair:
    """Two valid schemas. `old_seed` made the old schema, which several pairs have in common."""

    old_seed: int
    old: GraphQLSchema
    new: GraphQLSchema
    before: str
    after: str


@lru_cache(maxsize=1)
def generate_schema(seed: int) -> GeneratedSchema:
    """A valid schema; the same seed makes the same schema."""
    rng = random.Random(seed)
    while True:
        model = _model(rng)
        schema = build(model)
        if schema is not None:
            return GeneratedSchema(schema, model.sdl(), model)


def generate_pair(seed: int) -> GeneratedPair:
    """Two valid schemas; the same seed makes the same pair. Pairs with neighbouring seeds have the same old schema."""
    old_seed = seed // PAIRS_OF_A_SCHEMA
    first = generate_schema(old_seed)
    rng = random.Random(seed)
    edits = rng.choices(EDITS, k=rng.randint(1, 5))
    state = rng.getstate()
    edited = copy.deepcopy(first.model)
    for edit in edits:
        _apply(edit, rng, edited)
    new = build(edited)
    if new is None:
        rng.setstate(state)
        edited, new = _edits_one_by_one(edits, rng, first.model)
    return GeneratedPair(old_seed, first.schema, new or first.schema, first.sdl, edited.sdl())


def _apply(edit: Edit, rng: random.Random, model: Model) -> None:
    # Earlier edits can have removed everything that an edit of this kind changes.
    with suppress(IndexError):
        edit(rng, model)


def _edits_one_by_one(edits: Sequence[Edit], rng: random.Random, model: Model) -> tuple[Model, GraphQLSchema | None]:
    """Apply the edits that leave a valid schema; the schema is None if no edit does."""
    schema = None
    for edit in edits:
        candidate = copy.deepcopy(model)
        _apply(edit, rng, candidate)
        built = build(candidate)
        if built is not None:
            model, schema = candidate, built
    return model, schema


def _wrap(rng: random.Random, name: str) -> str:
    return rng.choice(("{}", "{}", "{}!", "[{}]", "[{}!]!", "[{}]!")).format(name)


def _default(rng: random.Random, type_: str) -> str | None:
    values = {"Int": ("1", "2"), "String": ('"a"', '"b"'), "Boolean": ("true", "false"), "ID": ('"1"', "2")}
    name = type_.strip("[]!")
    if type_.startswith("[") or name not in values or rng.random() < 0.5:
        return "null" if not type_.endswith("!") and rng.random() < 0.1 else None
    return rng.choice(values[name])


def _argument(rng: random.Random, model: Model) -> Argument:
    type_ = _wrap(rng, rng.choice(model.input_types()))
    return Argument(type_, _default(rng, type_))


def _field(rng: random.Random, model: Model) -> Field:
    arguments = {f"a{i}": _argument(rng, model) for i in range(rng.choice((0, 0, 0, 1, 2)))}
    return Field(_wrap(rng, rng.choice(model.outputs())), arguments)


def _model(rng: random.Random) -> Model:
    model = Model({"Stamp": Type("scalar", specified_by=rng.choice((None, "https://a.example")))}, {})
    for name in ("E", "F"):
        model.types[name] = Type("enum", names=["X", "Y", "Z"][: rng.randint(1, 3)])
    for name in ("In", "Filter"):
        model.types[name] = Type("input")
    for name in ("In", "Filter"):
        kind = model.types[name]
        kind.one_of = rng.random() < 0.15
        for i in range(rng.randint(1, 3)):
            value = _argument(rng, model)
            kind.inputs[f"i{i}"] = Argument(value.type.rstrip("!")) if kind.one_of else value
    names = ["A", "B", "C"]
    model.types |= {name: Type("type") for name in names}
    model.types["Node"] = Type("interface")
    model.types["U"] = Type("union", names=rng.sample(names, rng.randint(1, 3)))
    model.types["Node"].fields = {f"n{i}": _field(rng, model) for i in range(rng.randint(1, 2))}
    for name in names:
        kind = model.types[name]
        kind.fields = {f"f{i}": _field(rng, model) for i in range(rng.randint(1, 3))}
        # Operations select from interfaces only if these have implementations.
        if name == "A" or rng.random() < 0.6:
            kind.names = ["Node"]
            kind.fields |= copy.deepcopy(model.types["Node"].fields)
    model.types["Query"] = Type("type", {f"q{i}": _field(rng, model) for i in range(rng.randint(2, 4))})
    model.types["Query"].fields |= {"node": Field("Node"), "u": Field("U")}
    if rng.random() < 0.3:
        model.types["Mutation"] = Type("type", {"m": _field(rng, model)})
    for name in ("cached", "hidden"):
        arguments = {f"d{i}": _argument(rng, model) for i in range(rng.randint(0, 2))}
        locations = rng.sample(DIRECTIVE_LOCATIONS, rng.randint(1, 3))
        model.directives[name] = Directive(arguments, locations, rng.random() < 0.3)
    return model


def _any_field(rng: random.Random, model: Model) -> tuple[str, str, Field]:
    parent = rng.choice(model.of_kind("type", "interface"))
    name = rng.choice(list(model.types[parent].fields))
    return parent, name, model.types[parent].fields[name]


def _same_field_everywhere(rng: random.Random, model: Model) -> list[Field]:
    """A field, and the fields of this name in the interface and its implementations."""
    _, name, _ = _any_field(rng, model)
    return [each.fields[name] for each in model.types.values() if name in each.fields]


def _remove_field(rng: random.Random, model: Model) -> None:
    parent, name, _ = _any_field(rng, model)
    del model.types[parent].fields[name]


def _add_field(rng: random.Random, model: Model) -> None:
    parent = rng.choice(model.of_kind("type", "interface"))
    added = _field(rng, model)
    for name, each in model.types.items():
        if name == parent or parent in each.names:
            each.fields[f"x{rng.randint(0, 3)}"] = added


def _rename_field(rng: random.Random, model: Model) -> None:
    parent, name, _ = _any_field(rng, model)
    fields = model.types[parent].fields
    fields[f"{name}New"] = fields.pop(name)


def _change_field_type(rng: random.Random, model: Model) -> None:
    type_ = _wrap(rng, rng.choice(model.outputs()))
    for each in _same_field_everywhere(rng, model):
        each.type = type_


def _change_nullability(rng: random.Random, model: Model) -> None:
    fields = _same_field_everywhere(rng, model) if rng.random() < 0.5 else [_any_field(rng, model)[2]]
    for each in fields:
        each.type = each.type[:-1] if each.type.endswith("!") else f"{each.type}!"


def _deprecate(rng: random.Random, model: Model) -> None:
    found = _any_field(rng, model)[2]
    found.deprecated = rng.choice((None, "old", "use another"))


def _describe(rng: random.Random, model: Model) -> None:
    _any_field(rng, model)[2].description = rng.choice(("", "What it is.", "Another text."))


def _change_arguments(rng: random.Random, model: Model) -> None:
    for each in _same_field_everywhere(rng, model):
        _edit_inputs(random.Random(rng.random()), model, each.arguments)


def _edit_inputs(rng: random.Random, model: Model, inputs: dict[str, Argument]) -> None:
    if not inputs or rng.random() < 0.3:
        inputs[f"y{rng.randint(0, 3)}"] = _argument(rng, model)
        return
    name = rng.choice(list(inputs))
    match rng.randint(0, 3):
        case 0:
            del inputs[name]
        case 1:
            inputs[name] = _argument(rng, model)
        case 2:
            type_ = inputs[name].type
            inputs[name].type = type_[:-1] if type_.endswith("!") else f"{type_}!"
        case _:
            inputs[name].default = _default(rng, inputs[name].type)


def _change_input(rng: random.Random, model: Model) -> None:
    _edit_inputs(rng, model, model.types[rng.choice(model.of_kind("input"))].inputs)


def _toggle_one_of(rng: random.Random, model: Model) -> None:
    found = model.types[rng.choice(model.of_kind("input"))]
    found.one_of = not found.one_of


def _edit_names(rng: random.Random, model: Model) -> None:
    """Change the values of an enum, the members of a union, or the interfaces of an object type."""
    found = model.types[rng.choice([*model.of_kind("enum", "union"), *model.of_kind("type")])]
    options = {"enum": ["X", "Y", "Z", "W"], "union": ["A", "B", "C"], "type": ["Node"]}[found.kind]
    name = rng.choice(options)
    if name in found.names:
        found.names.remove(name)
    else:
        found.names.append(name)
        if found.kind == "type" and "Node" in model.types:
            found.fields |= copy.deepcopy(model.types["Node"].fields)


def _remove_type(rng: random.Random, model: Model) -> None:
    name = rng.choice(list(model.types))
    del model.types[name]
    for each in model.types.values():
        each.fields = {key: found for key, found in each.fields.items() if found.type.strip("[]!") != name}
        each.names = [other for other in each.names if other != name]


def _add_type(rng: random.Random, model: Model) -> None:
    name = f"T{rng.randint(0, 3)}"
    fields = {"t": _field(rng, model)}
    node = model.types.get("Node")
    if node is not None and rng.random() < 0.5:
        model.types[name] = Type("type", {**fields, **copy.deepcopy(node.fields)}, names=["Node"])
    else:
        model.types[name] = Type("type", fields)
    query = model.types.get("Query")
    if query is not None and rng.random() < 0.5:
        query.fields[f"get{name}"] = Field(name)


def _change_kind(rng: random.Random, model: Model) -> None:
    name = rng.choice(list(model.types))
    model.types[name] = Type("scalar") if rng.random() < 0.5 else Type("enum", names=["X"])


def _change_scalar(rng: random.Random, model: Model) -> None:
    for name in model.of_kind("scalar"):
        model.types[name].specified_by = rng.choice((None, "https://a.example", "https://b.example"))


def _change_directive(rng: random.Random, model: Model) -> None:
    if not model.directives or rng.random() < 0.2:
        model.directives[f"d{rng.randint(0, 2)}"] = Directive({"d": _argument(rng, model)})
        return
    name = rng.choice(list(model.directives))
    directive = model.directives[name]
    match rng.randint(0, 3):
        case 0:
            del model.directives[name]
        case 1:
            directive.repeatable = not directive.repeatable
        case 2:
            directive.locations = rng.sample(DIRECTIVE_LOCATIONS, rng.randint(1, 3))
        case _:
            _edit_inputs(rng, model, directive.arguments)


EDITS: Final = (
    _remove_field,
    _add_field,
    _rename_field,
    _change_field_type,
    _change_nullability,
    _change_nullability,
    _deprecate,
    _describe,
    _change_arguments,
    _change_arguments,
    _change_input,
    _change_input,
    _toggle_one_of,
    _edit_names,
    _edit_names,
    _remove_type,
    _add_type,
    _change_kind,
    _change_scalar,
    _change_directive,
)
