"""Statements: the entries of an account in a period, and its balance at a time. Pure.

Entries are in the order of their times; entries of the same time are in the order in which they were posted. So the
balance after an entry is the balance before the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bank.values import InvalidValue
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.kit.pages import PageRequest, SortKey

# The number of parts of an entry's sort key.
SORT_KEY_WIDTH: Final = 2


@dataclass(frozen=True, slots=True)
class Period:
    """A period of time: from `begin` on, and before `end`.

    Raises:
        InvalidValue: the period ends before it begins. The constructor raises this error.
    """

    begin: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end < self.begin:
            raise InvalidValue("the period ends before it begins")


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """An entry of a customer's account.

    Attributes:
        position: the number of the entry in its account, from 1.
        amount: negative if the entry debits the account.
        balance: the balance of the account after the entry.
    """

    account_id: str
    transaction_id: str
    position: int
    posted_at: datetime
    amount: Decimal
    balance: Decimal
    currency: str


def narrowed(period: Period, page: PageRequest) -> Period:
    """Return the part of `period` that contains the entries of a page.

    The part begins at the cursor `after` and ends at the cursor `before`. It may contain other entries with the same
    time as a cursor, so a store must still compare positions. A store reads only this part, so the last page of a long
    history takes no longer than the first one.
    """
    begin, end = period.begin, period.end
    if page.after is not None:
        begin = max(begin, from_milliseconds(int(page.after[0])))
    if page.before is not None:
        end = min(end, from_milliseconds(int(page.before[0])) + timedelta(milliseconds=1))
    return Period(begin, max(begin, end))


def sort_key(entry: LedgerEntry) -> SortKey:
    """Return the sort key of an entry: its time in milliseconds since 1970, and its position."""
    return str(to_milliseconds(entry.posted_at)), str(entry.position)
