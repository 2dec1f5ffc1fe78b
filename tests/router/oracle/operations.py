"""Generated operations on a schema: any fields, aliases, arguments, variables, fragments and conditions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_interface_type,
    is_object_type,
    parse,
    validate,
)

from tests.router.oracle.choices import often, pick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLCompositeType, GraphQLField, GraphQLInputType, GraphQLSchema

    from tests.router.oracle.choices import Choices

T = TypeVar("T")

# Fields of an operation: small ones for reading a counter-example, large ones for nesting through several subgraphs.
SIZES = (10, 25, 60)
MAX_DEPTH = 7


@dataclass(frozen=True, slots=True)
class Operation:
    query: str
    variables: dict[str, object]


@dataclass(slots=True)
class _Writing:
    """The operation as far as it is drawn."""

    choices: Choices
    schema: GraphQLSchema
    budget: int
    is_mutation: bool = False
    aliases: int = 0
    deferred: int = 0
    declarations: list[str] = field(default_factory=list)
    variables: dict[str, object] = field(default_factory=dict)
    fragments: list[tuple[str, str, str]] = field(default_factory=list)

    def often(self, percent: int) -> bool:
        return often(self.choices, percent)

    def pick(self, options: Sequence[T]) -> T:
        return pick(self.choices, options)


def operation(choices: Choices, schema: GraphQLSchema) -> Operation | None:
    """One operation from the choices, None when they make no valid one (fields that cannot merge)."""
    writing = _Writing(choices, schema, budget=pick(choices, SIZES))
    writing.is_mutation = schema.mutation_type is not None and writing.often(50)
    root = schema.mutation_type if writing.is_mutation else schema.query_type
    assert root is not None
    selection = _selection(writing, root, 0)
    fragments = "".join(f" fragment {name} on {type_} {text}" for name, type_, text in writing.fragments)
    declared = f"({', '.join(writing.declarations)})" if writing.declarations else ""
    note = ' @note(text: "all")' if writing.often(5) else ""
    query = f"{'mutation' if writing.is_mutation else 'query'}{declared}{note} {selection}{fragments}"
    return None if validate(schema, parse(query)) else Operation(query, writing.variables)


def _selection(writing: _Writing, type_: GraphQLCompositeType, depth: int) -> str:
    parts: list[str] = []
    for _ in range(writing.choices.number(1, 5)):
        if writing.budget <= 0:
            break
        if is_composite_type(type_) and (writing.often(12) or (is_abstract_type(type_) and writing.often(45))):
            parts.append(_fragment(writing, type_, depth))
        elif writing.often(8) or not (is_object_type(type_) or is_interface_type(type_)):
            parts.append(f"{_alias(writing)}__typename{_condition(writing)}")
        else:
            parts.append(_field(writing, type_.fields, depth))
    return f"{{ {' '.join(filter(None, parts)) or '__typename'} }}"


def _field(writing: _Writing, fields: dict[str, GraphQLField], depth: int) -> str:
    leaves = [name for name, field in fields.items() if not is_composite_type(get_named_type(field.type))]
    names = leaves if depth >= MAX_DEPTH else list(fields)
    if not names:
        return ""
    writing.budget -= 1
    name = writing.pick(names)
    drawn = fields[name]
    arguments = [
        f"{argument}: {_input(writing, drawn.args[argument].type)}" for argument in drawn.args if writing.often(60)
    ]
    alias = _alias(writing) or (_fresh(writing) if drawn.args and writing.often(80) else "")
    head = f"{alias}{name}{'(' + ', '.join(arguments) + ')' if arguments else ''}{_condition(writing)}"
    named = get_named_type(drawn.type)
    return f"{head} {_selection(writing, named, depth + 1)}" if is_composite_type(named) else head


def _alias(writing: _Writing) -> str:
    """Sometimes an alias; rarely one that other fields may have or be called by."""
    if not writing.often(15):
        return ""
    return f"{writing.pick(('x', 'y', 'id', 'f0'))}: " if writing.often(25) else _fresh(writing)


def _fresh(writing: _Writing) -> str:
    writing.aliases += 1
    return f"a{writing.aliases}: "


def _condition(writing: _Writing) -> str:
    note = ' @note(text: "n")' if writing.often(2) else ""
    if not writing.often(8):
        return note
    directive = writing.pick(("skip", "include"))
    return f"{note} @{directive}(if: {_boolean(writing)})"


def _deferral(writing: _Writing) -> str:
    """Sometimes `@defer`, in queries only: it may not be at the root of a mutation."""
    if writing.is_mutation or not writing.often(6):
        return ""
    writing.deferred += 1
    condition = f", if: {_boolean(writing)}" if writing.often(30) else ""
    return f' @defer(label: "d{writing.deferred}"{condition})'


def _boolean(writing: _Writing) -> str:
    if writing.often(30):
        return writing.pick(("true", "false"))
    name = writing.pick(("$yes", "$no", "$default"))
    declaration = f"{name}: Boolean{' = true' if name == '$default' else ''}!".replace(" = true!", "! = true")
    if declaration not in writing.declarations:
        writing.declarations.append(declaration)
        if name != "$default":
            writing.variables[name[1:]] = name == "$yes"
    return name


def _fragment(writing: _Writing, type_: GraphQLCompositeType, depth: int) -> str:
    possible = (
        {member.name for member in writing.schema.get_possible_types(type_)} if is_abstract_type(type_) else set()
    )
    possible = possible or {type_.name}
    related = [
        other
        for other in writing.schema.type_map.values()
        if is_composite_type(other)
        and not other.name.startswith("__")
        and possible
        & ({m.name for m in writing.schema.get_possible_types(other)} if is_abstract_type(other) else {other.name})
    ]
    target = writing.pick(sorted(related, key=lambda other: other.name))
    condition = _condition(writing) + _deferral(writing)
    if writing.fragments and writing.often(25):
        usable = [name for name, of, _ in writing.fragments if of == target.name]
        if usable:
            return f"...{writing.pick(usable)}{condition}"
    text = _selection(writing, target, depth)
    if writing.often(30):
        name = f"F{len(writing.fragments)}"
        writing.fragments.append((name, target.name, text))
        return f"...{name}{condition}"
    head = "..." if target.name == type_.name and writing.often(30) else f"... on {target.name}"
    return f"{head}{condition} {text}"


def _input(writing: _Writing, type_: GraphQLInputType) -> str:
    if writing.often(30):
        return _variable(writing, type_)
    return _literal(writing, type_, 0)


def _variable(writing: _Writing, type_: GraphQLInputType) -> str:
    name = f"v{len(writing.declarations)}"
    default = ""
    if writing.often(40) and not isinstance(type_, GraphQLNonNull):
        default = f" = {_literal(writing, type_, 0)}"
    writing.declarations.append(f"${name}: {type_}{default}")
    if isinstance(type_, GraphQLNonNull) or writing.often(70):
        writing.variables[name] = _json(writing, type_, 0)
    return f"${name}"


def _literal(writing: _Writing, type_: GraphQLInputType, depth: int) -> str:
    return _written(_json(writing, type_, depth), type_)


def _written(value: object, type_: GraphQLInputType) -> str:
    named = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return value if isinstance(named, GraphQLEnumType) else f'"{value}"'
        case list() if isinstance(named, GraphQLList):
            return f"[{', '.join(_written(item, named.of_type) for item in value)}]"
        case dict() if isinstance(named, GraphQLInputObjectType):
            entries = (f"{key}: {_written(item, named.fields[key].type)}" for key, item in value.items())
            return f"{{{', '.join(entries)}}}"
        case _:
            return str(value)


def _json(writing: _Writing, type_: GraphQLInputType, depth: int) -> object:
    if isinstance(type_, GraphQLNonNull):
        return _present(writing, type_.of_type, depth)
    return None if writing.often(10) else _present(writing, type_, depth)


def _present(writing: _Writing, type_: GraphQLInputType, depth: int) -> object:
    if isinstance(type_, GraphQLList):
        return [_json(writing, type_.of_type, depth) for _ in range(writing.choices.number(0, 2))]
    if isinstance(type_, GraphQLInputObjectType):
        chosen = [name for name in type_.fields if depth < 2 and writing.often(50)]
        return {name: _json(writing, type_.fields[name].type, depth + 1) for name in chosen}
    if isinstance(type_, GraphQLEnumType):
        return writing.pick(sorted(type_.values))
    return writing.choices.number(0, 3) if type_ is GraphQLInt else writing.pick(("p", "q"))
