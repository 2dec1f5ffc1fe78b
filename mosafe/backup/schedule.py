"""`mosafe backup schedule`: makes a backup at each time of the timetable, and deletes old ones."""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import structlog

from bank.values import now
from mosafe.backup.create import BackupOptions, create
from mosafe.backup.errors import BackupError
from mosafe.backup.lease import ScheduleLease
from mosafe.backup.read_backup import list_backups, prune
from servicekit.errors import ServiceError, StartupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from mosafe.backup.destination import Destination
    from mosafe.backup.installation import Installation
    from mosafe.backup.retention import Retention
    from mosafe.backup.timetable import Timetable

# After a backup that failed, the next attempt comes this much later, or at the next time of the timetable.
RETRY_SECONDS: Final = 300.0

_log = structlog.stdlib.get_logger("backup")


@dataclass(frozen=True, slots=True)
class Plan:
    """What the schedule does.

    Attributes:
        installation: the stores.
        destination: where backups are.
        options: how backups are written.
        timetable: when backups are made.
        retention: which backups are kept.
    """

    installation: Installation
    destination: Destination
    options: BackupOptions
    timetable: Timetable
    retention: Retention


class Schedule:
    """Runs a plan until `wait` returns true.

    Each process with the same plan computes the same times. The lease decides which of them makes the backup; the
    others find the new backup and wait for the next time.
    """

    def __init__(
        self, plan: Plan, wait: Callable[[float], bool], clock: Callable[[], datetime] = now, owner: str | None = None
    ) -> None:
        """`wait` waits for some seconds, and returns whether the schedule shall end."""
        self._plan = plan
        self._wait = wait
        self._clock = clock
        self._lease = ScheduleLease(plan.destination, owner or f"{socket.gethostname()}:{os.getpid()}", clock=clock)

    def run(self) -> None:
        """Make a backup at each time of the timetable. A failure is logged, and does not end the schedule."""
        due = self._plan.timetable.after(self._clock())
        _log.info("next backup", at=due.isoformat())
        while not self._wait(max(0.0, (due - self._clock()).total_seconds())):
            following = self._plan.timetable.after(self._clock())
            while not self._attempt(due):
                remaining = (following - self._clock()).total_seconds()
                if self._wait(min(RETRY_SECONDS, max(0.0, remaining))):
                    return
                if self._clock() >= following:
                    break
            due = following
            _log.info("next backup", at=due.isoformat())

    def _attempt(self, due: datetime) -> bool:
        """Make the backup of the time `due`, unless it exists. Return False if it must be tried again."""
        try:
            if self._exists(due):
                return True
            if not self._lease.take():
                _log.info("another scheduler makes the backup")
                return False
            with self._lease.renewed():
                # Another scheduler may have finished since the first look.
                if not self._exists(due):
                    self._make()
        except (BackupError, StartupError, ServiceError, OSError) as error:
            _log.error("backup failed", code=getattr(error, "code", "STARTUP_ERROR"), reason=str(error))
            return False
        return True

    def _exists(self, due: datetime) -> bool:
        listed = list_backups(self._plan.destination, self._plan.options.signing_key)
        return any(each.manifest is not None and each.manifest.started >= due for each in listed)

    def _make(self) -> None:
        plan = self._plan
        options = replace(plan.options, may_publish=self._lease.check)
        manifest = create(plan.installation, plan.destination, options)
        _log.info("backup made", backup=manifest.id, bytes=manifest.stored_size, started_at=manifest.started_at)
        deleted = prune(plan.destination, plan.retention, options.signing_key)
        if deleted:
            _log.info("old backups deleted", backups=deleted)


@contextmanager
def until_terminated() -> Iterator[Callable[[float], bool]]:
    """Provide a function that waits, and returns true when SIGTERM or SIGINT has arrived."""
    ended = threading.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: ended.set()) for number in signals]
    try:
        yield ended.wait
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
