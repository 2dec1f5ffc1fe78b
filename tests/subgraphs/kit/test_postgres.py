"""A PostgreSQL database with a real server: migrations, failures, limits of time and connections.

Covers `subgraphs/kit/postgres.py`, `subgraphs/kit/postgres_failures.py` and `subgraphs/kit/postgres_store.py`.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from pydantic import SecretStr

from servicekit.errors import ConfigurationError, StartupError, StoreFailure
from servicekit.health import NotReady
from subgraphs.kit import postgres
from subgraphs.kit.postgres import MAX_CONNECTIONS, PostgresDatabase, PostgresMigration, is_storable
from subgraphs.kit.store_factory import StoreAddress
from tests.servers import PostgresServer, folder_of_postgres, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

ROOT = Path(postgres.__file__).parent.parent
FIRST = PostgresMigration(1, "a table", ("CREATE TABLE things (name TEXT PRIMARY KEY)",))
SECOND = PostgresMigration(2, "a column", ("ALTER TABLE things ADD COLUMN size INT",))


def address(url: str) -> StoreAddress:
    return StoreAddress(SecretStr(url), "AUTH_DB_URL", Path("unused"))


@asynccontextmanager
async def opened(url: str, migrations: Sequence[PostgresMigration] = (FIRST,)) -> AsyncIterator[PostgresDatabase]:
    database = await PostgresDatabase.open(address(url), migrations)
    try:
        yield database
    finally:
        await database.close()


async def failure(database: PostgresDatabase, *statements: str) -> str:
    """Run `statements` in a transaction, which must fail. Return the explanation of the failure."""
    with pytest.raises(StoreFailure) as caught:  # noqa: PT012  (the failure may come from any step)
        async with database.transaction() as connection:
            for statement in statements:
                await connection.execute(statement)
    assert caught.value.explanation.startswith("AUTH_DB_URL: ")
    return caught.value.explanation


async def names(database: PostgresDatabase) -> list[str]:
    async with database.connection() as connection:
        return [row["name"] for row in await connection.fetch("SELECT name FROM things ORDER BY name")]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret@h:x/d",
        "postgresql://u:s3cret@[::1/d",
        "postgresql://u:s3cret@127.0.0.1:99999/d",
        "postgresql://u:s3cret@127.0.0.1/d?sslmode=perhaps",
    ],
)
async def test_a_malformed_url_names_the_variable_and_not_the_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="postgresql://user:password@host:5432/database") as caught:
        await PostgresDatabase.open(address(url), (FIRST,))
    assert caught.value.variable == "AUTH_DB_URL"
    assert "s3cret" not in str(caught.value)


async def test_a_server_that_does_not_respond_stops_the_start() -> None:
    with pytest.raises(
        StartupError, match=r"AUTH_DB_URL: 127\.0\.0\.1:9 does not respond; check the address"
    ) as caught:
        await PostgresDatabase.open(address("postgresql://u:s3cret@127.0.0.1:9/d"), (FIRST,))
    assert "s3cret" not in str(caught.value)


async def test_a_server_that_hangs_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "START_SECONDS", 0.2)
    gone = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client goes away
        writer.close()
        gone.set()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(StartupError, match="does not respond in time"):
            await PostgresDatabase.open(address(f"postgresql://u@127.0.0.1:{port}/d?sslmode=disable"), (FIRST,))
        await gone.wait()


@pytest.mark.parametrize(
    ("part", "instead", "reason"),
    [
        ("postgres:@", "nobody:@", "refuses the user name or the password"),
        ("/test_", "/missing_", "has no database of this name; create it"),
    ],
)
async def test_a_refused_user_and_a_missing_database_stop_the_start(
    postgres_url: str, part: str, instead: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "START_SECONDS", 60.0)  # the answer comes late on a busy machine
    assert part in postgres_url
    with pytest.raises(StartupError, match=f"AUTH_DB_URL: .* {reason}"):
        await PostgresDatabase.open(address(postgres_url.replace(part, instead)), (FIRST,))


async def test_processes_that_start_together_migrate_once(postgres_url: str) -> None:
    async with AsyncExitStack() as stack:
        await asyncio.gather(*(stack.enter_async_context(opened(postgres_url, (FIRST, SECOND))) for _ in range(4)))
        async with opened(postgres_url, (FIRST, SECOND)) as database, database.connection() as connection:
            rows = await connection.fetch("SELECT number, name FROM migrations ORDER BY number")
            assert [tuple(row.values()) for row in rows] == [(1, "a table"), (2, "a column")]


async def test_only_the_missing_migrations_are_applied(postgres_url: str) -> None:
    async with opened(postgres_url) as database, database.transaction() as connection:
        await connection.execute("INSERT INTO things VALUES ('a')")
    async with opened(postgres_url, (FIRST, SECOND)) as database:
        assert await names(database) == ["a"]
    with pytest.raises(StartupError, match="AUTH_DB_URL: the database has schema version 2; this release supports"):
        await PostgresDatabase.open(address(postgres_url), (FIRST,))


async def test_a_migration_that_fails_changes_nothing(postgres_url: str) -> None:
    wrong = PostgresMigration(2, "wrong", ("ALTER TABLE things ADD COLUMN size INT", "ALTER TABLE nothing ADD x INT"))
    with pytest.raises(StartupError, match='relation "nothing" does not exist'):
        await PostgresDatabase.open(address(postgres_url), (FIRST, wrong))
    async with opened(postgres_url, (FIRST, SECOND)) as database:
        assert await names(database) == []


async def test_a_block_that_fails_or_is_cancelled_is_rolled_back(postgres_url: str) -> None:
    async with opened(postgres_url) as database:

        async def insert(name: str, then: asyncio.Event | None = None) -> None:
            async with database.transaction() as connection:
                await connection.execute("INSERT INTO things VALUES ($1)", name)
                if then is None:
                    raise KeyError(name)
                then.set()
                await asyncio.Event().wait()

        with pytest.raises(KeyError):
            await insert("failed")
        inserted = asyncio.Event()
        task = asyncio.create_task(insert("cancelled", inserted))
        await inserted.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await names(database) == []


async def test_a_statement_that_takes_too_long_is_ended_in_the_server(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "OPERATION_SECONDS", 0.3)
    async with opened(postgres_url) as database:
        await failure(database, "SELECT pg_sleep(60)")
        monkeypatch.setattr(postgres, "OPERATION_SECONDS", 30.0)
        async with database.connection() as connection:
            running_statements = (
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND state <> $1"
            )
            end = time.monotonic() + 30
            while await connection.fetchval(running_statements, "idle") and time.monotonic() < end:
                await asyncio.sleep(0.02)
            assert await connection.fetchval(running_statements, "idle") == 0


async def test_when_all_connections_are_in_use_further_operations_fail_in_time(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(postgres_url) as database:
        async with AsyncExitStack() as stack:
            for _ in range(MAX_CONNECTIONS):
                await stack.enter_async_context(database.connection())
            monkeypatch.setattr(postgres, "OPERATION_SECONDS", 0.1)
            monkeypatch.setattr(postgres, "PING_SECONDS", 0.1)
            assert "does not respond in time" in await failure(database)
            with pytest.raises(NotReady, match="does not respond in time"):
                await database.ping()
        monkeypatch.undo()
        assert await names(database) == []


async def test_a_database_that_accepts_no_changes_is_unavailable(postgres_url: str) -> None:
    async with opened(postgres_url) as database:
        explanation = await failure(database, "SET TRANSACTION READ ONLY", "INSERT INTO things VALUES ('a')")
        assert "the URL should name the primary server" in explanation


async def test_a_bug_is_not_a_failure_of_the_server(postgres_url: str) -> None:
    async with opened(postgres_url) as database:
        with pytest.raises(asyncpg.UndefinedTableError):
            async with database.connection() as connection:
                await connection.fetch("SELECT * FROM nothing")


async def test_a_server_that_stops_is_unavailable_until_it_is_back() -> None:
    with folder_of_postgres() as folder, running(PostgresServer(Path(folder))) as server:
        async with opened(server.new_database()) as database:
            await database.ping()
            server.kill()
            began = time.monotonic()
            assert "does not respond" in await failure(database)
            with pytest.raises(NotReady, match="does not respond"):
                await database.ping()
            assert time.monotonic() - began < postgres.OPERATION_SECONDS
            server.start()
            assert await names(database) == []
            await database.ping()


def test_texts_that_postgresql_cannot_store_are_known() -> None:
    assert is_storable("Ann \u738b \U0001f600")
    assert not is_storable("a\0")
    assert not is_storable("\ud800")


# Statements whose effect lasts longer than a transaction. The pool does not undo it.
LASTING = re.compile(
    r"\b(LISTEN|DISCARD|pg_(try_)?advisory_lock|WITH HOLD|TEMP(ORARY)? TABLE|SET (?!LOCAL\b)(SESSION |\w+ TO\b))"
)


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*postgres*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_statement_changes_the_session_of_a_connection(path: Path) -> None:
    assert LASTING.search(path.read_text()) is None


async def test_an_open_transaction_of_a_cancelled_task_ends_before_the_next_use(postgres_url: str) -> None:
    async with opened(postgres_url) as database:
        entered = asyncio.Event()

        async def add_forever() -> None:
            async with database.transaction() as connection:
                await connection.execute("INSERT INTO things VALUES ('a')")
                entered.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(add_forever())
        await entered.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with database.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM things") == 0
            assert not connection.is_in_transaction()
