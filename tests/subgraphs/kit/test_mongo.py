"""Opening a MongoDB database, its migrations and transactions; what operators read when it does not work.

The stores of the services test `subgraphs/kit/mongo_store.py` (`tests/subgraphs/account/store/test_mongo.py`). Covers
`subgraphs/kit/mongo.py` and `subgraphs/kit/mongo_failures.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from mosafe.local_servers.mongod import Mongod
from servicekit.errors import ConfigurationError, StartupError, StoreFailure
from servicekit.health import NotReady
from subgraphs.kit import mongo
from subgraphs.kit.mongo import MongoDatabase, MongoMigration
from subgraphs.kit.store_factory import StoreAddress
from tests.ports import free_port
from tests.servers import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from pymongo.asynchronous.client_session import AsyncClientSession

VARIABLE = "ACCOUNT_DB_URL"


def address(url: str) -> StoreAddress:
    return StoreAddress(SecretStr(url), VARIABLE, Path("unused"))


@asynccontextmanager
async def opened(url: str, migrations: Sequence[MongoMigration] = ()) -> AsyncIterator[MongoDatabase]:
    database = await MongoDatabase.open(address(url), migrations)
    try:
        yield database
    finally:
        await database.close()


class Uninitiated(Mongod):
    """A mongod that was started as a member of a replica set that nobody has initiated."""

    def _responds(self) -> bool:
        client: MongoClient[dict[str, Any]]
        with MongoClient("127.0.0.1", self.port, directConnection=True, serverSelectionTimeoutMS=500) as client:
            try:
                return bool(client.admin.command("hello"))
            except PyMongoError:
                return False


class Standalone(Uninitiated):
    """A mongod that belongs to no replica set."""

    def _command(self, port: int) -> Sequence[str]:
        command = list(super()._command(port))
        option = command.index("--replSet")
        return [*command[:option], *command[option + 2 :]]


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://user:hunter2@db:27017",
        "mongodb://user:hunter2@db:27017/",
        "mongodb://user:hunter2@db:port/x",
        "mongodb:///x",
        "mongodb://user:hun@ter2@db/x",
        "mongodb://user:hunter2@db/x?replicaSet",
    ],
)
async def test_a_malformed_url_is_a_configuration_error_that_repeats_no_password(url: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"{VARIABLE}: .*mongodb://user:password@host:27017/database"
    ) as caught:
        await MongoDatabase.open(address(url), ())
    assert "hunter2" not in str(caught.value)


async def test_a_server_that_does_not_respond_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo, "START_SECONDS", 0.2)
    port = free_port()
    with pytest.raises(StartupError, match=f"{VARIABLE}: 127.0.0.1:{port} does not respond; check the address"):
        await MongoDatabase.open(address(f"mongodb://user:hunter2@127.0.0.1:{port}/x"), ())


@pytest.mark.parametrize(
    ("kind", "explanation"), [(Uninitiated, r"run rs.initiate\(\) once"), (Standalone, "not part of a replica set")]
)
async def test_a_server_without_transactions_is_explained(kind: type[Mongod], explanation: str, tmp_path: Path) -> None:
    with running(kind(tmp_path)) as server, pytest.raises(StartupError, match=f"{VARIABLE}: .*{explanation}"):
        await MongoDatabase.open(address(server.url("x")), ())


async def test_wrong_credentials_are_named_without_the_password(mongod: Mongod) -> None:
    url = f"mongodb://nobody:hunter2@127.0.0.1:{mongod.port}/x"
    with pytest.raises(StartupError, match="refuses the user name or the password") as caught:
        await MongoDatabase.open(address(url), ())
    assert "hunter2" not in str(caught.value)


async def test_migrations_run_once_although_two_processes_start_at_once(mongo_url: str) -> None:
    runs: list[str] = []

    async def first(database: Any) -> None:
        runs.append("first")
        await database.create_collection("things")

    async def second(database: Any) -> None:
        runs.append("second")
        await database["things"].insert_one({"_id": 1})

    migrations = (MongoMigration(1, "first", first), MongoMigration(2, "second", second))
    async with opened(mongo_url, migrations[:1]):
        assert runs == ["first"]

    async def start() -> None:
        async with opened(mongo_url, migrations) as database:
            assert await database.collection("things").find_one({}) == {"_id": 1}

    await asyncio.gather(start(), start(), start())
    assert runs == ["first", "second"]
    with pytest.raises(StartupError, match="schema version 2; this release supports versions up to 1"):
        await MongoDatabase.open(address(mongo_url), migrations[:1])


async def test_a_migration_that_failed_runs_again(mongo_url: str) -> None:
    outcomes = iter([LookupError("a bug"), None])

    async def fails_once(_database: Any) -> None:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome

    migrations = (MongoMigration(1, "fails once", fails_once),)
    with pytest.raises(LookupError):
        await MongoDatabase.open(address(mongo_url), migrations)
    async with opened(mongo_url, migrations):
        assert next(outcomes, "all used") == "all used"


async def test_a_transaction_is_all_or_nothing_and_runs_again_after_a_conflict(mongo_url: str) -> None:
    async with opened(mongo_url) as database:
        things = database.collection("things")
        await things.insert_many([{"_id": 1, "n": 0}, {"_id": 2, "n": 0}])
        attempts = 0

        async def move(session: AsyncClientSession) -> int:
            nonlocal attempts
            attempts += 1
            await things.update_one({"_id": 1}, {"$inc": {"n": -1}}, session=session)
            if attempts == 1:
                raise OperationFailure("WriteConflict", 112, {"errorLabels": ["TransientTransactionError"]})
            await things.update_one({"_id": 2}, {"$inc": {"n": 1}}, session=session)
            return attempts

        assert await database.transaction(move) == 2
        assert [row["n"] async for row in things.find().sort("_id")] == [-1, 1]

        async def fail(session: AsyncClientSession) -> None:
            await move(session)
            raise LookupError

        with pytest.raises(LookupError):
            await database.transaction(fail)
        assert [row["n"] async for row in things.find().sort("_id")] == [-1, 1]


async def test_a_bug_is_not_reported_as_a_failure_of_the_server(mongo_url: str) -> None:
    async with opened(mongo_url) as database:
        things = database.collection("things")
        await things.insert_one({"_id": 1})
        with pytest.raises(DuplicateKeyError), database.failures():
            await things.insert_one({"_id": 1})


async def test_a_server_that_goes_away_is_unavailable_and_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(Mongod(tmp_path)) as server:
        async with opened(server.url("x")) as database:
            await database.ping()
            server.kill()
            monkeypatch.setattr(mongo, "OPERATION_SECONDS", 0.5)
            monkeypatch.setattr(mongo, "PING_SECONDS", 0.3)

            async def insert(session: AsyncClientSession) -> None:
                await database.collection("things").insert_one({}, session=session)

            with pytest.raises(StoreFailure) as caught:
                await database.transaction(insert)
            assert f"127.0.0.1:{server.port}" in caught.value.explanation
            with pytest.raises(NotReady, match=f"127.0.0.1:{server.port}"):
                await database.ping()
            server.start()
            monkeypatch.undo()
            await database.transaction(insert)
            await database.ping()
