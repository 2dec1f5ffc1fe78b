"""Characters that Python's strings can hold and no text can."""

from __future__ import annotations


def has_surrogates(text: str) -> bool:
    """Whether it holds half of a surrogate pair: escapes can write one, UTF-8 and so GraphQL cannot."""
    return any("\ud800" <= character <= "\udfff" for character in text)
