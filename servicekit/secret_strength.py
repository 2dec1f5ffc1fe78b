"""Recognises secrets that are publicly known or easy to guess: secrets from documentation, placeholders and patterns.

In production, a process does not start with such a secret. The rules do not list known secrets. A test checks that the
rules refuse every secret in our own documentation and tests.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Final

# Words that occur in placeholders. Fewer than one in 100,000 random secrets contains such a word by chance.
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
# The least entropy of a secret, for long and for short secrets. These limits are low, because `_bits` underestimates
# the entropy: for 128 random bits in hexadecimal, its result is about 110.
_MIN_BITS: Final = 80.0
_MIN_BITS_SHORT: Final = 36.0
_LONG_SECRET_LENGTH: Final = 32
# The largest share of neighbouring characters that are equal or follow each other in the alphabet. In a random
# hexadecimal text, the share is about one sixth.
_MAX_STEPS: Final = 0.5
_STEPS: Final = frozenset({-1, 0, 1})


def weakness(secret: str) -> str | None:
    """Return why `secret` is too weak for production, as the end of a sentence. Return None if it is strong enough.

    The text does not contain the secret.
    """
    plain = "".join(character for character in secret.lower() if character.isalnum())
    word = next((word for word in _PLACEHOLDER_WORDS if word in plain), None)
    if word is not None:
        return f"has the word {word!r}, as secrets of examples have"
    if plain and plain in (plain + plain)[1:-1]:
        return "repeats one text"
    if _share_of_steps(plain) > _MAX_STEPS:
        return "follows the order of the alphabet or repeats characters"
    if _bits(secret) < (_MIN_BITS if len(secret) >= _LONG_SECRET_LENGTH else _MIN_BITS_SHORT):
        return "has too few different characters"
    return None


def _share_of_steps(text: str) -> float:
    """Return the share of neighbouring characters that are equal or follow each other in the alphabet.

    It is 1.0 for `abcdef` and `aaaa`.
    """
    pairs = list(pairwise(text))
    return sum(ord(second) - ord(first) in _STEPS for first, second in pairs) / len(pairs) if pairs else 1.0


def _bits(text: str) -> float:
    """Return the entropy of `text` in bits, estimated from how often each character occurs in it."""
    return -sum(count * math.log2(count / len(text)) for count in Counter(text).values())
