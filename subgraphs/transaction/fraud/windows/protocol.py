"""The protocol of windows.

`tests/subgraphs/transaction/fraud/windows/windows_contract.py` tests every implementation.

A series is *unknown* until it was filled with the history of its scope. So a window that was lost (a restart, a full
memory, a flushed Redis) is never mistaken for an empty one:

```
unknown -- observe that reads it --> filling -- fill --> known
   ^                                 (writes count, readings are not complete)
   '-- lost: evicted, idle for IDLE_MILLISECONDS, flushed, or `forget_all`
```

An order must be in the store before it is observed. The history for `fill` is read after `observe` has returned the
series as unknown. Then each order is in the history, or is observed later, or both; if both, it counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from subgraphs.transaction.fraud.windows.series import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from subgraphs.transaction.fraud.windows.series import Read, Reading, Series, Write

# A transaction that is observed again within this time counts once. A process that crashes is restarted sooner.
REPEAT_MILLISECONDS: Final = HOUR
# A series that nobody has read or written for this time is forgotten, and rebuilt when it is read again.
IDLE_MILLISECONDS: Final = 8 * DAY
# If a series was not filled in this time, the process that wanted to fill it has died, and another one begins again.
FILLING_MILLISECONDS: Final = MINUTE


@dataclass(frozen=True, slots=True)
class Observation:
    """The result of `observe`.

    Attributes:
        readings: the readings, in the order of the reads. Those of unknown series are not complete.
        unknown: the series that must be filled, each with the token that `fill` takes.
    """

    readings: Sequence[Reading]
    unknown: Mapping[Series, str]


class Past(NamedTuple):
    """What an order of the history adds to a series."""

    transaction_id: str
    write: Write


class WindowsUnavailable(Exception):
    """The windows do not respond. It is not known whether the writes were made."""


class Windows(Protocol):
    """Rolling windows over the orders of users and accounts."""

    async def observe(
        self, transaction_id: str, at: int, writes: Sequence[Write], reads: Sequence[Read]
    ) -> Observation:
        """Add what an order contributes, then read; both in one atomic step.

        A write to a series that is unknown and not read is dropped: the history will contain it. A transaction counts
        once in each series, however often it is observed within `REPEAT_MILLISECONDS`.

        Args:
            transaction_id: the order.
            at: the end of the windows, in milliseconds since 1970. What is older than a window is deleted.
            writes: what the order adds.
            reads: what to read.

        Raises:
            WindowsUnavailable: the windows do not respond.
        """

    async def fill(self, series: Series, token: str, at: int, history: Sequence[Past]) -> None:
        """Make a series known. Does nothing if it was filled already, or was lost since `observe` gave the token.

        Args:
            series: a series that `observe` returned as unknown.
            token: its token.
            at: the current time in milliseconds since 1970.
            history: what the orders of the store add to the series, in any order.

        Raises:
            WindowsUnavailable: the windows do not respond.
        """

    async def forget_all(self) -> None:
        """Make every series unknown, because orders may be missing in them.

        Raises:
            WindowsUnavailable: the windows do not respond.
        """

    async def aclose(self) -> None:
        """Release the connections."""
