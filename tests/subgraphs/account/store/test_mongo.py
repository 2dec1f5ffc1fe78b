"""The MongoDB store: the contract of every store, the types of documents, and what the database refuses.

Covers `subgraphs/account/store/mongo.py`, `subgraphs/account/store/mongo_accounts.py`,
`subgraphs/account/store/mongo_documents.py`, `subgraphs/account/store/mongo_ledger.py`,
`subgraphs/account/store/mongo_ledger_unit.py` and `subgraphs/account/store/mongo_schema.py`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bson import Decimal128, ObjectId
from pymongo.errors import WriteError

from subgraphs.account.store.mongo import MongoAccountStore
from subgraphs.kit.mongo_store import CHANGES
from tests.subgraphs.account.store_contract import CONTRACT
from tests.subgraphs.account.support import funded, opened, person, transfer
from tests.subgraphs.recorded_commands import QueryTable, record_commands, shape_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pymongo import MongoClient
    from pymongo.asynchronous.client_session import AsyncClientSession

    from tests.subgraphs.account.support import StoreFactory


QUERIES = QueryTable(Path(__file__).parent / "mongo_queries.txt")


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
async def test_contract(
    check: Callable[[StoreFactory], Awaitable[None]],
    mongo_stores: StoreFactory,
    mongo_database: MongoClient[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The store does what all stores do, by queries that are in the table and have an index."""
    recorder = record_commands(monkeypatch)
    await check(mongo_stores)
    QUERIES.check(recorder, mongo_database.get_default_database())


async def test_documents_have_the_documented_fields_and_types(
    mongo_stores: StoreFactory, mongo_database: MongoClient[dict[str, Any]]
) -> None:
    async with mongo_stores() as store:
        account = await funded(store, person(), "12.50")
    document = mongo_database.get_default_database()["accounts"].find_one({"accountNumber": account.number})
    assert document is not None
    assert document["_id"] == ObjectId(account.id)
    assert document["balance"] == Decimal128("12.50")
    assert (document["userId"], document["currency"]) == (account.user_id, "USD")
    assert (document["status"], document["type"]) == ("ACTIVE", "CHECKING")
    assert isinstance(document["createdAt"], datetime)
    assert isinstance(document["updatedAt"], datetime)


async def test_entries_of_each_transaction_sum_to_zero(
    mongo_stores: StoreFactory, mongo_database: MongoClient[dict[str, Any]]
) -> None:
    async with mongo_stores() as store:
        source = await funded(store, ann := person(), "10.00")
        destination = await opened(store, person())
        assert (await store.post(transfer(ann, source.id, destination.id, "4.00"))).posted
    sums = {"_id": "$transactionId", "sum": {"$sum": "$amount"}, "entries": {"$sum": 1}}
    rows = list(mongo_database.get_default_database()["entries"].aggregate([{"$group": sums}]))
    assert [(row["sum"].to_decimal(), row["entries"]) for row in rows] == [(0, 2), (0, 2)]


async def test_postings_that_wait_are_made_in_one_transaction(
    mongo_stores: StoreFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = record_commands(monkeypatch)
    async with mongo_stores() as store:
        sources = [await funded(store, ann := person(), "10.00") for _ in range(3)]
        hot = await opened(store, person())
        orders = [transfer(replace(ann, user_id=each.user_id), each.id, hot.id, "1.00") for each in sources * 10]
        recorder.commands.clear()
        outcomes = await asyncio.gather(*(store.post(order) for order in orders))
        sent = Counter(shape_of(command).split(" ")[0] for command in recorder.commands if "find" in command)
        assert [outcome.posted for outcome in outcomes] == [True] * 30
        assert (await store.by_ids([hot.id]))[hot.id].balance == Decimal("30.00")
    # One transaction has all postings, and reads each collection once.
    assert sent["postings"] == sent["customers"] == 1
    assert sent["accounts"] == 1


async def test_after_a_peak_no_two_transactions_at_a_time_have_one_counter(
    mongo_stores: StoreFactory, mongo_database: MongoClient[dict[str, Any]]
) -> None:
    """Transactions beyond the number of counters shared one, and put it back as free as often as they were."""

    def counts() -> dict[int, int]:
        return {row["_id"]: row["count"] for row in mongo_database.get_default_database()[CHANGES].find({})}

    async def run_at_a_time(store: MongoAccountStore, number: int) -> None:
        started, all_started = 0, asyncio.Event()

        async def change(_session: AsyncClientSession) -> tuple[None, int]:
            nonlocal started
            started += 1
            if started == number:
                all_started.set()
            await all_started.wait()
            return None, 1

        await asyncio.gather(*(store._changing(change) for _ in range(number)))  # noqa: SLF001 - counters are private

    async with mongo_stores() as store:
        assert isinstance(store, MongoAccountStore)
        size = len(first := counts())
        await run_at_a_time(store, size + 10)
        assert sum((peak := counts()).values()) == sum(first.values()) + size + 10
        await run_at_a_time(store, size)
        assert {number: count - peak[number] for number, count in counts().items()} == dict.fromkeys(first, 1)


# A change of an account's document that its validator refuses.
FORBIDDEN: list[dict[str, Any]] = [
    {"$set": {"balance": Decimal128("-0.01")}},
    {"$set": {"held": Decimal128("10.01")}},
    {"$set": {"status": "CLOSED"}},
    {"$set": {"status": "LOST"}},
    {"$set": {"balance": 10.5}},
    {"$unset": {"userId": ""}},
    {"$set": {"accountNumber": "12"}},
]


@pytest.mark.parametrize("change", FORBIDDEN, ids=str)
async def test_the_database_itself_refuses(
    change: dict[str, Any], mongo_stores: StoreFactory, mongo_database: MongoClient[dict[str, Any]]
) -> None:
    async with mongo_stores() as store:
        await funded(store, person(), "10.00")
    with pytest.raises(WriteError, match="validation"):
        mongo_database.get_default_database()["accounts"].update_one({}, change)
