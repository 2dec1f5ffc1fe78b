"""Write arguments as text without unnecessary white space, such as `first:10`.

Planning writes the arguments of a field several times. graphql-core's `print_ast` and `strip_ignored_characters` are
too slow for this: they would take most of the planning time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    VariableNode,
    print_ast,
    strip_ignored_characters,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from graphql import ArgumentNode, ValueNode


def argument_text(argument: ArgumentNode) -> str:
    """Return the argument as minified text, such as `first:10`."""
    return f"{argument.name.value}:{value_text(argument.value)}"


def variables_in(value: ValueNode) -> Iterator[str]:
    """Yield the names of the variables in a value, at any depth."""
    match value:
        case VariableNode(name=name):
            yield name.value
        case ListValueNode(values=values):
            for item in values:
                yield from variables_in(item)
        case ObjectValueNode(fields=fields):
            for entry in fields:
                yield from variables_in(entry.value)


def value_text(value: ValueNode) -> str:  # noqa: PLR0911 - one per kind of value
    """Return the value as minified text."""
    match value:
        case VariableNode(name=name):
            return f"${name.value}"
        case ListValueNode(values=values):
            return f"[{join_tokens(value_text(item) for item in values)}]"
        case ObjectValueNode(fields=fields):
            return f"{{{join_tokens(f'{entry.name.value}:{value_text(entry.value)}' for entry in fields)}}}"
        case StringValueNode(block=True):
            return strip_ignored_characters(print_ast(value))
        case StringValueNode():
            return print_ast(value)  # has no ignored characters
        case BooleanValueNode():
            return "true" if value.value else "false"
        case IntValueNode() | FloatValueNode() | EnumValueNode():
            return value.value
        case _:
            return "null"


def join_tokens(parts: Iterable[str]) -> str:
    """Join the parts. A space separates two parts that would become one token without the space."""
    text = ""
    for part in parts:
        separate = text and _is_word(text[-1]) and (_is_word(part[0]) or part.startswith(("...", "-")))
        text = f"{text} {part}" if separate else f"{text}{part}"
    return text


def _is_word(character: str) -> bool:
    return character.isalnum() or character in '_"'
