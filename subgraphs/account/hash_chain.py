"""The hash chain of each account's entries (bank §2.16).

Each entry of a customer's account has a hash: an HMAC over the entry, over all entries of its transaction, and over the
hash of the account's entry before it. `subgraphs.kit.hash_chain` explains what such a chain proves. Entries of internal
accounts have no chain. They need none, because each transaction has an entry of a customer's account, and the hash of
that entry covers all entries of the transaction.

If somebody removes the last entries of an account, the rest of the chain is still valid, only shorter. So the service
logs a head for each day: one hash over the last entries of all accounts on that day. The hash of a last entry covers
the entries before it. A later computation from the database (`day_heads`) gives the same head only if no entry of that
day is missing.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bank.values import to_minor_units
from subgraphs.account.postings import CustomerAccount

if TYPE_CHECKING:
    from collections.abc import Iterable

    from subgraphs.account.posting_rules import Movement
    from subgraphs.kit.hash_chain import Link


@dataclass(frozen=True, slots=True)
class Line:
    """The account and the amount of one entry, in the form from which hashes are computed.

    Attributes:
        account: the id of a customer's account, or the name of an internal account.
        units: the amount in minor units.
    """

    account: str
    units: int


@dataclass(frozen=True, slots=True)
class ChainedEntry:
    """The data from which the hash of an entry is computed, without the hash of the entry before it.

    Attributes:
        posted_at: RFC 3339 text with milliseconds.
        balance_after: in minor units.
        lines: all entries of the transaction, in their order.
        line: the index of this entry in `lines`.
    """

    transaction_id: str
    posted_at: str
    currency: str
    balance_after: int
    lines: tuple[Line, ...]
    line: int

    def hashed(self) -> list[object]:
        return [
            self.transaction_id,
            self.posted_at,
            self.currency,
            self.balance_after,
            self.line,
            [[line.account, line.units] for line in self.lines],
        ]


def lines_of(movements: Iterable[Movement]) -> tuple[Line, ...]:
    """Return the `Line` of each entry of a transaction."""
    return tuple(
        Line(
            movement.account.id if isinstance(movement.account, CustomerAccount) else movement.account.name,
            to_minor_units(movement.amount, movement.currency),
        )
        for movement in movements
    )


def head_of_day(hashes: Iterable[tuple[str, bytes]]) -> str:
    """Return the head of a day: a SHA-256 digest in hexadecimal.

    `hashes` contains the id of each account with entries on that day, and the hash of its last entry, in any order.
    """
    digest = hashlib.sha256()
    for account_id, entry_hash in sorted(hashes):
        digest.update(account_id.encode())
        digest.update(entry_hash)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry of a customer's account, with the position and the hash that the store contains for it."""

    account_id: str
    link: Link
    entry: ChainedEntry
