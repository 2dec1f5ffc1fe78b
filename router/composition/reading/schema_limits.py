"""Check that the size and the nesting of one subgraph's SDL are below limits (composition §10).

The text is split into tokens in a simpler way than GraphQL requires. The parser later rejects text that is not GraphQL.
"""

from __future__ import annotations

import re

# The SDL of 100 subgraphs together has about 5 MB. A single subgraph with more than 8 MB is a mistake or an attack.
MAX_CHARACTERS = 8_000_000
# Composing a schema with this number of tokens needs up to 500 MB of memory. The largest public schemas have about
# 100 000 tokens.
MAX_TOKENS = 400_000
# The parser and later steps are recursive, so deep nesting could exceed Python's recursion limit. Real schemas nest
# lists and default values a few levels deep.
MAX_NESTING = 200

# If a string has no closing quote, the pattern matches up to the end of the line (for `"`) or of the text (for `"""`).
# A pattern that requires the closing quote would search the rest of the text for it again and again.
_TOKEN = re.compile(
    r'\#[^\n\r]*|"""(?:\\"""|[\s\S])*?(?:"""|\Z)|"(?:\\.|[^"\\\n\r])*"?|\.\.\.|[\w.+-]+|[^\s,\ufeff]', re.ASCII
)


def exceeded_limit(sdl: str) -> str | None:
    """Return which limit the SDL exceeds, for example "has more than 400000 tokens"; None if no limit is exceeded."""
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
