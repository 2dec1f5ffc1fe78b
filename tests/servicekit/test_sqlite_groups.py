"""Works in groups: what works that share a transaction promise to each other and to their callers."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

import pytest

from servicekit import sqlite
from servicekit.errors import StoreFailure
from servicekit.sqlite import Database, Migration
from servicekit.sqlite_failures import StoreLocked
from servicekit.sqlite_groups import MAX_GROUP_SIZE
from servicekit.sqlite_writer import CommitReport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from servicekit.sqlite_statements import Statements

TABLE = Migration(1, "items", ("CREATE TABLE items (name TEXT PRIMARY KEY)",))


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Database]:
    database = await Database.open(path, [TABLE])
    try:
        yield database
    finally:
        await database.close()


async def add(database: Database, *names: str) -> int:
    async def added(statements: Statements) -> int:
        for name in names:
            await statements.execute("INSERT INTO items VALUES (?)", (name,))
        return len(names)

    return await database.run_counted(added)


def stored(path: Path) -> set[str]:
    """What another connection sees, so only what is committed."""
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM items")}


async def test_works_that_wait_are_committed_together(tmp_path: Path) -> None:
    async with opened(tmp_path / "x.sqlite3") as database:
        commits: list[int] = []
        database.report_commits(CommitReport("SELECT count(*) FROM items", commits.append))
        results = await asyncio.gather(*(add(database, f"item {number}") for number in range(MAX_GROUP_SIZE + 3)))
        assert results == [1] * (MAX_GROUP_SIZE + 3)
        assert commits == [MAX_GROUP_SIZE, MAX_GROUP_SIZE + 3]


async def test_no_work_returns_before_its_commit(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"

    async def add_and_look(name: str) -> None:
        await add(database, name)
        assert name in stored(path)

    async with opened(path) as database:
        await asyncio.gather(*(add_and_look(f"item {number}") for number in range(40)))


@pytest.mark.parametrize("failing", [0, 1, 4])
async def test_a_work_that_fails_takes_no_other_with_it(tmp_path: Path, failing: int) -> None:
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database:
        await add(database, "taken")
        names = [[f"{number} a", "taken" if number == failing else f"{number} b"] for number in range(5)]
        outcomes = await asyncio.gather(*(add(database, *each) for each in names), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [
            sqlite3.IntegrityError if number == failing else int for number in range(5)
        ]
        expected = {name for number, each in enumerate(names) if number != failing for name in each}
        assert stored(path) == expected | {"taken"}


async def test_a_work_sees_what_the_works_before_it_have_written(tmp_path: Path) -> None:
    async def count(statements: Statements) -> int:
        ((number,),) = await statements.execute_fetchall("SELECT count(*) FROM items")
        return int(number)

    async with opened(tmp_path / "x.sqlite3") as database:
        results = await asyncio.gather(add(database, "a"), add(database, "b"), database.run_counted(count))
        assert results[-1] == 2


async def test_works_and_other_transactions_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"

    async def add_otherwise(name: str) -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO items VALUES (?)", (name,))

    async with opened(path) as database:
        for number in range(5):
            await asyncio.gather(
                *(add(database, f"{number} work {each}") for each in range(5)),
                *(add_otherwise(f"{number} other {each}") for each in range(5)),
            )
        assert len(stored(path)) == 50


async def test_a_work_that_is_cancelled_while_it_waits_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database:
        first = asyncio.create_task(add(database, "first"))
        async with database.transaction() as connection:
            await asyncio.sleep(0)  # the group of the first work now waits for this transaction
            tasks = [asyncio.create_task(add(database, name)) for name in ("cancelled", "after")]
            await asyncio.sleep(0)
            tasks[0].cancel()
            await asyncio.wait({tasks[0]})
            await connection.execute("INSERT INTO items VALUES ('other')")
        await asyncio.gather(first, tasks[1])
        assert tasks[0].cancelled()
        assert stored(path) == {"first", "after", "other"}


async def test_a_work_that_is_cancelled_in_its_group_is_completed_before_its_caller_ends(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database:
        begun = asyncio.Event()

        async def add_one(statements: Statements) -> None:
            await statements.execute("INSERT INTO items VALUES ('cancelled')")
            begun.set()

        task = asyncio.create_task(database.run_counted(add_one))
        other = asyncio.create_task(add(database, "other"))
        await begun.wait()
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert stored(path) == {"cancelled", "other"}
        await other


async def test_a_failed_commit_fails_every_work_of_its_group(tmp_path: Path) -> None:
    """The query of the report is wrong, so the commit fails after all works have ended."""
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database:
        database.report_commits(CommitReport("SELECT nothing FROM nowhere", lambda _number: None))
        outcomes = await asyncio.gather(*(add(database, name) for name in "abc"), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StoreFailure}
        assert len({id(outcome) for outcome in outcomes}) == 3
        assert stored(path) == set()
        database.report_commits(None)
        await add(database, "d")
        assert stored(path) == {"d"}


async def test_works_do_not_wait_for_ever_while_another_process_has_locked_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database:
        monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.2)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            first = asyncio.create_task(add(database, "first"))
            await asyncio.sleep(0)
            outcomes = await asyncio.gather(first, *(add(database, name) for name in "bc"), return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {StoreLocked}
            other.rollback()
        monkeypatch.undo()
        await add(database, "d")
        assert stored(path) == {"d"}


async def test_a_locked_file_costs_each_work_no_more_than_its_own_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The works of the second group begin to wait while the first one waits. They wait on when it has failed."""
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.2)
            first = asyncio.create_task(add(database, "first"))
            await asyncio.sleep(0)
            monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.4)
            second = asyncio.create_task(add(database, "second"))
            await asyncio.sleep(0)
            monkeypatch.setattr(sqlite, "BUSY_SECONDS", 60)
            third = asyncio.create_task(add(database, "third"))
            outcomes = await asyncio.gather(first, second, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {StoreLocked}
            assert not third.done()
            other.rollback()
        assert await third == 1
        assert stored(path) == {"third"}


async def test_a_work_that_awaits_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"

    async def wait(statements: Statements) -> None:
        await statements.execute("INSERT INTO items VALUES ('waits')")
        await asyncio.sleep(0)

    async with opened(path) as database:
        with pytest.raises(RuntimeError, match="awaits something else"):
            await database.run_counted(wait)
        assert stored(path) == set()


# Adds items by 16 tasks, and prints each name when its work has returned.
PROGRAM = """
import asyncio, pathlib, sys
from servicekit.sqlite import Database, Migration
TABLE = Migration(1, "items", ("CREATE TABLE items (name TEXT PRIMARY KEY)",))
async def worker(database, number):
    for count in range(100_000):
        name = f"{number}-{count}"
        await database.run_counted(lambda statements: statements.execute("INSERT INTO items VALUES (?)", (name,)))
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
