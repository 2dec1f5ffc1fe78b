"""Generates operations on a schema: fields, aliases, arguments, variables, fragments and conditions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_interface_type,
    is_leaf_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
    parse,
    validate,
)

from tests.router.oracle.choices import chance, pick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLCompositeType, GraphQLField, GraphQLInputType, GraphQLSchema

    from tests.router.oracle.choices import Choices

T = TypeVar("T")

# Numbers of fields: small operations make readable counter-examples, large ones nest through several subgraphs.
SIZES = (10, 25, 60)
MAX_DEPTH = 7
_INPUT_DEPTH = 2
# Executable directives, most often none.
DEFINITION_NOTES = (*[""] * 17, ' @note(text: "d")', ' @mark(text: "d")', ' @mark @mark(text: "d") @note')
SPREAD_NOTES = (*[""] * 17, ' @note(text: "f")', ' @mark(text: "f")', " @note @mark")


@dataclass(frozen=True, slots=True)
class Operation:
    query: str
    variables: dict[str, object]


@dataclass(slots=True)
class _Draft:
    """The operation so far."""

    choices: Choices
    schema: GraphQLSchema
    budget: int
    is_mutation: bool = False
    aliases: int = 0
    deferred: int = 0
    declarations: list[str] = field(default_factory=list)
    variables: dict[str, object] = field(default_factory=dict)
    fragments: list[tuple[str, str, str]] = field(default_factory=list)

    def chance(self, percent: int) -> bool:
        return chance(self.choices, percent)

    def pick(self, options: Sequence[T]) -> T:
        return pick(self.choices, options)


def generate_operation(choices: Choices, schema: GraphQLSchema, sizes: Sequence[int] = SIZES) -> Operation | None:
    """One operation with one of the sizes; None if the choices make an invalid one (with fields that cannot merge)."""
    draft = _Draft(choices, schema, budget=pick(choices, sizes))
    draft.is_mutation = schema.mutation_type is not None and draft.chance(50)
    root = schema.mutation_type if draft.is_mutation else schema.query_type
    assert root is not None
    selection = _selection(draft, root, 0)
    fragments = "".join(
        f" fragment {name} on {type_}{draft.pick(DEFINITION_NOTES)} {text}" for name, type_, text in draft.fragments
    )
    declared = f"({', '.join(draft.declarations)})" if draft.declarations else ""
    note = ' @note(text: "all")' if draft.chance(5) else ""
    note += ' @mark(text: "all")' if draft.is_mutation and draft.chance(10) else ""
    query = f"{'mutation' if draft.is_mutation else 'query'}{declared}{note} {selection}{fragments}"
    return None if validate(schema, parse(query)) else Operation(query, draft.variables)


def _selection(draft: _Draft, type_: GraphQLCompositeType, depth: int) -> str:
    parts: list[str] = []
    for _ in range(draft.choices.number(1, 5)):
        if draft.budget <= 0:
            break
        if is_composite_type(type_) and (draft.chance(12) or (is_abstract_type(type_) and draft.chance(45))):
            parts.append(_fragment(draft, type_, depth))
        elif draft.chance(8) or not (is_object_type(type_) or is_interface_type(type_)):
            parts.append(f"{_alias(draft)}__typename{_condition(draft)}")
        else:
            parts.append(_field(draft, type_.fields, depth))
    return f"{{ {' '.join(filter(None, parts)) or '__typename'} }}"


def _field(draft: _Draft, fields: dict[str, GraphQLField], depth: int) -> str:
    leaves = [name for name, field in fields.items() if not is_composite_type(get_named_type(field.type))]
    names = leaves if depth >= MAX_DEPTH else list(fields)
    if not names:
        return ""
    draft.budget -= 1
    name = draft.pick(names)
    field = fields[name]
    arguments = [
        f"{argument}: {_input(draft, declared.type)}"
        for argument, declared in field.args.items()
        if draft.chance(60) or is_required_argument(declared)
    ]
    alias = _alias(draft) or (_new_alias(draft) if field.args and draft.chance(80) else "")
    head = f"{alias}{name}{'(' + ', '.join(arguments) + ')' if arguments else ''}{_condition(draft)}"
    named = get_named_type(field.type)
    return f"{head} {_selection(draft, named, depth + 1)}" if is_composite_type(named) else head


def _alias(draft: _Draft) -> str:
    """Sometimes an alias; rarely the alias or the name of another field."""
    if not draft.chance(15):
        return ""
    return f"{draft.pick(('x', 'y', 'id', 'f0'))}: " if draft.chance(25) else _new_alias(draft)


def _new_alias(draft: _Draft) -> str:
    draft.aliases += 1
    return f"a{draft.aliases}: "


def _condition(draft: _Draft) -> str:
    note = _note(draft) if draft.chance(3) else ""
    if not draft.chance(8):
        return note
    directive = draft.pick(("skip", "include"))
    return f"{note} @{directive}(if: {_boolean(draft)})"


def _note(draft: _Draft) -> str:
    return f" @note(text: {_input(draft, GraphQLString)})"


def _deferral(draft: _Draft) -> str:
    """Sometimes `@defer`, in queries only: it is not allowed at the root of a mutation."""
    if draft.is_mutation or not draft.chance(6):
        return ""
    draft.deferred += 1
    condition = f", if: {_boolean(draft)}" if draft.chance(30) else ""
    return f' @defer(label: "d{draft.deferred}"{condition})'


def _boolean(draft: _Draft) -> str:
    if draft.chance(30):
        return draft.pick(("true", "false"))
    name = draft.pick(("$yes", "$no", "$default"))
    declaration = f"{name}: Boolean{' = true' if name == '$default' else ''}!".replace(" = true!", "! = true")
    if declaration not in draft.declarations:
        draft.declarations.append(declaration)
        if name != "$default":
            draft.variables[name[1:]] = name == "$yes"
    return name


def _fragment(draft: _Draft, type_: GraphQLCompositeType, depth: int) -> str:
    possible = {member.name for member in draft.schema.get_possible_types(type_)} if is_abstract_type(type_) else set()
    possible = possible or {type_.name}
    related = [
        other
        for other in draft.schema.type_map.values()
        if is_composite_type(other)
        and not other.name.startswith("__")
        and possible
        & ({m.name for m in draft.schema.get_possible_types(other)} if is_abstract_type(other) else {other.name})
    ]
    target = draft.pick(sorted(related, key=lambda other: other.name))
    condition = _condition(draft) + _deferral(draft)
    if draft.fragments and draft.chance(25):
        usable = [name for name, of, _ in draft.fragments if of == target.name]
        if usable:
            return (
                f"...{draft.pick(usable)}{condition if '@note' in condition else condition + draft.pick(SPREAD_NOTES)}"
            )
    text = _selection(draft, target, depth)
    if draft.chance(30):
        name = f"F{len(draft.fragments)}"
        draft.fragments.append((name, target.name, text))
        return f"...{name}{condition if '@note' in condition else condition + draft.pick(SPREAD_NOTES)}"
    head = "..." if target.name == type_.name and draft.chance(30) else f"... on {target.name}"
    return f"{head}{condition} {text}"


def _input(draft: _Draft, type_: GraphQLInputType) -> str:
    if draft.chance(30):
        return _variable(draft, type_)
    return _literal(draft, type_, 0)


def _variable(draft: _Draft, type_: GraphQLInputType) -> str:
    name = f"v{len(draft.declarations)}"
    default = ""
    if draft.chance(40) and not isinstance(type_, GraphQLNonNull):
        default = f" = {_literal(draft, type_, 0)}"
    note = ' @note(text: "v")' if draft.chance(4) else ""
    draft.declarations.append(f"${name}: {type_}{default}{note}")
    if isinstance(type_, GraphQLNonNull) or draft.chance(70):
        draft.variables[name] = _nullable_value(draft, type_, 0)
    return f"${name}"


def _literal(draft: _Draft, type_: GraphQLInputType, depth: int) -> str:
    return _printed_literal(_nullable_value(draft, type_, depth), type_)


def _printed_literal(value: object, type_: GraphQLInputType) -> str:
    named = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return value if isinstance(named, GraphQLEnumType) else f'"{value}"'
        case list() if isinstance(named, GraphQLList):
            return f"[{', '.join(_printed_literal(item, named.of_type) for item in value)}]"
        case dict() if isinstance(named, GraphQLInputObjectType):
            entries = (f"{key}: {_printed_literal(item, named.fields[key].type)}" for key, item in value.items())
            return f"{{{', '.join(entries)}}}"
        case _:
            return str(value)


def _nullable_value(draft: _Draft, type_: GraphQLInputType, depth: int) -> object:
    if isinstance(type_, GraphQLNonNull):
        return _non_null_value(draft, type_.of_type, depth)
    return None if draft.chance(10) else _non_null_value(draft, type_, depth)


def _non_null_value(draft: _Draft, type_: GraphQLInputType, depth: int) -> object:
    if isinstance(type_, GraphQLList):
        return [
            _nullable_value(draft, type_.of_type, depth)
            for _ in range(draft.choices.number(0, 2 if depth <= _INPUT_DEPTH else 0))
        ]
    if isinstance(type_, GraphQLInputObjectType):
        return _input_object(draft, type_, depth)
    if isinstance(type_, GraphQLEnumType):
        return draft.pick(sorted(type_.values))
    if type_ is GraphQLBoolean:
        return draft.pick((True, False))
    return draft.choices.number(0, 3) if type_ in {GraphQLInt, GraphQLFloat} else draft.pick(("p", "q"))


def _input_object(draft: _Draft, type_: GraphQLInputObjectType, depth: int) -> dict[str, object]:
    """An input object. Below `_INPUT_DEPTH`, it has only required fields."""
    is_deep = depth >= _INPUT_DEPTH
    if type_.is_one_of:
        options = [name for name, each in type_.fields.items() if not is_deep or is_leaf_type(each.type)]
        name = draft.pick(options) if options else ""
        return {name: _non_null_value(draft, type_.fields[name].type, depth + 1)} if name else {}
    chosen = [
        name
        for name, each in type_.fields.items()
        if (not is_deep and draft.chance(50)) or is_required_input_field(each)
    ]
    return {name: _nullable_value(draft, type_.fields[name].type, depth + 1) for name in chosen}
