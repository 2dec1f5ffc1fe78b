"""Backups in a folder and in an object store: whole commands, large files, and the lease.

Covers `mosafe/backup/destination.py`, `s3_destination.py` and `lease.py`.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest

from mosafe.backup import s3_destination
from mosafe.backup.errors import BackupError
from mosafe.backup.lease import DURATION, ScheduleLease
from mosafe.backup.open_destination import open_destination

if TYPE_CHECKING:
    from pathlib import Path

    from mosafe.backup.destination import Destination
    from tests.mosafe.backup.installation import Rehearsed

ID = "20260101T000000Z-abcdef"


@pytest.fixture(params=["folder", "object store"])
def destination(request: pytest.FixtureRequest, tmp_path: Path) -> Destination:
    if request.param == "folder":
        return open_destination(str(tmp_path / "backups"))
    return open_destination(f"s3://{request.getfixturevalue('bucket')}/team")


def test_the_commands_work_with_an_object_store(copied: Rehearsed, bucket: str) -> None:
    place = {"BACKUP_TO": f"s3://{bucket}/team/backups/"}
    assert copied.refused("verify", **place) == f"BACKUP_NOT_FOUND: s3://{bucket}/team/backups has no complete backup"
    copied.run("create", environ=place)
    copied.run("verify", environ=place)
    (listed,) = copied.run("list", environ=place).splitlines()
    backup = listed.split()[0]
    copied.run("restore", "--replace", environ=place)
    client = boto3.client("s3")
    client.delete_object(Bucket=bucket, Key=f"team/backups/{backup}/account/account.sqlite3.gz.age")
    assert copied.refused("restore", "--replace", **place).startswith("BACKUP_FILE_MISSING: ")
    # Without its manifest, a backup is not there.
    client.delete_object(Bucket=bucket, Key=f"team/backups/{backup}/manifest.json")
    assert copied.run("list", environ=place) == ""
    assert copied.refused("verify", backup, **place).startswith("BACKUP_NOT_FOUND: ")
    missing = copied.refused("create", BACKUP_TO="s3://no-such-bucket/x")
    assert missing.startswith("BACKUP_DESTINATION_UNAVAILABLE: s3://no-such-bucket/x: refused: NoSuchBucket")


def test_a_file_is_there_when_its_block_ends(destination: Destination, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_destination, "PART_BYTES", 5 << 20)  # the least that S3 allows
    content = random.Random(1).randbytes(11 << 20)
    with destination.writing(ID, "a/b") as file:
        for start in range(0, len(content), 1 << 20):
            file.write(content[start : start + (1 << 20)])

    def fail() -> None:
        with destination.writing(ID, "a/c") as file:
            file.write(content)
            raise ValueError("the store went away")

    with pytest.raises(ValueError, match="went away"):
        fail()
    assert destination.ids() == []
    assert destination.incomplete(0) == [ID]
    assert destination.incomplete(3600) == []
    destination.publish(ID, b"{}")
    assert (destination.ids(), destination.incomplete(0)) == ([ID], [])
    with destination.reading(ID, "a/b") as source:
        assert b"".join(iter(lambda: source.read(1 << 20), b"")) == content
    with pytest.raises(BackupError, match="BACKUP_FILE_MISSING"), destination.reading(ID, "a/c"):
        pass
    destination.delete(ID)
    assert (destination.ids(), destination.incomplete(0)) == ([], [])
    destination.delete(ID)  # a second process may have deleted it


def test_one_scheduler_has_the_lease(destination: Destination) -> None:
    time = datetime(2026, 1, 1, tzinfo=UTC)
    first = ScheduleLease(destination, "first", lambda: time)
    second = ScheduleLease(destination, "second", lambda: time)
    assert first.take()
    assert not second.take()
    assert first.take(), "the owner renews it"
    time += DURATION
    assert second.take(), "the first one has not renewed it"
    with pytest.raises(BackupError, match="BACKUP_LEASE_LOST"):
        first.check()
    first.release()
    assert not first.take(), "only the owner releases it"
    second.release()
    assert first.take()


def test_two_takers_of_an_expired_lease_are_never_both_successful(destination: Destination) -> None:
    found = destination.read_lease()
    assert found is None
    assert destination.replace_lease(b"a", None)
    assert not destination.replace_lease(b"b", None)
    found = destination.read_lease()
    assert found is not None
    assert destination.replace_lease(b"c", found[1])
    assert not destination.replace_lease(b"d", found[1])
    # A lease that was damaged has ended.
    assert ScheduleLease(destination, "owner").take()
