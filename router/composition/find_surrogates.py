"""Find halves of surrogate pairs. Python's strings can contain such halves, but UTF-8 text cannot."""

from __future__ import annotations


def has_surrogates(text: str) -> bool:
    """Return whether the text contains half of a surrogate pair. An escape in JSON or YAML can create such a half."""
    return any("\ud800" <= character <= "\udfff" for character in text)
