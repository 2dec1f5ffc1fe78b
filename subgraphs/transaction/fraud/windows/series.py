"""Series: the data of rolling windows, each for one user or account, and the requests to read and write them.

There are two kinds of series. A **tally** counts orders and adds up their amounts. Time is divided into slots. A
reading is the sum of all slots that overlap with the window:

```
slots      |  2  |     |  1  |  4  |  1  |      at = now
window             '------- span ---------'     reading: 2? no: the slot of 2 ends before the window begins
```

So a reading contains all orders of the window. It may also contain older orders, because the first slot may begin
before the window.

A **recent** series remembers members, such as the accounts that got money, with the last time of each member. There are
at most `cap` members. If there are more, the members with the oldest times are forgotten.

For each order, dozens of objects of these classes are created. So all but the result of a read are tuples, which are
created and compared fastest.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

# Maps the name of a window to its length and the length of its slots, in milliseconds.
SPANS: Final[dict[str, tuple[int, int]]] = {
    "1m": (MINUTE, 5 * SECOND),
    "1h": (HOUR, 5 * MINUTE),
    "24h": (DAY, HOUR),
    "48h": (2 * DAY, 2 * HOUR),
    "7d": (7 * DAY, 6 * HOUR),
    "30d": (30 * DAY, DAY),
    "90d": (90 * DAY, 3 * DAY),
    "365d": (365 * DAY, 12 * DAY),
}

# Scripts in Redis compute with floating-point numbers, which are exact only up to 2**53. So an amount is stored in two
# parts: `amount // BILLION` and `amount % BILLION`. Even the sum of a million such parts is below 2**53.
BILLION: Final = 10**9


class ScopeKind(StrEnum):
    USER = "user"
    ACCOUNT = "account"


class Scope(NamedTuple):
    """The user or account whose orders a series contains. The store has an index to find these orders."""

    kind: ScopeKind
    id: str


class Series(NamedTuple):
    """The identity of a series.

    Attributes:
        name: a string that identifies which orders of the scope are in the series, and what is remembered of them.
        span: how long an order is remembered, in milliseconds.
        slot: the length of a slot in milliseconds, for a tally; 0 for a recent series.
        cap: the largest number of members of a recent series; 0 for a tally.
    """

    scope: Scope
    name: str
    span: int
    slot: int = 0
    cap: int = 0

    @property
    def is_tally(self) -> bool:
        return self.slot > 0

    @property
    def key(self) -> str:
        """A hash of the series, as 24 hex digits. The ids of users and accounts cannot be read from it."""
        text = f"{self.scope.kind}\0{self.scope.id}\0{self.name}\0{self.span}\0{self.slot}\0{self.cap}"
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()

    def first_slot(self, at: int) -> int:
        """Return the number of the first slot that overlaps with the window. The window ends at `at`."""
        return (at - self.span) // self.slot


def tally(scope: Scope, name: str, window: str) -> Series:
    """Return a tally over a window of `SPANS`, such as `24h`."""
    span, slot = SPANS[window]
    return Series(scope, name, span, slot=slot)


def member_key(*parts: str) -> str:
    """Return a hash that identifies a member of a recent series. `parts` cannot be read from it."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()


class Write(NamedTuple):
    """The data that one order adds to a series.

    Attributes:
        at: milliseconds since 1970.
        units: for a tally, the amount of the order in minor units; not negative.
        member: for a recent series, the member to remember, such as the hash of a payee (`member_key`).
        tag: the transaction id if the series remembers each order of a member separately; otherwise empty.
    """

    series: Series
    at: int
    units: int = 0
    member: str = ""
    tag: str = ""

    @property
    def element(self) -> str:
        """The text under which the series stores the member: `member|tag`."""
        return f"{self.member}|{self.tag}"


class Question(StrEnum):
    """The kinds of reads of a series."""

    TALLY = "tally"
    """The number of orders and the sum of their amounts in the window."""
    MEMBERS = "members"
    """The number of members in the window."""
    LAST = "last"
    """The last time of a member, if it is in the window."""
    OTHER = "other"
    """The time of the latest order in the window with the same member. The transaction that asks is left out."""


class Read(NamedTuple):
    series: Series
    question: Question
    member: str = ""


class Reading(msgspec.Struct, frozen=True):
    """The result of a read.

    Attributes:
        count: the number of orders or members in the window.
        units: the sum of the amounts in minor units.
        last: a time in milliseconds since 1970; None if there is none.
    """

    count: int = 0
    units: int = 0
    last: int | None = None
