"""Halves of surrogate pairs, which Python's strings can contain and UTF-8 cannot."""

from __future__ import annotations


def has_surrogates(text: str) -> bool:
    """Whether the text contains half of a surrogate pair: an escape can write one, a GraphQL document cannot."""
    return any("\ud800" <= character <= "\udfff" for character in text)
