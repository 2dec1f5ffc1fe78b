"""The times of backups, which of them are kept, and schedulers that run beside each other.

Covers `mosafe/backup/timetable.py`, `retention.py` and `schedule.py`.
"""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mosafe.backup.age_encryption import read_recipients
from mosafe.backup.create import BackupOptions
from mosafe.backup.destination import FolderDestination
from mosafe.backup.errors import DESTINATION, BackupError
from mosafe.backup.retention import Retention
from mosafe.backup.schedule import RETRY_SECONDS, Plan, Schedule, until_terminated
from mosafe.backup.settings import BackupSettings
from mosafe.backup.timetable import Timetable
from servicekit.settings import load

if TYPE_CHECKING:
    from tests.mosafe.backup.installation import Rehearsed


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("0 3 * * *", "2026-01-01T03:00", "2026-01-02T03:00"),
        ("0 3 * * 0", "2026-01-01T00:00", "2026-01-04T03:00"),
        ("30 2 29 2 *", "2026-01-01T00:00", "2028-02-29T02:30"),
        ("6h", "2026-01-01T05:59", "2026-01-01T06:00"),
        ("6h", "2026-01-01T06:00", "2026-01-01T12:00"),
        ("90m", "2026-01-01T00:01", "2026-01-01T01:30"),
        ("1d", "2026-01-01T00:00", "2026-01-02T00:00"),
    ],
)
def test_the_next_time(text: str, now: str, expected: str) -> None:
    assert Timetable.parse(text).after(at(now)) == at(expected)


@pytest.mark.parametrize("text", ["", "6", "0h", "6 h", "-6h", "* * * *", "61 * * * *", "0 0 31 2 *", "hourly"])
def test_other_texts_are_no_timetable(text: str) -> None:
    with pytest.raises(ValueError, match="neither a cron expression"):
        Timetable.parse(text)


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ("daily=2", ["2026-03-01T03", "2026-02-28T15"]),
        ("weekly=2", ["2026-03-01T03", "2026-02-22T03"]),
        ("monthly=3", ["2026-03-01T03", "2026-02-28T15", "2026-01-31T03"]),
        ("hourly=3", ["2026-03-01T03", "2026-02-28T15", "2026-02-28T03"]),
        ("daily=1,monthly=2", ["2026-03-01T03", "2026-02-28T15"]),
        ("daily=0", ["2026-03-01T03"]),
        # There was no backup between December 2024 and January 2026: the period does not count.
        ("monthly=4", ["2026-03-01T03", "2026-02-28T15", "2026-01-31T03", "2024-12-31T03"]),
        ("daily=99", ["2026-03-01T03", "2026-02-28T15", "2026-02-22T03", "2026-01-31T03", "2024-12-31T03"]),
    ],
)
def test_the_newest_of_each_period_is_kept(keep: str, expected: list[str]) -> None:
    times = ["2026-03-01T03", "2026-02-28T15", "2026-02-28T03", "2026-02-22T03", "2026-01-31T03", "2024-12-31T03"]
    backups = {text: at(text) for text in times}
    assert sorted(Retention.parse(keep).kept(backups), reverse=True) == expected


@pytest.mark.parametrize("text", ["", "daily", "daily=-1", "yearly=1", "daily=1,daily=2", "daily=1;weekly=2"])
def test_other_texts_are_no_retention(text: str) -> None:
    with pytest.raises(ValueError, match="is not one of"):
        Retention.parse(text)


class World:
    """A clock that the waits of schedulers move, and the end of their work after some waits."""

    def __init__(self, waits: int) -> None:
        self.time = at("2026-01-01T02:00")
        self.waits: list[float] = []
        self._most = waits

    def now(self) -> datetime:
        return self.time

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.time += timedelta(seconds=seconds)
        return len(self.waits) > self._most


def plan(installation: Rehearsed, destination: FolderDestination | None = None) -> Plan:
    settings = load(BackupSettings, installation.environ)
    return Plan(
        installation.installation,
        destination or FolderDestination(installation.folder / "scheduled"),
        BackupOptions(read_recipients(settings)),
        Timetable.parse("1d"),
        Retention.parse("daily=1"),
    )


def test_the_second_scheduler_finds_the_backup_of_the_first(copied: Rehearsed) -> None:
    """The clock of the test is in the past, so each backup is newer than its time."""
    found = plan(copied)
    for owner in ("first", "second"):
        world = World(1)
        Schedule(found, world.wait, world.now, owner).run()
        assert world.waits[0] == 22 * 3600
    assert len(found.destination.ids()) == 1


def test_a_scheduler_waits_for_the_lease_of_another_one(copied: Rehearsed) -> None:
    found, world = plan(copied), World(2)
    assert found.destination.replace_lease(b'{"owner": "other", "expires_at": "2026-01-02T00:01:00Z"}', None)
    Schedule(found, world.wait, world.now, "late").run()
    assert world.waits == [22 * 3600, RETRY_SECONDS, 24 * 3600 - RETRY_SECONDS]
    assert len(found.destination.ids()) == 1, "the lease had ended"


def test_a_failure_is_tried_again_and_does_not_end_the_schedule(copied: Rehearsed) -> None:
    class Broken(FolderDestination):
        failures = 2

        def publish(self, backup: str, manifest: bytes) -> None:
            if self.failures:
                self.failures -= 1
                raise BackupError(DESTINATION, "the disk is full")
            super().publish(backup, manifest)

    destination, world = Broken(copied.folder / "scheduled"), World(3)
    Schedule(plan(copied, destination), world.wait, world.now).run()
    assert world.waits == [22 * 3600, RETRY_SECONDS, RETRY_SECONDS, 24 * 3600 - 2 * RETRY_SECONDS]
    assert len(destination.ids()) == 1
    assert destination.incomplete(0) == [], "what failed is deleted"


def test_a_lost_lease_publishes_nothing(copied: Rehearsed) -> None:
    class Taken(FolderDestination):
        def incomplete(self, older_than_seconds: float) -> list[str]:
            return super().incomplete(older_than_seconds)

        def read_lease(self) -> tuple[bytes, str] | None:
            if any(self._folder.glob("incomplete-*")):
                return b'{"owner": "other", "expires_at": "2999-01-01T00:00:00Z"}', ""
            return super().read_lease()

    destination, world = Taken(copied.folder / "scheduled"), World(1)
    Schedule(plan(copied, destination), world.wait, world.now).run()
    assert destination.ids() == []


def test_sigterm_ends_the_wait() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with until_terminated() as wait:
        assert not wait(0)
        os.kill(os.getpid(), signal.SIGTERM)
        assert wait(60)
    assert signal.getsignal(signal.SIGTERM) is before


def test_old_backups_are_deleted(copied: Rehearsed) -> None:
    (first,) = copied.run("list").splitlines()
    copied.run("create")
    keep = {"BACKUP_KEEP": "daily=1"}
    assert copied.run("prune", "--dry-run", environ=keep).splitlines()[0] == f"would delete {first.split()[0]}"
    assert len(copied.run("list").splitlines()) == 2
    assert copied.run("prune", environ=keep).splitlines()[-1] == "1 backups; 1 are there"
    assert first.split()[0] not in copied.run("list")
