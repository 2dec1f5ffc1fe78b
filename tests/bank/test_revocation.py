from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import pytest

from bank.revocation import FILE_NAME, SqliteRevocationList
from servicekit.errors import StartupError, StoreFailure
from tests.bank.revocation_contract import RevocationContract
from tests.servicekit import processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.bank.revocation_contract import OpenList


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqliteRevocationList]:
    with contextlib.closing(SqliteRevocationList(folder)) as listed:
        yield listed


class TestSqlite(RevocationContract):
    @pytest.fixture
    def open_list(self, tmp_path: Path) -> OpenList:
        return lambda: opened(tmp_path)


async def test_a_revoked_session_is_revoked_in_a_process_that_already_runs(tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from bank.revocation import SqliteRevocationList\n"
        "listed = SqliteRevocationList(pathlib.Path(sys.argv[1]))\n"
        "for line in sys.stdin:\n"
        "    print(asyncio.run(listed.is_revoked(line.strip())), flush=True)\n"
    )
    other = processes.start(program, str(tmp_path), stdin=subprocess.PIPE)
    assert other.stdin is not None
    assert other.stdout is not None

    def is_revoked_there(session_id: str) -> str:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write(f"{session_id}\n")
        other.stdin.flush()
        return other.stdout.readline().strip()

    assert is_revoked_there("s1") == "False"
    with contextlib.closing(SqliteRevocationList(tmp_path)) as writer:
        await writer.revoke("s1", 1e12)
        assert is_revoked_there("s1") == "True"
    other.communicate(timeout=30)


async def test_an_entry_is_kept_until_its_latest_expiry(tmp_path: Path) -> None:
    now = 1000.0
    with contextlib.closing(SqliteRevocationList(tmp_path, clock=lambda: now)) as listed:
        await listed.revoke("s1", 1200)
        await listed.revoke("s1", 1100)
        now = 1150
        await listed.revoke("s2", 2000)
        assert await listed.is_revoked("s1")
        now = 1201
        await listed.revoke("s3", 2000)
        assert not await listed.is_revoked("s1")
        assert await listed.is_revoked("s2")


def test_only_the_user_of_the_process_may_read_the_list(tmp_path: Path) -> None:
    SqliteRevocationList(tmp_path).close()
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_processes_may_create_the_list_at_the_same_moment(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from bank.revocation import SqliteRevocationList\n"
        "print('ready', flush=True); input()\n"
        "SqliteRevocationList(pathlib.Path(sys.argv[1])).close()"
    )
    for attempt in range(3):
        processes.at_once(program, str(tmp_path / str(attempt)), processes=5)


@pytest.mark.parametrize("kind", ["a file instead of the folder", "no database"])
def test_a_list_that_cannot_be_opened_stops_the_start(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "data"
    if kind == "no database":
        folder.mkdir()
        (folder / FILE_NAME).write_bytes(b"plain text " * 200)
    else:
        folder.touch()
    with pytest.raises(StartupError, match="revocation"):
        SqliteRevocationList(folder)


async def test_a_list_that_fails_later_is_a_store_failure(tmp_path: Path) -> None:
    """Before, each request of the process was an unexpected error."""
    with contextlib.closing(SqliteRevocationList(tmp_path)) as listed:
        await listed.revoke("s1", 4_000_000_000)
        with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as other:
            other.execute("DROP TABLE revocations")
        with pytest.raises(StoreFailure, match=r"not available right now"):
            await listed.is_revoked("s1")
        with pytest.raises(StoreFailure):
            await listed.revoke("s1", 4_000_000_000)


async def test_a_locked_list_delays_only_writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, a logout that waited for the lock stopped the whole process for five seconds."""
    monkeypatch.setattr("servicekit.sqlite.BUSY_SECONDS", 2.0)
    with contextlib.closing(SqliteRevocationList(tmp_path)) as listed:
        with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            writer = asyncio.ensure_future(listed.revoke("s1", 4_000_000_000))
            for _ in range(10):
                assert not await listed.is_revoked("s1")
                await asyncio.sleep(0.001)
            assert not writer.done()
            with pytest.raises(StoreFailure):
                await writer
            other.execute("ROLLBACK")
        await listed.revoke("s1", 4_000_000_000)
        assert await listed.is_revoked("s1")
