"""Parses SDL: regular SDL quickly, and every other text by graphql-core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from graphql import parse

from router.federation.sdl.node_places import IndexedSource
from router.federation.sdl.parse_definitions import DefinitionParser
from router.federation.sdl.split_into_tokens import Irregular

if TYPE_CHECKING:
    from graphql.language import DocumentNode, Source


def parse_sdl(text: str, *, no_location: bool = False) -> DocumentNode:
    """Return the document that graphql-core returns. A token of a location may lack its neighbours (`prev`, `next`).

    If `no_location`, the nodes have no locations, and the result takes less than half of the memory.

    Raises:
        GraphQLSyntaxError: The text is not a GraphQL document.
    """
    source = IndexedSource(text)
    try:
        return parse_regular_sdl(source, no_location=no_location)
    except Irregular:
        return parse(source, no_location=no_location)


class DefinitionsWithStarts(msgspec.Struct, frozen=True):
    """A document, and where each of its definitions begins in the text; None if graphql-core parsed the text."""

    document: DocumentNode
    starts: list[int] | None


def parse_sdl_with_starts(text: str) -> DefinitionsWithStarts:
    """Return the document of `parse_sdl` without locations, and where its definitions begin.

    Raises:
        GraphQLSyntaxError: The text is not a GraphQL document.
    """
    source = IndexedSource(text)
    try:
        parser = DefinitionParser(source, has_places=False)
        return DefinitionsWithStarts(parser.document(), parser.definition_starts)
    except Irregular:
        return DefinitionsWithStarts(parse(source, no_location=True), None)


def parse_regular_sdl(source: Source, *, no_location: bool = False) -> DocumentNode:
    """Parse type definitions and extensions. The result is equal to the result of graphql-core, with all locations.

    But the tokens of the locations do not have their neighbours (`prev` and `next`).

    Raises:
        Irregular: graphql-core must parse the text.
    """
    return DefinitionParser(source, has_places=not no_location).document()
