"""The forms of names: `PascalCase`, `camelCase` and `UPPER_SNAKE_CASE`."""

from __future__ import annotations

import re
from typing import Final

# A part of a name: an abbreviation in capitals (`HTTP` in `HTTPCode`), a word, or a number.
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words_of(name: str) -> list[str]:
    """Return the words of a name, with their capitals: `["book", "By", "ID"]` for `bookByID`."""
    return _WORD.findall(name)


def pascal_case(name: str) -> str:
    """Return the name in PascalCase. A name in this form, also with abbreviations such as `HTTPCode`, is unchanged."""
    if name[:1].isupper() and "_" not in name and not _is_shouted(name):
        return name
    return "".join(_capitalised(word) for word in words_of(name)) or name


def camel_case(name: str) -> str:
    """Return the name in camelCase. A name in this form is unchanged."""
    if name[:1].islower() and "_" not in name:
        return name
    first, *rest = words_of(name) or [name]
    return first.lower() + "".join(_capitalised(word) for word in rest)


def constant_case(name: str) -> str:
    """Return the name in UPPER_SNAKE_CASE. A name in this form is unchanged."""
    if name == name.upper():
        return name
    return "_".join(word.upper() for word in words_of(name)) or name


def _capitalised(word: str) -> str:
    return word[:1].upper() + (word[1:].lower() if word.isupper() else word[1:])


def _is_shouted(name: str) -> bool:
    """Return whether a name is written in capitals and is too long for an abbreviation such as `ISBN`."""
    return len(name) > len("ISBNS") and name.isupper()
