"""Recognises secrets that everybody knows or can guess: those of documentation, placeholders and patterns.

In production such a secret stops the start. The rules know no list of values: every secret that stands in our own
documentation and tests is refused by them, which a test checks for each file.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Final

# A secret made by a random generator holds one of these words less than once in a hundred thousand times.
_PLACEHOLDER_WORDS: Final = (
    "admin",
    "change",
    "default",
    "develop",
    "dummy",
    "example",
    "insecure",
    "letmein",
    "mosafe",
    "passwor",
    "placeholder",
    "production",
    "qwert",
    "replace",
    "sample",
    "secret",
    "token",
)
# 128 bits in hexadecimal have about 110 by this measure, which counts how often each character occurs.
_LEAST_BITS: Final = 80.0
_LEAST_BITS_SHORT: Final = 36.0
_LONG: Final = 32
# Neighbours in the alphabet, or the same character again; one pair in six of a random hexadecimal text.
_MOST_STEPS: Final = 0.5
_STEPS: Final = frozenset({-1, 0, 1})


def weakness(secret: str) -> str | None:
    """Why `secret` must not protect anything in production, as the end of a sentence; None if it may.

    The text does not contain the secret.
    """
    plain = "".join(character for character in secret.lower() if character.isalnum())
    word = next((word for word in _PLACEHOLDER_WORDS if word in plain), None)
    if word is not None:
        return f"has the word {word!r}, as secrets of examples have"
    if plain and plain in (plain + plain)[1:-1]:
        return "repeats one text"
    if _share_of_steps(plain) > _MOST_STEPS:
        return "follows the order of the alphabet or repeats characters"
    if _bits(secret) < (_LEAST_BITS if len(secret) >= _LONG else _LEAST_BITS_SHORT):
        return "has too few different characters"
    return None


def _share_of_steps(text: str) -> float:
    """The share of the neighbouring characters that are equal or follow each other: 1.0 for `abcdef` and `aaaa`."""
    pairs = list(pairwise(text))
    return sum(ord(second) - ord(first) in _STEPS for first, second in pairs) / len(pairs) if pairs else 1.0


def _bits(text: str) -> float:
    """The entropy of `text` in bits, if its characters were drawn as often as they occur in it."""
    return -sum(count * math.log2(count / len(text)) for count in Counter(text).values())
