"""Replace characters that control the terminal or the direction of text, before the text is printed."""

from __future__ import annotations

import unicodedata

# Characters of these Unicode bidirectional classes change the direction of text. A line with such a character could
# look different from its content.
_DIRECTIONS = frozenset(("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"))


def printable(text: str) -> str:
    """Return the text with a replacement character for each character that is not safe to print.

    An attacker may have written `text`.
    """
    return "".join("\N{REPLACEMENT CHARACTER}" if _controls_terminal(character) else character for character in text)


def _controls_terminal(character: str) -> bool:
    return character != "\t" and (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in _DIRECTIONS
    )
