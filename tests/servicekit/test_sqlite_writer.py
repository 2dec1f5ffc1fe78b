"""Group commit: what transactions that are committed together promise to each other and to their callers."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

import pytest

from servicekit.errors import StoreFailure
from servicekit.sqlite import Database, Migration
from servicekit.sqlite_writer import CommitReport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TABLE = Migration(1, "items", ("CREATE TABLE items (name TEXT PRIMARY KEY)",))
SHORT = pytest.mark.parametrize("is_short", [True, False], ids=["on the event loop", "in the thread"])


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Database]:
    database = await Database.open(path, [TABLE])
    try:
        yield database
    finally:
        await database.close()


async def add(database: Database, *names: str, is_short: bool = True) -> None:
    async with database.transaction(is_short=is_short, is_counted=True) as connection:
        for name in names:
            await connection.execute("INSERT INTO items VALUES (?)", (name,))


def stored(path: Path) -> set[str]:
    """What another connection sees, so only what is committed."""
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM items")}


@SHORT
async def test_transactions_that_wait_are_committed_together(tmp_path: Path, *, is_short: bool) -> None:
    async with opened(tmp_path / "x.sqlite3") as database:
        commits: list[int] = []
        database.report_commits(CommitReport("SELECT count(*) FROM items", commits.append))
        await asyncio.gather(*(add(database, f"item {number}", is_short=is_short) for number in range(40)))
        assert commits[-1] == 40
        assert len(commits) <= 2
        database.report_commits(None)
        await add(database, "not reported")
        assert commits[-1] == 40


@SHORT
async def test_no_transaction_returns_before_its_commit(tmp_path: Path, *, is_short: bool) -> None:
    path = tmp_path / "x.sqlite3"

    async def add_and_look(name: str) -> None:
        await add(database, name, is_short=is_short)
        assert name in stored(path)

    async with opened(path) as database:
        await asyncio.gather(*(add_and_look(f"item {number}") for number in range(40)))


@SHORT
@pytest.mark.parametrize("failing", [0, 1, 4])
async def test_a_block_that_fails_takes_no_other_with_it(tmp_path: Path, failing: int, *, is_short: bool) -> None:
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database:
        await add(database, "taken")
        names = [[f"{number} a", "taken" if number == failing else f"{number} b"] for number in range(5)]
        outcomes = await asyncio.gather(
            *(add(database, *each, is_short=is_short) for each in names), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [
            sqlite3.IntegrityError if number == failing else type(None) for number in range(5)
        ]
        expected = {name for number, each in enumerate(names) if number != failing for name in each}
        assert stored(path) == expected | {"taken"}


async def test_a_block_that_is_cancelled_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database:
        inside = asyncio.Event()

        async def hang() -> None:
            async with database.transaction(is_short=True) as connection:
                await connection.execute("INSERT INTO items VALUES ('cancelled')")
                inside.set()
                await asyncio.Event().wait()

        first = asyncio.create_task(add(database, "before"))
        hanging = asyncio.create_task(hang())
        after = asyncio.create_task(add(database, "after"))
        await inside.wait()
        hanging.cancel()
        await asyncio.gather(first, after)
        assert hanging.cancelled() or hanging.cancelling()
        assert stored(path) == {"before", "after"}


async def test_a_caller_that_is_cancelled_during_the_commit_has_stored_its_transaction(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database:
        at_commit = asyncio.Event()

        async def add_one(name: str) -> None:
            async with database.transaction(is_short=True) as connection:
                await connection.execute("INSERT INTO items VALUES (?)", (name,))
                at_commit.set()

        tasks = [asyncio.create_task(add_one(name)) for name in ("a", "b", "c")]
        await at_commit.wait()
        for task in tasks[:2]:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for name, outcome in zip("abc", outcomes, strict=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError)
            assert outcome is not None or name in stored(path)
        await add(database, "d")
        assert {"c", "d"} <= stored(path)


async def test_a_full_disk_in_a_group_acknowledges_nothing_that_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database:
        async with database.transaction() as connection:
            ((pages,),) = await connection.execute_fetchall("PRAGMA page_count")
            await connection.execute_fetchall(f"PRAGMA max_page_count = {pages}")
        outcomes = await asyncio.gather(
            add(database, "a"), add(database, "x" * 100_000), add(database, "c"), return_exceptions=True
        )
        assert isinstance(outcomes[1], StoreFailure)
        acknowledged = {name for name, outcome in zip("a?c", outcomes, strict=True) if outcome is None}
        assert stored(path) == acknowledged
        await add(database, "d")
        assert "d" in stored(path)


async def test_a_failed_commit_fails_every_transaction_of_its_group(tmp_path: Path) -> None:
    """The query of the report is wrong, so the commit fails after all blocks have ended."""
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database:
        database.report_commits(CommitReport("SELECT nothing FROM nowhere", lambda _number: None))
        outcomes = await asyncio.gather(*(add(database, name) for name in "abc"), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StoreFailure}
        assert stored(path) == set()
        database.report_commits(None)
        await add(database, "d")
        assert stored(path) == {"d"}


# Adds items by 16 tasks, and prints each name when its transaction has returned.
PROGRAM = """
import asyncio, pathlib, sys
from servicekit.sqlite import Database, Migration
TABLE = Migration(1, "items", ("CREATE TABLE items (name TEXT PRIMARY KEY)",))
async def worker(database, number):
    for count in range(100_000):
        name = f"{number}-{count}"
        async with database.transaction(is_short=True) as connection:
            await connection.execute("INSERT INTO items VALUES (?)", (name,))
        print(name, flush=True)
async def main():
    database = await Database.open(pathlib.Path(sys.argv[1]), [TABLE])
    await asyncio.gather(*(worker(database, number) for number in range(16)))
asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 200])
def test_a_killed_process_has_stored_all_that_it_acknowledged(tmp_path: Path, after: int) -> None:
    path = tmp_path / "x.sqlite3"
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().strip() for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        # The last line may be cut off.
        acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
    assert len(acknowledged) >= after
    assert set(acknowledged) <= stored(path)
