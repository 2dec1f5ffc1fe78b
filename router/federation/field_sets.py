"""Parse and print field sets: the selections in the arguments of `@key`, `@requires`, `@provides` and `@join__*`.

parse_field_set("id organization { id }")      # -> SelectionSetNode
print_field_set(node)                          # -> "id organization { id }"
"""

from __future__ import annotations

from functools import lru_cache

from graphql import GraphQLSyntaxError
from graphql.language import (
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    parse,
    print_ast,
)


class FieldSetSyntaxError(ValueError):
    """A text is not a field set, because it is not exactly one GraphQL selection set. The message says why."""


# Schemas repeat a few field sets, mostly `id`. So parsed field sets are cached. Callers can share the parsed nodes,
# because the nodes are immutable. Clients cannot fill the cache, because field sets come only from operators. The cache
# uses at most about 20 MB.
_CACHE_SIZE = 4_096
_MAX_CACHED_LENGTH = 64


def parse_field_set(text: str) -> SelectionSetNode:
    """Parse a field set, with or without outer braces: `id org { id }` or `{ id org { id } }`.

    Aliases, arguments, directives and fragment spreads are accepted. The caller must check whether the directive
    (for example `@key`) allows them.

    Raises:
        FieldSetSyntaxError: The text is empty, or is not exactly one selection set.
    """
    return _parse_and_keep(text) if len(text) <= _MAX_CACHED_LENGTH else _parse(text)


@lru_cache(_CACHE_SIZE)
def _parse_and_keep(text: str) -> SelectionSetNode:
    return _parse(text)


def _parse(text: str) -> SelectionSetNode:
    source = text if text.lstrip().startswith("{") else f"{{{text}}}"
    try:
        document = parse(source, no_location=True)
    except GraphQLSyntaxError as error:
        raise FieldSetSyntaxError(error.message) from None
    except RecursionError:
        raise FieldSetSyntaxError("Syntax Error: the field set is nested too deeply.") from None
    operation, *rest = document.definitions
    if rest or not isinstance(operation, OperationDefinitionNode):
        raise FieldSetSyntaxError("Syntax Error: a field set is a single selection set.")
    if _has_empty_selection(operation.selection_set):
        raise FieldSetSyntaxError("Syntax Error: the field set has a selection without fields.")
    return operation.selection_set


def _has_empty_selection(selection_set: SelectionSetNode) -> bool:
    """Return whether there is a selection `{ }` at any depth. The parser of graphql-core accepts such selections."""
    if not selection_set.selections:
        return True
    return any(
        below is not None and _has_empty_selection(below)
        for selection in selection_set.selections
        for below in (getattr(selection, "selection_set", None),)
    )


def parse_field_set_or_none(text: str | None) -> SelectionSetNode | None:
    """Parse a field set. Return None if `text` is None or cannot be parsed."""
    if text is None:
        return None
    try:
        return parse_field_set(text)
    except FieldSetSyntaxError:
        return None


def print_field_set(selection_set: SelectionSetNode) -> str:
    """Print a field set on one line without outer braces: `id organization { id }`."""
    return " ".join(_print_selection(selection) for selection in selection_set.selections)


def _print_selection(selection: SelectionNode) -> str:
    match selection:
        case FieldNode():
            alias = f"{selection.alias.value}: " if selection.alias else ""
            arguments = ", ".join(print_ast(argument) for argument in selection.arguments or ())
            head = f"{alias}{selection.name.value}" + (f"({arguments})" if arguments else "")
            body = selection.selection_set
        case InlineFragmentNode():
            head = f"... on {selection.type_condition.name.value}" if selection.type_condition else "..."
            body = selection.selection_set
        case FragmentSpreadNode():
            head = f"...{selection.name.value}"
            body = None
        case _:
            raise TypeError(f"not a selection: {selection.kind}")
    directives = "".join(f" {print_ast(directive)}" for directive in selection.directives or ())
    inner = f" {{ {print_field_set(body)} }}" if body else ""
    return f"{head}{directives}{inner}"
