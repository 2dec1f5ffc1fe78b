"""A MongoDB database: how it is opened and migrated, and how its transactions are run and repeated.

Reads and writes use the majority of the replica set (read concern and write concern `majority`). So clients never see
data that is lost when another member becomes the primary. All commands of one operation together may take
`OPERATION_SECONDS`, including the time for an election.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, TypeVar

import pymongo
import structlog
from bson import ObjectId
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient
from pymongo import errors as mongo_errors
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from servicekit.errors import ConfigurationError, StartupError, StoreFailure
from servicekit.health import NotReady
from subgraphs.kit.mongo_failures import explain, is_failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.asynchronous.collection import AsyncCollection
    from pymongo.asynchronous.database import AsyncDatabase

    from subgraphs.kit.store_factory import StoreAddress

Document: TypeAlias = dict[str, Any]
T = TypeVar("T")

# How long one operation on the database may take. This is long enough for an election (a few seconds), and shorter than
# the timeouts of clients.
OPERATION_SECONDS: Final = 8.0
PING_SECONDS: Final = 2.0
# How long a start waits for the server, and for the migrations of another process.
START_SECONDS: Final = 5.0
MIGRATION_SECONDS: Final = 60.0
MIGRATIONS: Final = "migrations"
# The id of a document among the migrations: a restore of the database has begun, and has not ended (`mosafe backup`).
RESTORING: Final = "restoring"

_LOCK: Final = "lock"
_LOCK_POLL_SECONDS: Final = 0.1
# A transaction that conflicts with another one is repeated after a random pause. The pause has an upper limit: at first
# `_FIRST_PAUSE`, and twice as much at each further repetition, up to `_MAX_PAUSE_SECONDS`.
_FIRST_PAUSE: Final = 0.002
_MAX_PAUSE_SECONDS: Final = 0.04

# The codes of the server for a duplicate key and for a conflict with another transaction.
_MAY_RUN_AGAIN: Final = frozenset({11000, 112})

_log = structlog.stdlib.get_logger("mongo")


@dataclass(frozen=True, slots=True)
class MongoMigration:
    """One change of the collections of a database, with its number.

    A released migration is never edited. If a process dies during a migration, another process runs the same migration
    again. So a migration must also work if it was already done in part.
    """

    number: int
    name: str
    apply: Callable[[AsyncDatabase[Document]], Awaitable[None]]


class MongoDatabase:
    """One database of a replica set or a sharded cluster."""

    def __init__(self, client: AsyncMongoClient[Document], name: str, variable: str) -> None:
        self._client = client
        self._variable = variable
        self.database: AsyncDatabase[Document] = client.get_database(
            name,
            codec_options=CodecOptions(tz_aware=True, tzinfo=UTC),
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern("majority"),
        )

    @classmethod
    async def open(cls, address: StoreAddress, migrations: Sequence[MongoMigration]) -> Self:
        """Connect to the database of a URL `mongodb://host:port/name`, and apply the migrations that it lacks.

        Raises:
            ConfigurationError: the URL is malformed, or names no database.
            StartupError: the server does not respond, refuses the credentials or does not support transactions; or
                another process migrates for too long; or a newer release has migrated the database.
        """
        client, name = _client(address)
        database = cls(client, name, address.variable)
        try:
            with pymongo.timeout(START_SECONDS):
                await database._require_transactions()
            await database._migrate(migrations)
        except mongo_errors.PyMongoError as error:
            # The explanation needs the client's information about the servers, which is lost when the client is closed.
            explanation = explain(error, client.topology_description)
            await client.close()
            raise StartupError(f"{address.variable}: {explanation}") from error
        except BaseException:
            await client.close()
            raise
        return database

    async def _require_transactions(self) -> None:
        hello = await self._client.admin.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise StartupError(
                f"{self._variable}: the server is not part of a replica set, so it has no transactions; start mongod"
                " with --replSet rs0 and run rs.initiate() once"
            )

    @property
    def name(self) -> str:
        return self.database.name

    def collection(self, name: str) -> AsyncCollection[Document]:
        return self.database[name]

    @contextmanager
    def failures(self, seconds: float = OPERATION_SECONDS) -> Iterator[None]:
        """Limit the time of all operations in the block to `seconds` together.

        Raises:
            StoreFailure: the server did not respond in time, or refuses this service.
        """
        try:
            with pymongo.timeout(seconds):
                yield
        except mongo_errors.PyMongoError as error:
            raise self._failure(error) from error

    def _failure(self, error: mongo_errors.PyMongoError) -> Exception:
        """Return a `StoreFailure` if the server has failed. Return `error` itself if it is a bug of this program."""
        if not is_failure(error):
            return error
        explanation = f"{self._variable}: {explain(error, self._client.topology_description)}"
        _log.warning("store unavailable", explanation=explanation)
        return StoreFailure(explanation)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncClientSession]:
        """Provide a session in which all reads see the same state. The block may take a few minutes at most.

        Raises:
            StoreFailure: the server went away, or refuses this service.
        """
        try:
            async with self._client.start_session(snapshot=True) as session:
                yield session
        except mongo_errors.PyMongoError as error:
            raise self._failure(error) from error

    async def transaction(
        self, work: Callable[[AsyncClientSession], Awaitable[T]], seconds: float = OPERATION_SECONDS
    ) -> T:
        """Run `work` in a transaction, and commit it.

        If the transaction conflicts with another one, or if the primary steps down, `work` runs again from its start.
        If the server does not confirm the commit, the commit is sent again; MongoDB executes it only once.

        After `seconds`, a `StoreFailure` is raised. The caller then does not know whether the transaction was
        committed. So it must be safe to call this method again with the same `work`.

        Raises:
            StoreFailure: see `failures`.
        """
        end = time.monotonic() + seconds
        pause = _FIRST_PAUSE
        with self.failures(seconds):
            while True:
                try:
                    return await self._attempt(work)
                except mongo_errors.PyMongoError as error:
                    if not _may_run_again(error) or time.monotonic() >= end:
                        raise
                await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - not a secret
                pause = min(2 * pause, _MAX_PAUSE_SECONDS)

    async def _attempt(self, work: Callable[[AsyncClientSession], Awaitable[T]]) -> T:
        async with self._client.start_session() as session:
            transaction = await session.start_transaction(
                read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority")
            )
            async with transaction:
                result = await work(session)
                while True:
                    try:
                        await session.commit_transaction()
                    except mongo_errors.PyMongoError as error:
                        if error.timeout or not error.has_error_label("UnknownTransactionCommitResult"):
                            raise
                    else:
                        return result

    async def ping(self) -> None:
        """Check that the primary responds. Raises NotReady with the reason if it does not."""
        try:
            with pymongo.timeout(PING_SECONDS):
                await self.database.command("ping")
        except mongo_errors.PyMongoError as error:
            raise NotReady(f"{self._variable}: {explain(error, self._client.topology_description)}") from error

    async def close(self) -> None:
        await self._client.close()

    async def _migrate(self, migrations: Sequence[MongoMigration]) -> None:
        if await self._missing(migrations):
            owner = ObjectId()
            await self._lock_migrations(owner)
            try:
                for migration in await self._missing(migrations):
                    _log.info("migrating", number=migration.number, name=migration.name)
                    await migration.apply(self.database)
                    await self.collection(MIGRATIONS).insert_one({"_id": migration.number, "name": migration.name})
            finally:
                held = {"_id": _LOCK, "owner": owner}
                await self.collection(MIGRATIONS).update_one(held, [{"$set": {"until": "$$NOW"}}])

    async def _missing(self, migrations: Sequence[MongoMigration]) -> list[MongoMigration]:
        if await self.collection(MIGRATIONS).find_one({"_id": RESTORING}) is not None:
            raise StartupError(
                f"{self._variable}: a restore of the database was interrupted; run `mosafe backup restore` again"
            )
        applied = {row["_id"] async for row in self.collection(MIGRATIONS).find({"_id": {"$type": "number"}})}
        newest = max((migration.number for migration in migrations), default=0)
        if max(applied, default=0) > newest:
            raise StartupError(
                f"{self._variable}: the database has schema version {max(applied)}; this release supports versions up"
                f" to {newest}"
            )
        return [migration for migration in migrations if migration.number not in applied]

    async def _lock_migrations(self, owner: ObjectId) -> None:
        """Take the lock of the migrations. A lock whose process has died expires after `MIGRATION_SECONDS`.

        The clock of the server decides when the lock expires, so the clocks of the processes need not agree.
        """
        locks = self.collection(MIGRATIONS)
        await locks.update_one({"_id": _LOCK}, [{"$set": {"until": {"$ifNull": ["$until", "$$NOW"]}}}], upsert=True)
        is_free = {"_id": _LOCK, "$expr": {"$lte": ["$until", "$$NOW"]}}
        until = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": MIGRATION_SECONDS}}
        end = time.monotonic() + START_SECONDS
        while not (await locks.update_one(is_free, [{"$set": {"until": until, "owner": owner}}])).modified_count:
            if time.monotonic() > end:
                raise StartupError(f"{self._variable}: another process migrates the database; start again later")
            await asyncio.sleep(_LOCK_POLL_SECONDS)


def _client(address: StoreAddress) -> tuple[AsyncMongoClient[Document], str]:
    """Return a client, which connects later, and the name of the database."""
    url = address.url.get_secret_value() if address.url is not None else ""
    seconds = round(OPERATION_SECONDS * 1000)
    try:
        client: AsyncMongoClient[Document] = AsyncMongoClient(
            url, connectTimeoutMS=round(PING_SECONDS * 1000), serverSelectionTimeoutMS=seconds, appname="mosafe"
        )
        return client, client.get_default_database().name
    except (mongo_errors.ConfigurationError, mongo_errors.InvalidName, ValueError) as error:
        # The driver's message may repeat parts of the URL, and the URL may contain a password.
        raise ConfigurationError(
            address.variable, "this is not a URL of the form mongodb://user:password@host:27017/database"
        ) from error


def _may_run_again(error: mongo_errors.PyMongoError) -> bool:
    """Whether a transaction that failed with `error` has changed nothing and may succeed if it runs again.

    For example, another transaction may have inserted a document with the same id. The next run finds this document.
    """
    if isinstance(error, mongo_errors.BulkWriteError):
        refused = (error.details or {}).get("writeErrors", ())
        # The other errors of one document are mistakes of the program, such as a document that its validator refuses.
        return all(each.get("code") in _MAY_RUN_AGAIN for each in refused)
    return isinstance(error, mongo_errors.DuplicateKeyError) or error.has_error_label("TransientTransactionError")
