"""Series: what a window remembers, and the requests that read and write it. Pure.

A **tally** counts orders and adds their amounts. Time is divided into slots, and a reading adds up the slots that
overlap with the window:

```
slots      |  2  |     |  1  |  4  |  1  |      at = now
window             '------- span ---------'     reading: 2? no: the slot of 2 ends before the window begins
```

So a reading contains each order of the window, and at most the orders of one slot more. It never contains less.

A **recent** series remembers members (such as the accounts that got money) with the last time of each, at most `cap`
of them; the oldest are forgotten first.

An order makes some dozens of these values, so they are tuples, which are made and compared fastest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

# The windows that rules may use -> (length, length of a slot), in milliseconds.
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

# Redis computes with floating-point numbers, so amounts are stored in two parts. Each part, and the sum of a million
# such parts, is below 2**53.
HALF: Final = 10**9


class ScopeKind(StrEnum):
    USER = "user"
    ACCOUNT = "account"


class Scope(NamedTuple):
    """Whose orders a series is about. The orders of a scope can be read from the store by an index."""

    kind: ScopeKind
    id: str


class Series(NamedTuple):
    """What a window remembers.

    Attributes:
        name: what is remembered: everything that decides which orders of the scope are in the series.
        span: how long an order is remembered, in milliseconds.
        slot: the length of a slot in milliseconds, for a tally; 0 for a recent series.
        cap: the most members of a recent series; 0 for a tally.
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
        """A key of 24 hex digits. It contains no id that could be read back."""
        text = f"{self.scope.kind}\0{self.scope.id}\0{self.name}\0{self.span}\0{self.slot}\0{self.cap}"
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()

    def first_slot(self, at: int) -> int:
        """The first slot that overlaps with the window which ends at `at`."""
        return (at - self.span) // self.slot


def tally(scope: Scope, name: str, window: str) -> Series:
    """Return a series that counts and adds up over one of `SPANS`."""
    span, slot = SPANS[window]
    return Series(scope, name, span, slot=slot)


def member_key(*parts: str) -> str:
    """Return a short text for a member of a recent series; the parts cannot be read back."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()


class Write(NamedTuple):
    """What one order adds to a series.

    Attributes:
        at: milliseconds since 1970.
        units: the amount that a tally adds, in minor units; not negative.
        member: the member that a recent series remembers.
        tag: the transaction id if each order of a member is remembered by itself; otherwise empty.
    """

    series: Series
    at: int
    units: int = 0
    member: str = ""
    tag: str = ""

    @property
    def element(self) -> str:
        """The form of the member in a window."""
        return f"{self.member}|{self.tag}"


class Question(StrEnum):
    """What is read from a series."""

    TALLY = "tally"
    """The number of orders and the sum of their amounts in the window."""
    MEMBERS = "members"
    """The number of members in the window."""
    LAST = "last"
    """The last time of a member in the window."""
    OTHER = "other"
    """The last time at which another transaction had the same member in the window."""


class Read(NamedTuple):
    series: Series
    question: Question
    member: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a series has in the window.

    Attributes:
        count: how many orders or members.
        units: the sum of the amounts in minor units.
        last: a time in milliseconds since 1970; None if there is none.
    """

    count: int = 0
    units: int = 0
    last: int | None = None
