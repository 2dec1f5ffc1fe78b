"""Parse the values of `@fromContext`, such as `$name { selection }`, and find the types that set a context."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode, SelectionSetNode

from router.composition.model import FieldDef, InputValue, Kind, Schema, SubgraphSchema, TypeDef
from router.federation.field_sets import parse_field_set_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

# Matches for example `$user { name }`. The first group is the name of the context (`user`). The second group is the
# selection (` { name }`).
_VALUE = re.compile(r"\s*\$\s*([A-Za-z_]\w*)([\s\S]*)")


@dataclass(frozen=True, slots=True)
class FromContextValue:
    """The parsed value of a `@fromContext`. For `$user { name }`, `context` is `user`, and `text` is ` { name }`."""

    context: str
    selection: SelectionSetNode
    text: str


def parse_context_value(value: str) -> FromContextValue | None:
    """Parse the value of a `@fromContext`. Returns None if the value has no `$name` or no valid selection set."""
    match = _VALUE.fullmatch(value)
    if match is None:
        return None
    selection = parse_field_set_or_none(match[2])
    return None if selection is None else FromContextValue(match[1], selection, match[2])


def contextual_arguments(member: FieldDef) -> Iterator[tuple[InputValue, FromContextValue]]:
    """Yield `(argument, parsed value)` for each argument of the field `member` with a valid `@fromContext`."""
    for argument in member.arguments.values():
        for applied in argument.applied("fromContext"):
            value = parse_context_value(applied.text("field") or "")
            if value is not None:
                yield argument, value


def context_types(schema: Schema, context: str) -> list[TypeDef]:
    """Return the types that set the context named `context`: the types that have `@context` with this name."""
    return [
        definition
        for definition in schema.of_kind(Kind.OBJECT, Kind.INTERFACE, Kind.UNION)
        if any(applied.text("name") == context for applied in definition.applied("context"))
    ]


def context_selections(schema: SubgraphSchema) -> Iterator[tuple[str, SelectionSetNode]]:
    """Yield `(type name, selection)` for each pair of a `@fromContext` and a type that sets the named context."""
    for _, member in schema.fields():
        for _argument, value in contextual_arguments(member):
            for definition in context_types(schema, value.context):
                yield definition.name, value.selection


def leaves(selection: SelectionSetNode) -> Iterator[tuple[str, ...]]:
    """Yield the path to each leaf field: `{ a { b c } }` has the paths `("a", "b")` and `("a", "c")`.

    Type conditions are not part of a path.
    """
    for item in selection.selections:
        if isinstance(item, InlineFragmentNode):
            yield from leaves(item.selection_set)
        elif isinstance(item, FieldNode):
            if item.selection_set is None:
                yield (item.name.value,)
            else:
                for path in leaves(item.selection_set):
                    yield (item.name.value, *path)
