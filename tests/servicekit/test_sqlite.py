from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

import pytest

from servicekit.errors import StartupError, StoreFailure
from servicekit.health import NotReady
from servicekit.sqlite import Database, Migration
from servicekit.sqlite_failures import StoreLocked
from tests.servicekit import processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

# The size of a page of SQLite.
PAGE = 4096
MIGRATIONS = (
    Migration(1, "items", ("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",)),
    Migration(
        2,
        "parts, whose item is checked at commit",
        (
            "ALTER TABLE items ADD COLUMN note TEXT",
            "CREATE TABLE parts (item INTEGER REFERENCES items (id) DEFERRABLE INITIALLY DEFERRED)",
        ),
    ),
)


@asynccontextmanager
async def opened(path: Path, migrations: tuple[Migration, ...] = MIGRATIONS) -> AsyncIterator[Database]:
    database = await Database.open(path, migrations)
    try:
        yield database
    finally:
        await database.close()


async def names(database: Database) -> list[str]:
    async with database.snapshot() as connection:
        return [row["name"] for row in await connection.execute_fetchall("SELECT name FROM items ORDER BY id")]


async def add(database: Database, name: str) -> None:
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO items (name) VALUES (?)", (name,))


async def add_orphan(database: Database, at_commit: asyncio.Event | None = None) -> None:
    """A transaction whose commit fails."""
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO items (name) VALUES ('a')")
        await connection.execute("INSERT INTO parts VALUES (99)")
        if at_commit is not None:
            at_commit.set()


async def test_a_committed_write_is_read(tmp_path: Path) -> None:
    async with opened(tmp_path / "x.sqlite3") as database:
        await add(database, "a")
        assert await names(database) == ["a"]
    async with opened(tmp_path / "x.sqlite3") as database:
        assert await names(database) == ["a"]


async def test_the_file_is_private_to_the_user(tmp_path: Path) -> None:
    async with opened(tmp_path / "new" / "x.sqlite3") as database:
        await add(database, "a")
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    assert modes == {"x.sqlite3": 0o600, "x.sqlite3-wal": 0o600, "x.sqlite3-shm": 0o600}
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


async def test_a_transaction_that_raises_leaves_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path / "x.sqlite3") as database:

        async def fail() -> None:
            async with database.transaction() as connection:
                await connection.execute("INSERT INTO items (name) VALUES ('a')")
                raise RuntimeError("on purpose")

        with pytest.raises(RuntimeError, match="on purpose"):
            await fail()
        await add(database, "b")
        assert await names(database) == ["b"]


async def test_a_failed_commit_leaves_nothing_and_the_next_transaction_works(tmp_path: Path) -> None:
    async with opened(tmp_path / "x.sqlite3") as database:
        with pytest.raises(sqlite3.IntegrityError):
            await add_orphan(database)
        await add(database, "b")
        assert await names(database) == ["b"]


async def test_readers_do_not_see_a_transaction_before_its_end_and_do_not_wait_for_it(tmp_path: Path) -> None:
    async with opened(tmp_path / "x.sqlite3") as database:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO items (name) VALUES ('a')")
            assert await asyncio.wait_for(names(database), 30) == []
        assert await names(database) == ["a"]


async def test_a_snapshot_sees_one_state_and_cannot_write(tmp_path: Path) -> None:
    async with opened(tmp_path / "x.sqlite3") as database:
        async with database.snapshot() as connection:
            first = await connection.execute_fetchall("SELECT * FROM items")
            await add(database, "a")
            assert list(await connection.execute_fetchall("SELECT * FROM items")) == list(first)
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                await connection.execute("DELETE FROM items")
        assert await names(database) == ["a"]


async def test_a_lookup_sees_the_last_commit_waits_for_no_transaction_and_cannot_write(tmp_path: Path) -> None:
    query = "SELECT name FROM items WHERE id = ?"
    async with opened(tmp_path / "x.sqlite3") as database:
        async with database.transaction() as connection, database.snapshot() as old:
            await old.execute_fetchall("SELECT * FROM items")
            await connection.execute("INSERT INTO items (name) VALUES ('a')")
            assert await asyncio.wait_for(database.lookups.execute_fetchall(query, (1,)), 30) == []
        assert [row["name"] for row in await database.lookups.execute_fetchall(query, (1,))] == ["a"]
        with pytest.raises(StoreFailure):
            await database.lookups.execute_fetchall("DELETE FROM items")
        assert await names(database) == ["a"]


async def test_write_transactions_of_one_process_wait_for_each_other(tmp_path: Path) -> None:
    async with opened(tmp_path / "x.sqlite3") as database:

        async def count_up() -> None:
            async with database.transaction() as connection:
                (row,) = await connection.execute_fetchall("SELECT count(*) FROM items")
                await asyncio.sleep(0)
                await connection.execute("INSERT INTO items (name) VALUES (?)", (f"item {row[0]}",))

        await asyncio.gather(*(count_up() for _ in range(25)))
        assert await names(database) == [f"item {number}" for number in range(25)]


@pytest.mark.parametrize("steps", range(12))
async def test_a_transaction_cancelled_at_any_step_is_whole_or_absent(tmp_path: Path, steps: int) -> None:
    """Cancel after `steps` turns of the event loop: at BEGIN, between statements, at COMMIT."""
    async with opened(tmp_path / "x.sqlite3") as database:

        async def add_two() -> None:
            async with database.transaction() as connection:
                await connection.execute("INSERT INTO items (name) VALUES ('a')")
                await connection.execute("INSERT INTO items (name) VALUES ('b')")

        task = asyncio.create_task(add_two())
        for _ in range(steps):
            # A turn that gives the connection's thread time to finish.
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait({task})
        await add(database, "c")
        assert await names(database) in (["c"], ["a", "b", "c"])


async def test_a_transaction_cancelled_at_its_commit_ends_before_the_next_one(tmp_path: Path) -> None:
    async with opened(tmp_path / "x.sqlite3") as database:
        at_commit = asyncio.Event()
        task = asyncio.create_task(add_orphan(database, at_commit))
        await at_commit.wait()
        task.cancel()
        # Waits for the cancelled transaction, whose commit fails.
        with pytest.raises(StoreFailure):
            await add(database, "in the same commit")
        await asyncio.wait({task})
        assert task.cancelled() or isinstance(task.exception(), sqlite3.IntegrityError | StoreFailure)
        await add(database, "b")
        assert await names(database) == ["b"]


async def test_a_cancelled_reader_does_not_keep_its_snapshot(tmp_path: Path) -> None:
    async with opened(tmp_path / "x.sqlite3") as database:

        async def read_for_ever() -> None:
            async with database.snapshot() as connection:
                await connection.execute_fetchall("SELECT * FROM items")
                await asyncio.Event().wait()

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(read_for_ever(), 0.05)
        await add(database, "a")
        assert await names(database) == ["a"]


async def test_migrations_are_applied_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    async with opened(path, MIGRATIONS[:1]) as database:
        await add(database, "a")
    async with opened(path) as database, database.snapshot() as connection:
        (row,) = await connection.execute_fetchall("SELECT name, note FROM items")
        assert tuple(row) == ("a", None)
        (version,) = await connection.execute_fetchall("PRAGMA user_version")
        assert version[0] == 2


async def test_a_migration_that_fails_leaves_the_schema_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    broken = (*MIGRATIONS, Migration(3, "broken", ("CREATE TABLE more (a)", "CREATE TABLE items (a)")))
    async with opened(path):
        pass
    with pytest.raises(StartupError, match="table items already exists"):
        await Database.open(path, broken)
    async with opened(path) as database, database.snapshot() as connection:
        assert not list(await connection.execute_fetchall("SELECT 1 FROM sqlite_master WHERE name = 'more'"))


async def test_a_file_of_a_newer_release_is_not_changed(tmp_path: Path) -> None:
    async with opened(tmp_path / "x.sqlite3"):
        pass
    with pytest.raises(StartupError, match="schema version 2; this release supports versions up to 1"):
        await Database.open(tmp_path / "x.sqlite3", MIGRATIONS[:1])


async def test_a_file_that_is_not_a_database_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_bytes(b"plain text " * 200)
    with pytest.raises(
        StartupError, match=r"the database .*x\.sqlite3 is damaged \(file is not a database\); stop all"
    ):
        await Database.open(tmp_path / "x.sqlite3", MIGRATIONS)
    with pytest.raises(StartupError, match="cannot open the database"):
        await Database.open(tmp_path / "x.sqlite3" / "below-a-file", MIGRATIONS)


async def filled(path: Path) -> None:
    """A database of a few hundred pages, all merged into the file."""
    async with opened(path) as database, database.transaction() as connection:
        await connection.executemany("INSERT INTO items (name) VALUES (?)", [(f"{n:0100}",) for n in range(5_000)])


def damage(path: Path) -> None:
    """Overwrite all pages but the first, which has the schema."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(PAGE)
        file.write(b"\xff" * (size - PAGE))


async def test_a_file_with_damaged_pages_stops_the_start(tmp_path: Path) -> None:
    """Before, the start succeeded or ended with a traceback, depending on which pages it happened to read."""
    path = tmp_path / "x.sqlite3"
    await filled(path)
    damage(path)
    with pytest.raises(StartupError, match=r"x\.sqlite3 is damaged .*restore it from a backup"):
        await Database.open(path, MIGRATIONS)


async def test_damage_that_is_found_later_is_a_failure_and_is_remembered(tmp_path: Path) -> None:
    """Before, it was an unexpected error to clients, and `ready` stayed 200."""
    path = tmp_path / "x.sqlite3"
    await filled(path)
    async with opened(path) as database:
        await database.ping()
        damage(path)
        with pytest.raises(StoreFailure) as caught:
            await names(database)
        assert "is damaged" in caught.value.explanation
        assert str(path) not in caught.value.message
        with pytest.raises(StoreFailure):
            await database.lookups.execute_fetchall("SELECT * FROM items WHERE id = 1")
        path.write_bytes(b"")  # later queries may not meet the damage
        with pytest.raises(NotReady, match="is damaged"):
            await database.ping()


async def limit_size(database: Database) -> None:
    """From now on the file cannot grow, as on a full disk."""
    async with database.transaction() as connection:
        ((pages,),) = await connection.execute_fetchall("PRAGMA page_count")
        await connection.execute_fetchall(f"PRAGMA max_page_count = {pages}")


async def test_a_full_disk_is_a_failure_for_writers_only(tmp_path: Path) -> None:
    async with opened(tmp_path / "x.sqlite3") as database:
        await limit_size(database)
        with pytest.raises(StoreFailure) as caught:
            await add(database, "x" * 100_000)
        assert "its disk is full" in caught.value.explanation
        await names(database)


async def test_ping_knows_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, `ready` was 200 while no order could be stored."""
    async with opened(tmp_path / "x.sqlite3") as database:
        await database.ping()
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr("shutil.disk_usage", lambda _path: usage._replace(free=1_000))
        with pytest.raises(NotReady, match=r"the disk of the database .* is full; 1000 bytes are free"):
            await database.ping()


async def test_ping_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servicekit.sqlite.BUSY_SECONDS", 0.05)
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(NotReady, match="is locked by another process"):
                await database.ping()
            other.execute("ROLLBACK")
        await database.ping()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            monkeypatch.setattr("servicekit.sqlite.PROBE_SECONDS", 600.0)
            await database.ping()  # a write has just succeeded
            monkeypatch.setattr("servicekit.sqlite.PROBE_SECONDS", 0.0)
            with pytest.raises(NotReady):
                await database.ping()


@asynccontextmanager
async def longest_waits(database: Database) -> AsyncIterator[list[int]]:
    """How long SQLite may wait for other processes, in milliseconds, for each transaction inside that found a lock."""
    waits: list[int] = []

    def read(statement: str) -> None:
        name, equals, value = statement.partition(" = ")
        if name == "PRAGMA busy_timeout" and equals and value != "0":
            waits.append(int(value))

    connection = database._writer._connection  # noqa: SLF001 - what SQLite is told cannot be seen elsewhere
    connection.set_trace_callback(read)
    try:
        yield waits
    finally:
        connection.set_trace_callback(None)


async def test_writers_do_not_wait_for_a_lock_without_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, each of them waited in turn, so the tenth took ten times as long as the first."""
    monkeypatch.setattr("servicekit.sqlite.BUSY_SECONDS", 0.2)
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database, longest_waits(database) as waits:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            outcomes = await asyncio.gather(*(add(database, str(n)) for n in range(20)), return_exceptions=True)
        assert sum(waits) < 400
        assert {type(outcome) for outcome in outcomes} == {StoreLocked}
        await add(database, "a")


async def test_a_writer_that_waited_for_its_turn_waits_less_for_other_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("servicekit.sqlite.BUSY_SECONDS", 2.0)
    path = tmp_path / "x.sqlite3"
    async with opened(path) as database, longest_waits(database) as waits:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            first = asyncio.ensure_future(add(database, "a"))
            await asyncio.wait({first}, timeout=0.3)
            with pytest.raises(StoreFailure):
                await add(database, "b")
            # On a busy machine, no time may be left when the turn comes.
            whole, *rest = waits
            assert max(rest, default=0) < whole <= 2_000
            with pytest.raises(StoreFailure):
                await first
        await add(database, "a")


async def test_ping_fails_once_the_database_is_closed(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "x.sqlite3", MIGRATIONS)
    await database.ping()
    await database.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        await database.ping()


def test_processes_may_open_a_new_file_at_the_same_moment(tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from servicekit.sqlite import Database, Migration\n"
        "async def main():\n"
        "    database = await Database.open(pathlib.Path(sys.argv[1]), [Migration(1, 'a', ('CREATE TABLE a (b)',))])\n"
        "    async with database.transaction() as connection:\n"
        "        await connection.execute('INSERT INTO a VALUES (1)')\n"
        "    await database.close()\n"
        "print('ready', flush=True); input()\n"
        "asyncio.run(main())"
    )
    for attempt in range(3):
        path = tmp_path / f"{attempt}.sqlite3"
        processes.at_once(program, str(path), processes=5)
        connection = sqlite3.connect(path)
        assert connection.execute("SELECT count(*) FROM a").fetchone() == (5,)
        connection.close()


# Counts to a billion, which takes minutes.
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT count(*) FROM n"


async def test_a_query_whose_caller_is_cancelled_is_interrupted(tmp_path: Path) -> None:
    """Before, the query ran on in its thread, and every later read waited for it."""
    async with opened(tmp_path / "x.sqlite3") as database:
        await add(database, "a")
        begun = asyncio.Event()

        async def read() -> None:
            async with database.snapshot() as connection:
                begun.set()
                await connection.execute_fetchall(ENDLESS)

        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        async with asyncio.timeout(20):
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await names(database) == ["a"]


async def test_an_interruption_ends_no_other_read(tmp_path: Path) -> None:
    async with opened(tmp_path / "x.sqlite3") as database:
        await add(database, "a")
        for turns in range(5):
            task = asyncio.create_task(names(database))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            assert await names(database) == ["a"]
            await asyncio.gather(task, return_exceptions=True)


async def test_a_cancelled_reader_with_an_unfinished_statement_does_not_stop_later_readers(tmp_path: Path) -> None:
    """Before, SQLite interrupted every later query too, so a service was 503 until its restart."""
    async with opened(tmp_path / "x.sqlite3") as database:
        for name in ("a", "b", "c"):
            await add(database, name)
        unfinished: list[object] = []
        begun = asyncio.Event()

        async def read() -> None:
            async with database.snapshot() as connection:
                cursor = await connection.execute("SELECT name FROM items")
                unfinished.append(cursor)  # as the traceback of an error keeps it
                begun.set()
                await connection.execute_fetchall(ENDLESS)

        reader = asyncio.ensure_future(read())
        await begun.wait()
        await asyncio.wait({reader}, timeout=0.2)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        for _ in range(3):
            assert await names(database) == ["a", "b", "c"]
        await database.ping()
        assert unfinished
