"""A PostgreSQL database: how it is opened and migrated, and how its transactions are run.

All statements of one operation together may take `OPERATION_SECONDS`, including the wait for a connection of the pool.
PostgreSQL ends a longer statement itself, so an operation that was given up does not continue there.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import parse_qs, urlsplit

import asyncpg
import structlog

from servicekit.errors import ConfigurationError, StartupError, StoreFailure
from servicekit.health import NotReady
from subgraphs.kit.postgres_failures import DATABASE_ERRORS, explain, is_failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from subgraphs.kit.store_factory import StoreAddress

# How long one operation on the database may take. This is shorter than the timeouts of clients.
OPERATION_SECONDS: Final = 5.0
PING_SECONDS: Final = 2.0
START_SECONDS: Final = 5.0
# How long a start waits for the migrations of another process.
MIGRATION_SECONDS: Final = 60.0
# PostgreSQL needs a process for each connection. More connections than cores would not make short transactions faster.
MAX_CONNECTIONS: Final = 10

# The number of the lock for migrations. Processes that start at the same time wait for each other.
_LOCK: Final = 5_870_224_917_366_201_918

_log = structlog.stdlib.get_logger("postgres")


@dataclass(frozen=True, slots=True)
class PostgresMigration:
    """One change of the tables of a database, with its number. A released migration is never edited."""

    number: int
    name: str
    statements: tuple[str, ...]


class PostgresDatabase:
    """One database of a PostgreSQL server, and a pool of at most `MAX_CONNECTIONS` connections to it."""

    def __init__(self, pool: asyncpg.Pool, server: str, variable: str) -> None:
        self._pool = pool
        self._server = server
        self._variable = variable

    @classmethod
    async def open(cls, address: StoreAddress, migrations: Sequence[PostgresMigration]) -> Self:
        """Connect to the database of a URL `postgresql://user:password@host:port/name`; apply the missing migrations.

        Raises:
            ConfigurationError: the URL is malformed.
            StartupError: the server does not respond, refuses the user, or has no such database; or another process
                migrates for too long; or a newer release has migrated the database.
        """
        url = address.url.get_secret_value() if address.url is not None else ""
        pool, server = _pool(url), _server(url)
        try:
            async with asyncio.timeout(START_SECONDS):
                await pool
            database = cls(pool, server, address.variable)
            await database._migrate(migrations)
        except (ValueError, OverflowError) as error:
            pool.terminate()
            # The driver's message may repeat parts of the URL, and the URL may contain a password.
            raise ConfigurationError(
                address.variable, "this is not a URL of the form postgresql://user:password@host:5432/database"
            ) from error
        except DATABASE_ERRORS as error:
            pool.terminate()
            raise StartupError(f"{address.variable}: {explain(error, server)}") from error
        except BaseException:
            pool.terminate()
            raise
        return database

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
        """Return a connection for statements, each of which is a separate transaction.

        Raises:
            StoreFailure: the server did not respond in time, or refuses this service.
        """
        try:
            async with asyncio.timeout(OPERATION_SECONDS), self._pool.acquire() as connection:
                yield connection
        except DATABASE_ERRORS as error:
            raise self._failure(error) from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
        """Run the block in a transaction. Each statement sees what others have committed before (READ COMMITTED).

        At the end of the block, the transaction is committed. If the block raises or is cancelled, it is rolled back.

        Raises:
            StoreFailure: as `connection`. If the connection breaks during the commit, the caller does not know whether
                the transaction was committed.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def ping(self) -> None:
        """Check that the server responds and accepts changes. Raises NotReady with the reason if it does not."""
        try:
            async with asyncio.timeout(PING_SECONDS), self._pool.acquire() as connection:
                is_standby = await connection.fetchval("SELECT pg_is_in_recovery()")
        except DATABASE_ERRORS as error:
            raise NotReady(f"{self._variable}: {explain(error, self._server)}") from error
        if is_standby:
            raise NotReady(f"{self._variable}: {self._server} is a standby; the URL should name the primary server")

    async def close(self) -> None:
        """Close the connections, which no operation uses any more."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._pool.close()
        except DATABASE_ERRORS:
            self._pool.terminate()

    def _failure(self, error: BaseException) -> BaseException:
        """Return a `StoreFailure` if the server has failed. Return `error` itself if it is a bug of this program."""
        if not is_failure(error):
            return error
        explanation = f"{self._variable}: {explain(error, self._server)}"
        _log.warning("store unavailable", explanation=explanation)
        return StoreFailure(explanation)

    async def _migrate(self, migrations: Sequence[PostgresMigration]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(f"SET LOCAL statement_timeout = {round(MIGRATION_SECONDS * 1000)}")
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK, timeout=MIGRATION_SECONDS)
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS migrations (number INT PRIMARY KEY, name TEXT NOT NULL)"
            )
            version = await connection.fetchval("SELECT max(number) FROM migrations") or 0
            newest = max((migration.number for migration in migrations), default=0)
            if version > newest:
                raise StartupError(
                    f"{self._variable}: the database has schema version {version}; this release supports versions up"
                    f" to {newest}"
                )
            for migration in migrations:
                if migration.number > version:
                    _log.info("migrating", number=migration.number, name=migration.name)
                    for statement in migration.statements:
                        await connection.execute(statement, timeout=MIGRATION_SECONDS)
                    await connection.execute("INSERT INTO migrations VALUES ($1, $2)", migration.number, migration.name)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can store `text`: it has no NUL character, and no half of a surrogate pair."""
    return "\0" not in text and text.encode("utf-8", "ignore").decode() == text


def _pool(url: str) -> asyncpg.Pool:
    """Return a pool, which connects later."""
    milliseconds = round(OPERATION_SECONDS * 1000)
    return asyncpg.create_pool(
        url,
        min_size=1,
        max_size=MAX_CONNECTIONS,
        timeout=START_SECONDS,
        command_timeout=OPERATION_SECONDS,
        reset=_keep_session,
        server_settings={
            "application_name": "mosafe",
            "statement_timeout": str(milliseconds),
            "idle_in_transaction_session_timeout": str(milliseconds),
        },
    )


async def _keep_session(_connection: asyncpg.pool.PoolConnectionProxy) -> None:
    """Send no statement when a connection returns to the pool.

    By default, the driver sends statements that end what a user of the connection may have left in the session, such
    as a lock or a changed setting. The services leave nothing: their locks and settings end with the transaction.
    """


def _server(url: str) -> str:
    """Return the addresses in `url`, without the user and the password."""
    try:
        parts = urlsplit(url)
    except ValueError:  # the driver reports it
        return "the PostgreSQL server"
    hosts = parts.netloc.rpartition("@")[2] or ", ".join(parse_qs(parts.query).get("host", ()))
    return hosts or "the PostgreSQL server of this machine"
