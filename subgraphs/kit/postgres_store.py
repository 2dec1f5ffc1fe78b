"""The common part of stores in PostgreSQL: opening, closing, and the identity of the store."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, Self

from bank.store_records import StoreState
from subgraphs.kit.postgres import PostgresDatabase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from asyncpg.pool import PoolConnectionProxy

    from subgraphs.kit.postgres import PostgresMigration
    from subgraphs.kit.store_factory import Clock, StoreAddress


def identity_statements(*counted: str) -> tuple[str, ...]:
    """Return the statements of a migration that gives a store its identity.

    Args:
        counted: the changes that the store counts. Each is written like the event of a trigger: `INSERT ON users`.
    """
    return (
        "CREATE TABLE store_identity (id TEXT NOT NULL, changes BIGINT NOT NULL)",
        "INSERT INTO store_identity VALUES (substr(replace(gen_random_uuid()::text, '-', ''), 1, 24), 0)",
        "CREATE TABLE known_stores (name TEXT PRIMARY KEY, id TEXT NOT NULL, changes BIGINT NOT NULL)",
        """
        CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN UPDATE store_identity SET changes = changes + 1; RETURN NULL; END'
        """,
        *(
            f"CREATE TRIGGER changes_are_counted AFTER {event} FOR EACH ROW EXECUTE FUNCTION count_change()"
            for event in counted
        ),
    )


class PostgresStore:
    """One PostgreSQL database. A service's store is a subclass with its migrations and its statements.

    The migrations must contain `identity_statements`, so that the store is a
    `subgraphs.kit.store_identity.IdentifiedStore`.
    """

    migrations: ClassVar[Sequence[PostgresMigration]]

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._report: Callable[[int], None] | None = None

    @classmethod
    async def open_at(cls, address: StoreAddress, clock: Clock) -> Self:
        """Connect to the database at `address`, and apply the missing migrations.

        Raises:
            ConfigurationError: the URL is malformed.
            StartupError: the database cannot be used, or a newer release has migrated it.
        """
        del clock
        return cls(await PostgresDatabase.open(address, cls.migrations))

    async def identity(self) -> StoreState:
        async with self._database.connection() as connection:
            row = await connection.fetchrow("SELECT id, changes FROM store_identity")
        return StoreState(row["id"], row["changes"])

    async def known_stores(self) -> Mapping[str, StoreState]:
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT name, id, changes FROM known_stores")
        return {row["name"]: StoreState(row["id"], row["changes"]) for row in rows}

    async def remember(self, stores: Mapping[str, StoreState]) -> None:
        rows = [(name, state.id, state.changes) for name, state in sorted(stores.items())]
        async with self._database.transaction() as connection:
            await connection.execute("LOCK TABLE known_stores IN EXCLUSIVE MODE")
            await connection.execute("DELETE FROM known_stores")
            await connection.executemany("INSERT INTO known_stores VALUES ($1, $2, $3)", rows)

    def report_changes(self, to: Callable[[int], None] | None) -> None:
        self._report = to

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[PoolConnectionProxy]:
        """Run the block in a transaction that changes users or keys.

        After the commit, the store reports the number of all its changes.
        """
        async with self._database.transaction() as connection:
            yield connection
            changes = await connection.fetchval("SELECT changes FROM store_identity")
        if self._report is not None:
            self._report(changes)

    async def ping(self) -> None:
        await self._database.ping()

    async def close(self) -> None:
        await self._database.close()
