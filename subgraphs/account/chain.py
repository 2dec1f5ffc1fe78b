"""The hash chain of each account's entries (bank §2.16). Pure.

Each entry of a customer's account has a hash: an HMAC over the entry, over all entries of its transaction, and over the
hash of the account's entry before it. The key is not in the database. So somebody who can write to the database can
neither change, insert nor remove an entry in the middle of a chain without being noticed. Entries of internal accounts
have no chain of their own, because each transaction has an entry of a customer, whose hash covers them.

Who removes the last entries of an account leaves a shorter chain that is right. So the service logs a head of each day:
one hash over the entries of the day, which a later check of the same database must find again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bank.values import to_minor_units
from subgraphs.account.postings import CustomerAccount

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from subgraphs.account.posting_rules import Movement

_KEY_ID_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True)
class Link:
    """The last entry of an account: its place in the account's chain, and its hash.

    An account without entries has the place 0 and no hash.
    """

    position: int = 0
    hash: bytes = b""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as its hash covers it.

    Attributes:
        account: the account's id; for an internal account its name.
        units: the amount in minor units.
    """

    account: str
    units: int


@dataclass(frozen=True, slots=True)
class ChainedEntry:
    """What the hash of an entry covers besides the entry before it.

    Attributes:
        posted_at: RFC 3339 text with milliseconds.
        balance_after: in minor units.
        lines: all entries of the transaction, in their order.
        line: the place of this entry in `lines`.
    """

    transaction_id: str
    posted_at: str
    currency: str
    balance_after: int
    lines: tuple[Line, ...]
    line: int


def lines_of(movements: Iterable[Movement], currency: str) -> tuple[Line, ...]:
    """Return the entries of a transaction as the hashes cover them."""
    return tuple(
        Line(
            movement.account.id if isinstance(movement.account, CustomerAccount) else movement.account.name,
            to_minor_units(movement.amount, currency),
        )
        for movement in movements
    )


class ChainKey:
    """The secret key of the chains. `id` tells keys apart and reveals nothing about the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.id: Final = hmac.new(key, b"key id", hashlib.sha256).hexdigest()[:_KEY_ID_CHARACTERS]

    def next(self, before: Link, entry: ChainedEntry) -> Link:
        """Return the link of `entry`, which follows the entry of `before` in its account."""
        content = [
            before.position + 1,
            entry.transaction_id,
            entry.posted_at,
            entry.currency,
            entry.balance_after,
            entry.line,
            [[line.account, line.units] for line in entry.lines],
        ]
        text = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()
        return Link(before.position + 1, hmac.new(self._key, before.hash + text, hashlib.sha256).digest())


def head_of_day(hashes: Iterable[tuple[str, bytes]]) -> str:
    """Return the head of a day: a SHA-256 digest in hex over its entries, each an account's id and a hash.

    The entries may come in any order.
    """
    digest = hashlib.sha256()
    for account_id, entry_hash in sorted(hashes):
        digest.update(account_id.encode())
        digest.update(entry_hash)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry of a customer's account as a store has it."""

    account_id: str
    link: Link
    entry: ChainedEntry


def first_broken(key: ChainKey, entries: Sequence[StoredEntry], before: Link) -> tuple[StoredEntry | None, Link]:
    """Verify entries of one account, in the order of their positions, that follow `before`.

    Returns:
        The first entry whose position or hash is wrong, or None; and the last link that is right.
    """
    for stored in entries:
        expected = key.next(before, stored.entry)
        if stored.link.position != expected.position or not hmac.compare_digest(stored.link.hash, expected.hash):
            return stored, before
        before = expected
    return None, before
