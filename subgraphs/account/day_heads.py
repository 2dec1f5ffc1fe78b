"""Logs the head of each day of the ledger (bank §2.16).

The log is outside of the database, so somebody who can write to the database cannot change the heads. `mosafe account
ledger heads` computes them again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from subgraphs.account.hash_chain import head_of_day
from subgraphs.account.statements import Period

if TYPE_CHECKING:
    from collections.abc import Callable

    from subgraphs.account.store.protocol import AccountStore

# A posting with a time shortly before midnight may be written after midnight, but at most this much later.
SETTLING: Final = timedelta(minutes=1)

_log = structlog.stdlib.get_logger("account.day_heads")


async def compute_head(store: AccountStore, day: date) -> tuple[str, int]:
    """Return the head of a day (UTC), and the number of accounts with entries on that day."""
    begin = datetime.combine(day, time(), UTC)
    hashes = await store.last_hashes(Period(begin, begin + timedelta(days=1)))
    return head_of_day(hashes), len(hashes)


class DayHeads:
    """Logs the head of a day after the day has ended: after each midnight (UTC), and when a process starts."""

    def __init__(self, store: AccountStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._logged: date | None = None

    async def log_finished(self) -> None:
        """Log the head of the day before today (UTC), unless this process has already logged it."""
        day = (self._clock() - SETTLING).astimezone(UTC).date() - timedelta(days=1)
        if day == self._logged:
            return
        head, accounts = await compute_head(self._store, day)
        _log.info("head of the ledger's day", day=day.isoformat(), head=head, accounts=accounts)
        self._logged = day
