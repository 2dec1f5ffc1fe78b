"""Distinguishes misspelt names of our variables from names of other programs.

The environment contains variables of many programs. A name that starts with `MOSAFE_` must be one of our variables. Any
other name is considered misspelt only if a typing mistake can have changed one of our names into it: an extra, missing,
wrong or swapped letter, an underscore, or a letter in the wrong case.

Kubernetes adds variables for each service of a namespace, and a service may be named like one of our processes:
`ROUTER_SERVICE_HOST`, `AUTH_PORT_3001_TCP_ADDR`, `ROUTER_PORT=tcp://10.0.0.1:4000`. They are not ours.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

PREFIX: Final = "MOSAFE_"

_SERVICE_LINK: Final = re.compile(
    r"[A-Z0-9_]+_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_SERVICE_ADDRESS: Final = re.compile(r"(?:tcp|udp|sctp)://[^/]+:[0-9]+")
# A word may have one mistake for every six letters. In a shorter word, one mistake is allowed, too.
_LETTERS_PER_MISTAKE: Final = 6


def is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes sets this variable for a service of the namespace."""
    if name.endswith("_PORT") and _SERVICE_ADDRESS.fullmatch(value):
        return True
    return _SERVICE_LINK.fullmatch(name) is not None


def without_service_links(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without the variables that Kubernetes sets.

    Kubernetes may set a variable with the name of one of our own, such as `ROUTER_PORT`.
    """
    return {name: value for name, value in environ.items() if not is_service_link(name, value)}


def misspelt(name: str, known: Collection[str]) -> str | None:
    """Return the name in `known` that was probably meant by `name`.

    Return None if `name` is in `known`, or if no name in `known` is similar.
    """
    if name in known:
        return None
    return next((each for each in sorted(known) if _is_close(name.upper(), each)), None)


def nearest(name: str, known: Collection[str]) -> str | None:
    """Return the name in `known` that is most similar to `name`; None if none is similar.

    Call this only if `name` must be the name of one of our variables, for example because it begins with `MOSAFE_`.
    """
    return misspelt(name, known) or next(iter(difflib.get_close_matches(name, sorted(known), n=1)), None)


def _is_close(name: str, known: str) -> bool:
    if name.replace("_", "") == known.replace("_", ""):
        return True
    words, known_words = name.split("_"), known.split("_")
    # The first letters must be equal, because people rarely mistype a first letter. So TEST_PORT is not a misspelt
    # REST_PORT.
    if len(words) != len(known_words) or name[:1] != known[:1]:
        return False
    return all(
        _mistakes(word, expected) <= max(1, len(expected) // _LETTERS_PER_MISTAKE)
        for word, expected in zip(words, known_words, strict=True)
    )


def _mistakes(word: str, expected: str) -> int:
    """Return how many letters to add, drop, change or swap with their neighbour (optimal string alignment distance)."""
    before: list[int] = []
    last: list[int] = []
    row = list(range(len(expected) + 1))
    for i, letter in enumerate(word, start=1):
        before, last, row = last, row, [i]
        for j, other in enumerate(expected, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == expected[j - 2] and word[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
    return row[-1]
