"""The lease of the schedule, at the destination: of several schedulers, one at a time makes backups.

A lease that its owner does not renew ends by itself. The clocks of the schedulers may differ by less than the time
between two renewals.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from bank.values import InvalidValue, format_timestamp, now, parse_timestamp
from mosafe.backup.errors import LEASE_LOST, BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mosafe.backup.destination import Destination

DURATION: Final = timedelta(minutes=2)
RENEWAL_SECONDS: Final = 30.0


@dataclass
class ScheduleLease:
    """The lease of one scheduler.

    Attributes:
        destination: where the lease is.
        owner: the name of this scheduler, such as host and process.
    """

    destination: Destination
    owner: str
    clock: Callable[[], datetime] = now

    def __post_init__(self) -> None:
        self._is_lost = False
        self._turn = threading.Lock()  # the thread of `renewed` and `check` must not overtake each other

    def take(self) -> bool:
        """Take or renew the lease. Return False if another scheduler has it."""
        with self._turn:
            found = self.destination.read_lease()
            version = None
            if found is not None:
                content, version = found
                owner, end = _parse(content)
                if owner != self.owner and self.clock() < end:
                    return False
            return self._write(version, self.clock() + DURATION)

    def release(self) -> None:
        """End the lease, unless another scheduler has taken it over."""
        found = self.destination.read_lease()
        if found is not None and _parse(found[0])[0] == self.owner:
            self._write(found[1], self.clock())

    def check(self) -> None:
        """Raises BackupError if another scheduler has taken the lease over."""
        if self._is_lost or not self.take():
            raise BackupError(LEASE_LOST, "another scheduler has taken over; this backup is not published")

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew the lease in a thread during the block, and release it afterwards."""
        ended = threading.Event()

        def renew() -> None:
            while not ended.wait(RENEWAL_SECONDS):
                try:
                    self._is_lost = self._is_lost or not self.take()
                except BackupError:
                    continue  # `check` tries again before the backup is published, and reports it

        thread = threading.Thread(target=renew, name="backup lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self.release()

    def _write(self, version: str | None, end: datetime) -> bool:
        content = json.dumps({"owner": self.owner, "expires_at": format_timestamp(end)}).encode()
        return self.destination.replace_lease(content, version)


def _parse(content: bytes) -> tuple[str | None, datetime]:
    """Return owner and end of a lease. A damaged lease has ended."""
    try:
        found = json.loads(content)
        return str(found["owner"]), parse_timestamp(found["expires_at"])
    except (ValueError, KeyError, TypeError, InvalidValue):
        return None, datetime.fromtimestamp(0, now().tzinfo)
