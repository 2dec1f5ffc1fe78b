"""The write-ahead log is copied into the file by a thread, not by the transactions."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING, Final

from structlog.testing import capture_logs

from servicekit.sqlite import Database, Migration, connect
from servicekit.sqlite_checkpoints import COMMITS, MAX_LOG_PAGES, Checkpoints

if TYPE_CHECKING:
    from pathlib import Path

TABLE = Migration(1, "rows", ("CREATE TABLE rows (content BLOB)",))
PAGE: Final = 4096
# Of so many rows of one page, the commits before the copy have more than SQLite's default of 1,000 pages.
ROWS: Final = 40


async def add_rows(database: Database, commits: int) -> None:
    for _ in range(commits):
        async with database.transaction(is_short=True) as connection:
            await connection.executemany("INSERT INTO rows VALUES (randomblob(?))", [(PAGE,)] * ROWS)


async def until_copied(path: Path, size: int) -> None:
    async with asyncio.timeout(30):
        while path.stat().st_size <= size:  # noqa: ASYNC240 - reads no disk
            await asyncio.sleep(0.001)


async def test_no_transaction_copies_the_log_and_the_thread_does(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    database = await Database.open(path, [TABLE])
    await add_rows(database, COMMITS - 1)
    assert (COMMITS - 1) * ROWS > 1_000
    assert path.stat().st_size < 10 * PAGE
    await add_rows(database, 1)
    await until_copied(path, COMMITS * ROWS * PAGE)
    await database.close()


async def test_the_log_does_not_grow_if_no_transaction_is_committed_during_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    checkpoints = Checkpoints(path, connect(path, several_threads=True))
    with closing(connect(path)) as connection:
        connection.execute("CREATE TABLE rows (content BLOB)")
        for _ in range(2 * MAX_LOG_PAGES // (COMMITS * ROWS)):
            for _ in range(COMMITS):
                connection.execute("PRAGMA wal_autocheckpoint = 0")
                connection.execute("BEGIN")
                connection.executemany("INSERT INTO rows VALUES (randomblob(?))", [(PAGE,)] * ROWS)
                connection.commit()
                checkpoints.count_commit()
            await checkpoints.wait()
        assert path.with_name("store.sqlite3-wal").stat().st_size < MAX_LOG_PAGES / 2 * PAGE
        await checkpoints.close()


async def test_a_copy_that_fails_is_logged_and_the_next_one_is_tried(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    connection = connect(path, several_threads=True)
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE rows (content BLOB)")  # a copy fails inside a transaction
    checkpoints = Checkpoints(path, connection)
    with capture_logs() as lines:
        for _ in range(2):
            for _ in range(COMMITS):
                checkpoints.count_commit()
            await checkpoints.wait()
    assert [line["event"] for line in lines] == ["the write-ahead log was not copied"] * 2
    await checkpoints.close()
