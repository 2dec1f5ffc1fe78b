"""Find halves of surrogate pairs, which Python's strings can contain and UTF-8 cannot."""

from __future__ import annotations


def has_surrogates(text: str) -> bool:
    """Return whether the text contains half of a surrogate pair, which an escape in JSON or YAML can create."""
    return any("\ud800" <= character <= "\udfff" for character in text)
