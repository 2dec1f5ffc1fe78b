"""Hash chains: each entry of a list has a hash over its content and over the hash of the entry before it (bank §2.16).

The hash is an HMAC. Its key is not in the database, so somebody who can only write to the database cannot compute a
hash. If this person changes, inserts or removes an entry in the middle of a chain, `first_broken` finds the entry. If
the last entries are removed, the rest of the chain is still valid, only shorter. So a position and its hash should also
be kept in another place.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEY_ID_CHARACTERS: Final = 16
# `json.dumps` with these arguments would create an encoder at each call.
_encode: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Link:
    """The position of an entry in its chain, and the hash of the entry.

    For a chain without entries, the position is 0 and the hash is empty.
    """

    position: int = 0
    hash: bytes = b""


class Content(Protocol):
    """What an entry says, without its position and its hash."""

    def hashed(self) -> list[object]:
        """Return the values from which the hash is computed, in a form that JSON has."""


class Stored(Protocol):
    """An entry with the position and the hash that the store contains for it."""

    @property
    def link(self) -> Link: ...

    @property
    def entry(self) -> Content: ...


S = TypeVar("S", bound=Stored)


class ChainKey:
    """The secret key of chains. Different keys have different ids. The id reveals nothing about the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.id: Final = hmac.new(key, b"key id", hashlib.sha256).hexdigest()[:_KEY_ID_CHARACTERS]

    def next(self, before: Link, entry: Content) -> Link:
        """Return the link of `entry`. `before` is the link of the preceding entry of the same chain."""
        content = [before.position + 1, *entry.hashed()]
        return Link(before.position + 1, hmac.digest(self._key, before.hash + _encode(content).encode(), "sha256"))

    def derive(self, purpose: str) -> bytes:
        """Return a 256-bit key for another purpose, such as signing the cursors of a list of entries."""
        return hmac.new(self._key, b"derived: " + purpose.encode(), hashlib.sha256).digest()


def first_broken(key: ChainKey, entries: Sequence[S], before: Link) -> tuple[S | None, Link]:
    """Verify entries of one chain. `before` is the link of the entry before them.

    Args:
        key: the key of the chain.
        entries: the entries in the order of their positions.
        before: the last link that is already verified.

    Returns:
        The first entry whose position or hash is wrong (or None), and the last correct link.
    """
    for stored in entries:
        expected = key.next(before, stored.entry)
        if stored.link.position != expected.position or not hmac.compare_digest(stored.link.hash, expected.hash):
            return stored, before
        before = expected
    return None, before


def check_key(known: Sequence[str], key: ChainKey, place: str, variable: str, file: str) -> None:
    """Check that the chains in the store `place` were made with `key`.

    Args:
        known: the id of the key that the store has recorded; empty if the store has no chains yet.
        key: the key that the service has.
        place: the name of the store, for the message.
        variable: the variable that sets the key.
        file: the file of the key in the data directory, if the variable is not set.

    Raises:
        StartupError: the chains were made with another key.
    """
    if known and [*known] != [key.id]:
        raise StartupError(
            f"{variable}: the entries of {place} were chained with another key; give the service the key that"
            f" it had before (the variable, or {file} in the data directory)"
        )
