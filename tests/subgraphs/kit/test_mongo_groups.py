"""Works that wait for each other share a transaction, and a work that fails takes no other with it.

Covers `subgraphs/kit/mongo_groups.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.errors import BulkWriteError

from servicekit.errors import StoreFailure
from subgraphs.kit import mongo_groups
from subgraphs.kit.mongo import MongoDatabase
from subgraphs.kit.mongo_groups import MongoGroups, WorkRefused
from subgraphs.kit.store_factory import StoreAddress
from tests.subgraphs.recorded_commands import record_commands

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from pymongo.asynchronous.client_session import AsyncClientSession

NUMBERS = "numbers"
DUPLICATE = 11000


class TakenError(Exception):
    """The number is taken."""


class Numbers:
    """A unit that inserts numbers, each at most once."""

    def __init__(self, database: MongoDatabase, session: AsyncClientSession) -> None:
        self._collection = database.collection(NUMBERS)
        self._session = session
        self.known: set[int] = set()
        self.inserts: list[int] = []

    @property
    def changes(self) -> int:
        return len(self.inserts)

    @property
    def refusable(self) -> int:
        return len(self.inserts)

    async def load(self, needs: Sequence[Any]) -> None:
        found = self._collection.find({"_id": {"$in": list(needs)}}, session=self._session)
        self.known = {row["_id"] for row in await found.to_list()}

    def savepoint(self) -> Callable[[], None]:
        before = list(self.inserts)

        def undo() -> None:
            self.inserts = before

        return undo

    async def flush(self) -> None:
        if not self.inserts:
            return
        try:
            await self._collection.insert_many([{"_id": each} for each in self.inserts], session=self._session)
        except BulkWriteError as error:
            (refused,) = (error.details or {})["writeErrors"]
            if refused["code"] != DUPLICATE:
                raise
            raise WorkRefused(refused["index"], TakenError()) from error


class Transactions:
    """Runs transactions as a store does, and remembers the number of changes of each."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self.committed: list[int] = []
        self.gate: asyncio.Event | None = None

    async def run(self, work: Callable[[AsyncClientSession], Awaitable[tuple[Any, int]]], seconds: float) -> Any:
        if self.gate is not None:
            await self.gate.wait()
        result, changes = await self._database.transaction(work, seconds)
        self.committed.append(changes)
        return result


@asynccontextmanager
async def grouped(url: str) -> AsyncIterator[tuple[MongoGroups[Numbers], Transactions]]:
    database = await MongoDatabase.open(StoreAddress(SecretStr(url), "X_DB_URL", Path("unused")), ())
    transactions = Transactions(database)
    try:
        await database.database.create_collection(NUMBERS, validator={"_id": {"$gte": 0}})
        yield MongoGroups(transactions.run, lambda session: Numbers(database, session)), transactions
    finally:
        await database.close()


def inserted(number: int) -> Callable[[Numbers], Awaitable[int]]:
    """A work that inserts `number`, and returns how many numbers were inserted before it in the same transaction."""

    async def insert(numbers: Numbers) -> int:
        numbers.inserts.append(number)
        if number % 10 == 9:
            raise ValueError(number)
        return len(numbers.inserts) - 1

    return insert


async def run_all(groups: MongoGroups[Numbers], works: Sequence[int]) -> list[Any]:
    return await asyncio.gather(*(groups.run(each, inserted(each)) for each in works), return_exceptions=True)


def stored(url: str) -> list[int]:
    with MongoClient[dict[str, Any]](url) as client:
        return sorted(row["_id"] for row in client.get_default_database()[NUMBERS].find({}))


async def test_works_that_wait_are_committed_together(mongo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = record_commands(monkeypatch)
    async with grouped(mongo_url) as (groups, transactions):
        recorder.commands.clear()
        # None of them ends with the digit 9.
        works = [10 * each for each in range(mongo_groups.MAX_GROUP_SIZE + 5)]
        before = await run_all(groups, works)
    assert transactions.committed == [mongo_groups.MAX_GROUP_SIZE, 5]
    assert before == [*range(mongo_groups.MAX_GROUP_SIZE), *range(5)]
    # All of a group is read by one command.
    assert [list(command["filter"]["_id"]["$in"]) for command in recorder.commands] == [works[:-5], works[-5:]]
    assert stored(mongo_url) == works


async def test_a_work_that_raises_leaves_nothing_and_the_others_stay(mongo_url: str) -> None:
    async with grouped(mongo_url) as (groups, transactions):
        one, error, two = await run_all(groups, [1, 9, 2])
    assert (one, two) == (0, 1)
    assert isinstance(error, ValueError)
    assert transactions.committed == [2]
    assert stored(mongo_url) == [1, 2]


async def test_a_refused_write_fails_its_own_work_only(mongo_url: str) -> None:
    async with grouped(mongo_url) as (groups, transactions):
        await groups.run(3, inserted(3))
        results = await run_all(groups, [1, 9, 3, 2, 2])
    assert [type(each) for each in results] == [int, ValueError, TakenError, int, TakenError]
    assert transactions.committed == [1, 2]
    assert stored(mongo_url) == [1, 2, 3]


async def test_a_document_that_its_validator_refuses_fails_its_own_work_only(mongo_url: str) -> None:
    async with grouped(mongo_url) as (groups, transactions):
        one, error, two = await run_all(groups, [1, -5, 2])
    assert (one, two) == (0, 0)
    assert isinstance(error, BulkWriteError)
    assert transactions.committed == [1, 1]
    assert stored(mongo_url) == [1, 2]


async def test_a_cancelled_work_is_dropped_while_it_waits_and_completed_once_it_has_begun(mongo_url: str) -> None:
    async with grouped(mongo_url) as (groups, transactions):
        transactions.gate = asyncio.Event()
        begun = asyncio.create_task(groups.run(1, inserted(1)))
        # The works of the first group are taken as soon as its task runs.
        while len(groups) or not groups.turn.locked():
            await asyncio.sleep(0)
        waiting = asyncio.create_task(groups.run(2, inserted(2)))
        while not len(groups):
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        begun.cancel()
        transactions.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await begun
    assert stored(mongo_url) == [1]


async def test_a_work_does_not_wait_longer_than_a_transaction(mongo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with grouped(mongo_url) as (groups, _):
        monkeypatch.setattr(mongo_groups, "OPERATION_SECONDS", 0)
        with pytest.raises(StoreFailure):
            await groups.run(1, inserted(1))
        monkeypatch.undo()
        await groups.run(2, inserted(2))
    assert stored(mongo_url) == [2]
