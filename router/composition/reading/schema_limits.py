"""Limits of one subgraph's schema, told from its text alone: what comes after recurses over it and keeps all of it.

The text is cut into tokens roughly as GraphQL does: what is no GraphQL is cut somehow, and refused by the parser.
"""

from __future__ import annotations

import re

# A 100-subgraph federation prints some 5 MB in all; one subgraph beyond this is a mistake or an attack.
MAX_CHARACTERS = 8_000_000
# Time and memory go with the tokens: so many definitions of types are composed within 500 MB. The largest public
# schemas have about a quarter.
MAX_TOKENS = 400_000
# The parser is recursive. Real schemas nest lists and default values a few levels deep.
MAX_NESTING = 200

# What is not closed reaches to the end, of the line or of the text: it is looked at once.
_TOKEN = re.compile(
    r'\#[^\n\r]*|"""(?:\\"""|[\s\S])*?(?:"""|\Z)|"(?:\\.|[^"\\\n\r])*"?|\.\.\.|[\w.+-]+|[^\s,\ufeff]', re.ASCII
)


def exceeded(sdl: str) -> str | None:
    """The limit that a schema exceeds, in words, or None."""
    if len(sdl) > MAX_CHARACTERS:
        return f"has more than {MAX_CHARACTERS} characters"
    tokens = depth = 0
    for match in _TOKEN.finditer(sdl):
        part = match[0]
        if part in "([{":
            depth += 1
            if depth > MAX_NESTING:
                return f"nests brackets more than {MAX_NESTING} deep"
        elif part in ")]}":
            depth = max(0, depth - 1)
        elif part[0] == "#":
            continue
        tokens += 1
        if tokens > MAX_TOKENS:
            return f"has more than {MAX_TOKENS} tokens"
    return None
