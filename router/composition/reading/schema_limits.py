"""Limits on the size and nesting of one subgraph's SDL (composition §10).

The text is split into tokens approximately as in GraphQL. Text that is not GraphQL is rejected by the parser later.
"""

from __future__ import annotations

import re

# The SDL of 100 subgraphs together has about 5 MB. A single schema that exceeds this is a mistake or an attack.
MAX_CHARACTERS = 8_000_000
# Composing a schema with this number of tokens needs up to 500 MB. The largest public schemas have about a quarter of
# them.
MAX_TOKENS = 400_000
# The parser and later steps are recursive. Real schemas nest lists and default values a few levels deep.
MAX_NESTING = 200

# A string that is not closed extends to the end of the line or of the text, so that it is scanned only once.
_TOKEN = re.compile(
    r'\#[^\n\r]*|"""(?:\\"""|[\s\S])*?(?:"""|\Z)|"(?:\\.|[^"\\\n\r])*"?|\.\.\.|[\w.+-]+|[^\s,\ufeff]', re.ASCII
)


def exceeded_limit(sdl: str) -> str | None:
    """Return the end of a message, such as "has more than 400000 tokens"; None if no limit is exceeded."""
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
