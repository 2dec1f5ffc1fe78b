"""Parses a text faster if a similar text has already been parsed.

Two versions of a supergraph are mostly equal. If both texts begin or end with the same definitions, these definitions
are taken from the document that is already parsed. Only the definitions in the middle are parsed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import DocumentNode, GraphQLSyntaxError

from router.federation.sdl.parse_sdl import parse_sdl

if TYPE_CHECKING:
    from graphql import DefinitionNode


def parse_similar(text: str, known: str, document: DocumentNode) -> DocumentNode:
    """Return the document of `text`. The places of its nodes (`loc`) are not places in `text`.

    Args:
        text: The text to parse.
        known: A similar text.
        document: The document of `known`, with places.

    Raises:
        GraphQLSyntaxError: The text is not a document.
    """
    definitions = document.definitions
    starts = [_start(each) for each in definitions]
    equal = _common(text, known)
    # A definition is taken over only if the next definition begins in the equal text too. Otherwise, it may end
    # differently.
    head = next((number - 1 for number, start in enumerate(starts) if start > equal), len(starts) - 1)
    from_end = _common(text[::-1], known[::-1])
    first = next((number for number, start in enumerate(starts) if start >= len(known) - from_end), len(starts))
    head = max(head, 0)
    begin = starts[head] if head < len(starts) else 0
    tail = max(first, head)
    shift = len(text) - len(known)
    end = starts[tail] + shift if tail < len(starts) else len(text)
    if end < begin or not text.strip():
        return parse_sdl(text)
    middle = text[begin:end]
    try:
        parsed = parse_sdl(middle).definitions if middle.strip() else ()
    except GraphQLSyntaxError:
        # Parse the whole text, so that the error has its place in the whole text.
        return parse_sdl(text)
    return DocumentNode(definitions=(*definitions[:head], *parsed, *definitions[tail:]))


def _start(definition: DefinitionNode) -> int:
    if definition.loc is None:
        raise ValueError("the known document has no places")
    return definition.loc.start


def _common(one: str, other: str) -> int:
    """Return the length of the longest common prefix."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
