"""The MongoDB store: the contract of every store, the types of documents, query plans, what the database refuses.

Covers `subgraphs/transaction/store/mongo.py`, `subgraphs/transaction/store/mongo_documents.py`,
`subgraphs/transaction/store/mongo_orders.py`, `subgraphs/transaction/store/mongo_queries.py` and
`subgraphs/transaction/store/mongo_schema.py`.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from bson import Decimal128, ObjectId
from pymongo.errors import DuplicateKeyError, WriteError

from subgraphs.kit.pages import PageRequest
from subgraphs.transaction.domain import Parties, TransactionStatus
from subgraphs.transaction.store import mongo_queries as queries
from subgraphs.transaction.store.mongo import claimable
from subgraphs.transaction.store.mongo_documents import from_document, history_entry, to_document
from subgraphs.transaction.store.protocol import Listing, TurnoverRequest, sort_key
from tests.subgraphs.recorded_commands import QueryTable, found_in, record_commands
from tests.subgraphs.transaction.store_contract import CONTRACT
from tests.subgraphs.transaction.support import (
    START,
    party,
    payment_order,
    recorded,
    ticking,
    transaction,
    transfer_order,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pymongo.database import Database

    from subgraphs.transaction.domain import Party, Transaction
    from tests.subgraphs.transaction.running_orders_contract import StoreFactory

S = TransactionStatus


QUERIES: Final = QueryTable(Path(__file__).parent / "mongo_queries.txt")


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
async def test_contract(
    check: Callable[[StoreFactory], Awaitable[None]],
    mongo_stores: StoreFactory,
    mongo_database: Database[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The store does what all stores do, by queries that are in the table and have an index."""
    recorder = record_commands(monkeypatch)
    await check(mongo_stores)
    QUERIES.check(recorder, mongo_database)


async def test_documents_have_the_documented_fields_and_types(
    mongo_stores: StoreFactory, mongo_database: Database[dict[str, Any]]
) -> None:
    ann, bob = party(), party()
    record = transaction(transfer_order(ann, bob, "12.50"), Parties(ann, bob))
    async with mongo_stores() as store:
        await recorded(store, record)
    document = mongo_database["transactions"].find_one({"_id": ObjectId(record.id)})
    assert document is not None
    assert document["sourceAccountId"] == ObjectId(ann.account_id)
    assert document["destinationAccountId"] == ObjectId(bob.account_id)
    assert document["amount"] == Decimal128("12.50")
    assert (document["currency"], document["type"], document["status"]) == ("USD", "TRANSFER", "PENDING")
    assert document["metadata"] == {}
    assert isinstance(document["createdAt"], datetime)


@pytest.mark.parametrize("name", ["", "a.b", "$a", "\x00", "\u2400", "\u24000", "\u2400\x00\u2400", "\x000"])
def test_every_name_of_the_metadata_comes_back(name: str) -> None:
    ann = party()
    order = replace(payment_order(ann), metadata={name: "1"})
    document = to_document(transaction(order, Parties(ann, None)))
    assert all("\x00" not in each for each in document["metadata"])
    assert from_document(document).order.metadata == {name: "1"}


# A change of a document that its validator refuses.
FORBIDDEN: Final[list[dict[str, Any]]] = [
    {"$set": {"amount": Decimal128("0.00")}},
    {"$set": {"amount": Decimal128("-1.00")}},
    {"$set": {"amount": 10.5}},
    {"$set": {"status": "LOST"}},
    {"$set": {"type": "GIFT"}},
    {"$set": {"sourceAccountId": "not an ObjectId"}},
    {"$set": {"metadata": {"a": 1}}},
    {"$set": {"unknown": 1}},
    {"$unset": {"requester": ""}},
    {"$unset": {"history": ""}},
]


@pytest.mark.parametrize("change", FORBIDDEN, ids=str)
async def test_the_database_itself_refuses(
    change: dict[str, Any], mongo_stores: StoreFactory, mongo_database: Database[dict[str, Any]]
) -> None:
    ann = party()
    async with mongo_stores() as store:
        await recorded(store, transaction(payment_order(ann), Parties(ann, None)))
    with pytest.raises(WriteError, match="validation"):
        mongo_database["transactions"].update_one({}, change)


async def test_the_database_itself_refuses_a_second_order_under_one_key(
    mongo_stores: StoreFactory, mongo_database: Database[dict[str, Any]]
) -> None:
    ann = party()
    async with mongo_stores() as store:
        await recorded(store, transaction(payment_order(ann), Parties(ann, None)))
    copy = mongo_database["transactions"].find_one({})
    assert copy is not None
    with pytest.raises(DuplicateKeyError):
        mongo_database["transactions"].insert_one({**copy, "_id": ObjectId()})


HISTORY: Final = 200
PAGE: Final = 5


def insert_history(database: Database[dict[str, Any]], one: Party, other: Party) -> list[Transaction]:
    """Insert settled transfers between two people, in turn in both directions."""
    moments, records = ticking(), []
    for number in range(HISTORY):
        source, destination = (one, other) if number % 2 else (other, one)
        order = transfer_order(source, destination)
        records.append(transaction(order, Parties(source, destination), at=next(moments), status=S.COMPLETED))
    database["transactions"].insert_many(
        [{**to_document(record), "history": [history_entry(record, None)]} for record in records]
    )
    return records


async def test_no_list_reads_more_than_its_page(
    mongo_stores: StoreFactory, mongo_database: Database[dict[str, Any]]
) -> None:
    async with mongo_stores():
        ann, bob, cyd = party(), party(), party()
    middle = sort_key(insert_history(mongo_database, ann, bob)[HISTORY // 2])
    pages = (
        PageRequest(PAGE),
        PageRequest(PAGE, after=middle),
        PageRequest(PAGE, before=middle),
        PageRequest(PAGE, before=middle, backwards=True),
    )
    accounts = [ann.account_id, bob.account_id]
    for page, viewer in itertools.product(pages, (None, ann.user_id, cyd.user_id)):
        listing = Listing(viewer, page=page)
        for source, pipeline in (
            ("transactions", queries.page(listing)),
            (1, queries.page_of_accounts(accounts, listing)),
        ):
            aggregate: dict[str, Any] = {"aggregate": source, "pipeline": pipeline, "cursor": {}}
            explained = mongo_database.command({"explain": aggregate, "verbosity": "executionStats"})
            assert not {"COLLSCAN", "SORT"} & set(found_in(explained, "stage")), listing
            # Each of at most two branches reads its page, one row more, and the row of the cursor, for each account.
            assert sum(found_in(explained, "totalDocsExamined")) <= 2 * 2 * (PAGE + 2), listing


async def test_queries_of_the_reconciler_and_sums_use_an_index(
    mongo_stores: StoreFactory, mongo_database: Database[dict[str, Any]]
) -> None:
    async with mongo_stores():
        ann, bob, cyd = party(), party(), party()
    insert_history(mongo_database, ann, bob)
    insert_history(mongo_database, bob, cyd)
    request = TurnoverRequest(ann.user_id, START, START + timedelta(hours=1))
    for pipeline in queries.turnovers([ann.account_id], request).values():
        aggregate = {"aggregate": "transactions", "pipeline": pipeline, "cursor": {}}
        explained = mongo_database.command({"explain": aggregate, "verbosity": "executionStats"})
        assert max(found_in(explained, "totalDocsExamined")) <= HISTORY
    open_orders = mongo_database["transactions"].find(claimable(START)).sort("_id").explain()
    assert set(found_in(open_orders, "indexName")) == {"pending"}
