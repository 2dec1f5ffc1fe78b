"""Parses a document so that its memory is freed as soon as the document is no longer used.

graphql-core links the tokens of a document in both directions. Such a list is a reference cycle, which only a full run
of the garbage collector frees, and the router runs the collector rarely. Without this module, 100 documents of 40 KB
left 200 MB of garbage. Nothing needs the links after parsing: locations and messages use the tokens themselves.

graphql-core reads names, strings and comments character by character, so a comment of 2 MB took 160 ms. Here, regular
expressions read them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from graphql import Lexer, Source, TokenKind
from graphql.language.parser import Parser

if TYPE_CHECKING:
    from graphql import DocumentNode, Token

_NAME: Final = re.compile(r"[_0-9A-Za-z]*+")
# Halves of surrogate pairs are left to graphql-core, which decides whether they belong together.
_COMMENT: Final = re.compile("[^\\n\\r\ud800-\udfff]*+")
_STRING: Final = re.compile('[^"\\\\\\n\\r\ud800-\udfff]*+')


def parse_document(text: str) -> DocumentNode:
    """Parse an executable document.

    Raises:
        GraphQLSyntaxError: the text is not GraphQL.
        RecursionError: brackets are nested too deeply for the Python stack.
    """
    source = Source(text)
    lexer = _FastLexer(source)
    try:
        return Parser(source, lexer=lexer, allow_empty_selection_sets=False).parse_document()
    finally:
        _unlink(lexer.token)


class _FastLexer(Lexer):
    """Reads the same tokens as graphql-core's lexer. Anything unusual is left to that lexer."""

    def read_name(self, start: int) -> Token:
        body = self.source.body
        end = _end(_NAME, body, start + 1)
        return self.create_token(TokenKind.NAME, start, end, body[start:end])

    def read_comment(self, start: int) -> Token:
        body = self.source.body
        end = _end(_COMMENT, body, start + 1)
        if end < len(body) and body[end] not in "\r\n":
            return super().read_comment(start)
        return self.create_token(TokenKind.COMMENT, start, end, body[start + 1 : end])

    def read_string(self, start: int) -> Token:
        body = self.source.body
        end = _end(_STRING, body, start + 1)
        if end == len(body) or body[end] != '"':
            return super().read_string(start)
        return self.create_token(TokenKind.STRING, start, end + 1, body[start + 1 : end])


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Return where the match of `pattern` at `start` ends. The pattern also matches the empty text."""
    match = pattern.match(text, start)
    return start if match is None else match.end()


def _unlink(token: Token) -> None:
    """Remove the links between all tokens of the list that contains `token`."""
    last = token
    while last.next is not None:
        last = last.next
    current: Token | None = last
    while current is not None:
        previous, current.prev, current.next = current.prev, None, None
        current = previous
