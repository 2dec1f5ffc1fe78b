"""Defines locations of syntax nodes. Unlike graphql-core's locations, they need no list of the text's tokens."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

from graphql.language import Lexer, Location, Source, SourceLocation, Token

from router.federation.sdl.split_into_tokens import TOKEN

_LINE_END: Final = re.compile(r"\r\n|[\n\r]")


class IndexedSource(Source):
    """A source that finds the line of a position quickly, because it keeps a list of the line ends.

    graphql-core counts the lines from the start for each error. For a schema with many errors, this can take minutes.
    """

    __slots__ = ("_line_ends",)

    def get_location(self, position: int) -> SourceLocation:
        if not hasattr(self, "_line_ends"):
            self._line_ends = [match.end() for match in _LINE_END.finditer(self.body)]
        line = bisect_right(self._line_ends, position)
        return SourceLocation(line + 1, position - (self._line_ends[line - 1] if line else 0) + 1)


class NodePlace(Location):
    """The location of a syntax node. The start token and the end token are created only when they are read."""

    __slots__ = ()

    def __init__(self, start: int, end: int, source: Source) -> None:
        self.start = start
        self.end = end
        self.source = source

    def __reduce__(self) -> tuple[type[NodePlace], tuple[int, int, Source]]:
        return NodePlace, (self.start, self.end, self.source)

    @property
    def start_token(self) -> Token:  # type: ignore[override]  # graphql-core declares an attribute
        """The first token, with its line and column."""
        return self._token(self.start)

    @property
    def end_token(self) -> Token:  # type: ignore[override]  # graphql-core declares an attribute
        """The last token, with its line and column."""
        match = None
        position = self.start
        while position < self.end:
            match = TOKEN.match(self.source.body, position)
            position = self.end if match is None else match.end()
        return self._token(self.end if match is None else match.start(1))

    def _token(self, position: int) -> Token:
        lexer = Lexer(self.source)
        token = lexer.read_next_token(position)
        token.line, token.column = self.source.get_location(position)
        return token
