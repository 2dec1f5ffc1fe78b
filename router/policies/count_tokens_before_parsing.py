"""Counts the tokens of a document and measures how deeply its brackets are nested, before the document is parsed.

A regular expression finds the lexical tokens (GraphQL specification, "Lexical Tokens") and skips any other text, which
the parser refuses later. Counting takes a fiftieth of the time of parsing.
"""

from __future__ import annotations

import re

import msgspec

_TOKEN = re.compile(
    r'"""(?:\\"""|(?!""").)*+"""'  # a block string; \""" does not end it
    r'|"(?:\\.|[^"\\\n\r])*+"'
    r"|#[^\n\r]*+"
    r"|[_A-Za-z][_0-9A-Za-z]*+"
    r"|-?[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
    r"|\.\.\.|[!$&()\[\]{}:=@|?]",
    re.DOTALL,
)
_OPENING, _CLOSING = frozenset("{[("), frozenset("}])")


class DocumentSize(msgspec.Struct, frozen=True):
    """The size of a document. A comment counts as a token, because the parser makes an object for it too.

    `recursion` is how deeply the brackets of the document are nested. The limit for each attribute is the setting with
    the same name in `limits`.
    """

    tokens: int
    recursion: int


def document_size(text: str, *, stop: int | None = None) -> DocumentSize:
    """Return the size of a document. Stop counting when the document has more than `stop` tokens."""
    tokens = depth = deepest = 0
    for match in _TOKEN.finditer(text):
        first = text[match.start()]
        tokens += 1
        if first in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif first in _CLOSING:
            depth -= 1
        if stop is not None and tokens > stop:
            break
    return DocumentSize(tokens, deepest)
