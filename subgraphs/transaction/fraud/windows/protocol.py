"""The protocol of windows.

`tests/subgraphs/transaction/fraud/windows/windows_contract.py` tests every implementation.

A series is *unknown* until it was filled with the past orders of its user or account. So a lost series is never
mistaken for an empty one. A series can be lost by a restart, because the memory is full, or because Redis was flushed:

```
unknown -- observe that reads it --> filling -- fill --> known
   ^                                 (writes count, readings are not complete)
   '-- lost: evicted, idle for IDLE_MILLISECONDS, flushed, or `forget_all`
```

An order must be in the store before it is observed. The history for `fill` is read after `observe` has returned the
series as unknown. So each order is in the history or is observed later. If both are true, the order counts only once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from subgraphs.transaction.fraud.windows.series import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from subgraphs.transaction.fraud.windows.series import Read, Reading, Series, Write

# If a transaction is observed again within this time, it is not counted again. This happens when the steps of an order
# are repeated after a crash. A process restarts much faster than this.
REPEAT_MILLISECONDS: Final = HOUR
# A series that was neither read nor written for this time is forgotten, and rebuilt when it is read again.
IDLE_MILLISECONDS: Final = 8 * DAY
# How long filling a series may take. After this time, the process that was filling the series has probably died, and
# another process begins to fill it.
FILLING_MILLISECONDS: Final = MINUTE


@dataclass(frozen=True, slots=True)
class Observation:
    """The result of `observe`.

    Attributes:
        readings: the readings in the order of the reads. The readings of unknown series are not complete.
        unknown: the series that must be filled, each with its token for `fill`.
    """

    readings: Sequence[Reading]
    unknown: Mapping[Series, str]


class Past(NamedTuple):
    """A past order, and what it adds to a series."""

    transaction_id: str
    write: Write


class WindowsUnavailable(Exception):
    """The windows do not respond. It is not known whether the writes were made."""


class Windows(Protocol):
    """Rolling windows over the orders of users and accounts."""

    async def observe(
        self, transaction_id: str, at: int, writes: Sequence[Write], reads: Sequence[Read]
    ) -> Observation:
        """Add an order to series, and then read series. Both happen in one atomic step.

        A write to an unknown series is dropped, unless `reads` contains the series. The order is not lost: when the
        series is filled later, the history contains the order. If a transaction is observed several times within
        `REPEAT_MILLISECONDS`, it counts only once in each series.

        Args:
            transaction_id: the order.
            at: the end of the windows, in milliseconds since 1970. Entries that are too old for their window are
                deleted.
            writes: what the order adds.
            reads: what to read.

        Raises:
            WindowsUnavailable: the windows do not respond.
        """

    def observe_at_once(
        self, transaction_id: str, at: int, writes: Sequence[Write], reads: Sequence[Read]
    ) -> Observation | None:
        """Do the same as `observe` if nothing has to be awaited. Otherwise, do nothing, and return None."""

    async def fill(self, series: Series, token: str, at: int, history: Sequence[Past]) -> None:
        """Fill an unknown series with its history.

        This does nothing if the series is already filled, or if it was lost after `observe` returned the token.

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
