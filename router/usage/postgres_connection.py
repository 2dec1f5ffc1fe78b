"""The usage store in a PostgreSQL database, which many routers can share."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

from router.usage.database_tables import FIRST_STEP
from servicekit.errors import StoreFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from router.usage.sql_connection import Row

_TIMEOUT_SECONDS: Final = 30.0
_MAX_CONNECTIONS: Final = 2
# The number of the lock for creating the tables. Routers that start at the same time wait for each other.
_LOCK: Final = 7_301_994_260_116_312_404


class PostgresConnection:
    """An `SqlConnection` to a PostgreSQL database."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, url: str) -> PostgresConnection:
        """Connect to a database, and create the tables if it has none.

        Raises:
            StoreFailure: The database cannot be reached, or refuses the user or the tables. The message does not
                contain the password.
        """
        with _failures():
            pool = await asyncpg.create_pool(
                url, min_size=0, max_size=_MAX_CONNECTIONS, command_timeout=_TIMEOUT_SECONDS, timeout=_TIMEOUT_SECONDS
            )
            try:
                async with pool.acquire() as connection, connection.transaction():
                    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
                    await connection.execute("CREATE TABLE IF NOT EXISTS schema_version (number BIGINT NOT NULL)")
                    if await connection.fetchval("SELECT max(number) FROM schema_version") is None:
                        for statement in FIRST_STEP:
                            await connection.execute(statement)
                        await connection.execute("INSERT INTO schema_version VALUES (1)")
            except BaseException:
                pool.terminate()
                raise
        return cls(pool)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[_PostgresTransaction]:
        """Return a transaction (`SqlConnection.transaction`)."""
        with _failures():
            async with self._pool.acquire() as connection, connection.transaction():
                yield _PostgresTransaction(connection)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()


class _PostgresTransaction:
    def __init__(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        self._connection = connection

    async def execute(self, statement: str, rows: Sequence[Row] = ((),)) -> None:
        await self._connection.executemany(statement, rows)

    async def fetch(self, statement: str, parameters: Row = ()) -> Sequence[Row]:
        rows = await self._connection.fetch(statement, *parameters)
        return [tuple(row.values()) for row in rows]

    async def whole_rows(self, table: str, condition: str, parameters: Row) -> str:
        # PostgreSQL decides by its own statistics.
        del condition, parameters
        return table


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StoreFailure(f"the usage store in PostgreSQL cannot be used: {type(error).__name__}: {error}") from error
