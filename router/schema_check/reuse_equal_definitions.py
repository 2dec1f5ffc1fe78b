"""Builds the syntax tree of a composed supergraph from the tree of another version. Parses only the differences.

Two versions of a supergraph are mostly equal. Equal definitions get the same syntax node, so the diff skips them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from graphql import DocumentNode, GraphQLSyntaxError

from router.federation.sdl.parse_sdl import parse_sdl
from router.schema_check.drop_join_directives import without_join_directives

if TYPE_CHECKING:
    from graphql import DefinitionNode

# An empty line in a description, or before an indented line, does not end a definition.
_BLOCK_STRING_OR_END: Final = re.compile(r'"""(?:[^"\\]|\\"""|\\|"{1,2}+(?!"))*+"""|\n\n(?=\S)')


def parse_similar(sdl: str, known_sdl: str, known: DocumentNode) -> DocumentNode:
    """Return the document of a supergraph without its applied `@join__…` directives.

    Args:
        sdl: The supergraph, as `compose` prints it.
        known_sdl: Another supergraph, as `compose` prints it.
        known: The document of `known_sdl`, whose nodes are taken over.

    Raises:
        GraphQLSyntaxError: `sdl` is not a document.
    """
    known_texts = split_into_definitions(known_sdl)
    if len(known_texts) != len(known.definitions):
        return parse_sdl(without_join_directives(sdl))
    nodes = dict(zip(known_texts, known.definitions, strict=True))
    definitions: list[DefinitionNode] = []
    for text in split_into_definitions(sdl):
        node = nodes.get(text)
        try:
            definitions += (node,) if node is not None else parse_sdl(without_join_directives(text)).definitions
        except GraphQLSyntaxError:
            # Parse the whole text, so that the error has its place in the whole text.
            return parse_sdl(without_join_directives(sdl))
    return DocumentNode(definitions=tuple(definitions))


def split_into_definitions(sdl: str) -> list[str]:
    """Return the texts of the definitions in a supergraph, as `compose` prints it."""
    ends = [match.end() for match in _BLOCK_STRING_OR_END.finditer(sdl) if match[0] == "\n\n"]
    return [sdl[start:end].rstrip("\n") for start, end in zip([0, *ends], [*ends, len(sdl)], strict=True)]
