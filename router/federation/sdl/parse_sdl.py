"""Parses SDL: regular SDL quickly, and every other text by graphql-core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import parse

from router.federation.sdl.node_places import IndexedSource
from router.federation.sdl.parse_definitions import DefinitionParser
from router.federation.sdl.split_into_tokens import Irregular

if TYPE_CHECKING:
    from graphql.language import DocumentNode, Source


def parse_sdl(text: str) -> DocumentNode:
    """Return the document that graphql-core returns. A token of a location may lack its neighbours (`prev`, `next`).

    Raises:
        GraphQLSyntaxError: The text is not a GraphQL document.
    """
    source = IndexedSource(text)
    try:
        return parse_regular_sdl(source)
    except Irregular:
        return parse(source)


def parse_regular_sdl(source: Source) -> DocumentNode:
    """Parse type definitions and extensions. The result is equal to that of graphql-core, with all locations.

    But the tokens of the locations do not have their neighbours (`prev` and `next`).

    Raises:
        Irregular: graphql-core must parse the text.
    """
    return DefinitionParser(source).document()
