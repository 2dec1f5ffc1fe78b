"""How long and how nested a document is, from its text alone: before a parser spends time on it.

A regular expression walks the lexical tokens (GraphQL specification, "Lexical Tokens"); text that is no token is left
for the parser to refuse. It counts what a lexer would, at a fiftieth of the price of parsing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

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


class Extent(NamedTuple):
    """`recursion` is how many brackets are open at once at most. The names are those of `limits`."""

    tokens: int
    recursion: int


def extent(text: str, *, stop: int | None = None) -> Extent:
    """Measure a document; not beyond `stop` tokens, where the count alone decides."""
    tokens = depth = deepest = 0
    for match in _TOKEN.finditer(text):
        first = text[match.start()]
        if first == "#":
            continue
        tokens += 1
        if first in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif first in _CLOSING:
            depth -= 1
        if stop is not None and tokens > stop:
            break
    return Extent(tokens, deepest)
