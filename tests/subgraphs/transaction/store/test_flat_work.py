"""Lists of transactions and look-ups do as much work among 10,000 transactions as among 1,000."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from pymongo.write_concern import WriteConcern

from subgraphs.kit.pages import PageRequest
from subgraphs.transaction.domain import Parties, TransactionStatus, TransactionType
from subgraphs.transaction.store import sqlite
from subgraphs.transaction.store.mongo_documents import history_entry, to_document
from subgraphs.transaction.store.protocol import Filter, Listing, sort_key
from subgraphs.transaction.store.sqlite_rows import lease_columns, to_row
from tests.subgraphs.flat_work import LONG, SHORT, check_flat, work_of
from tests.subgraphs.recorded_commands import examined, record_commands
from tests.subgraphs.recorded_statements import StepCounter
from tests.subgraphs.transaction.support import START, party, sqlite_store, transaction, transfer_order

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import pytest
    from pymongo.database import Database

    from subgraphs.transaction.domain import Party, Transaction
    from subgraphs.transaction.store.protocol import TransactionStore
    from tests.subgraphs.transaction.running_orders_contract import StoreFactory


def history(ann: Party, bob: Party, first: int, last: int) -> list[Transaction]:
    """Settled transfers between two people, in turn in both directions."""
    sides = ((ann, bob), (bob, ann))
    return [
        transaction(
            transfer_order(*sides[number % 2]),
            Parties(*sides[number % 2]),
            at=START + timedelta(seconds=number),
            status=TransactionStatus.COMPLETED,
        )
        for number in range(first, last)
    ]


def reads(
    store: TransactionStore, ann: Party, bob: Party, middle: Transaction
) -> dict[str, Callable[[], Awaitable[Any]]]:
    place, accounts = sort_key(middle), [ann.account_id, bob.account_id]
    completed = Filter(statuses=frozenset({TransactionStatus.COMPLETED}))
    pages = {
        "first page": PageRequest(20),
        "page in the middle": PageRequest(20, after=place),
        "page before": PageRequest(20, before=place, backwards=True),
        "last page": PageRequest(20, backwards=True),
    }
    found: dict[str, Callable[[], Awaitable[Any]]] = {
        "by id": lambda: store.by_ids([middle.id]),
        "history": lambda: store.histories([middle.id]),
        "settled after": lambda: store.settled_ids(after=middle.id, limit=20),
    }
    for name, page in pages.items():
        for viewer in (None, ann.user_id):
            listing, filtered = Listing(viewer, page=page), Listing(viewer, completed, page)
            found |= {
                f"{name} of {viewer}": partial(store.listing, listing),
                f"{name} of {viewer}, completed": partial(store.listing, filtered),
                f"{name} of accounts of {viewer}": partial(store.listing_of_accounts, accounts, listing),
            }
        # All transactions are completed transfers.
        filters = {
            "failed": Filter(statuses=frozenset({TransactionStatus.FAILED})),
            "fees": Filter(types=frozenset({TransactionType.FEE})),
            "held": Filter(statuses=frozenset({TransactionStatus.HELD})),
            "completed or failed fees": Filter(
                frozenset({TransactionType.FEE}), frozenset({TransactionStatus.COMPLETED, TransactionStatus.FAILED})
            ),
            "late fees": Filter(types=frozenset({TransactionType.FEE}), created_from=START),
        }
        for kind, wanted in filters.items():
            found[f"{name} of {kind}"] = partial(store.listing, Listing(None, wanted, page))
    return found


async def test_in_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, counter, ann, bob = [], StepCounter(monkeypatch), party(), party()

    def steps() -> int:
        counted, counter.steps = counter.steps, 0
        return counted

    async with sqlite_store(tmp_path) as store:
        for first, last in ((0, SHORT), (SHORT, LONG)):
            records = history(ann, bob, first, last)
            rows = [{**to_row(each), **lease_columns(None)} for each in records]
            with closing(sqlite3.connect(tmp_path / "transaction.sqlite3")) as connection, connection:
                connection.executemany(sqlite._INSERT, rows)  # noqa: SLF001 - as above
                connection.executemany(
                    "INSERT INTO status_changes VALUES (?, 1, 'COMPLETED', 0, NULL)", [(each.id,) for each in records]
                )
            found = reads(store, ann, bob, records[len(records) // 2])
            work.append(await work_of(found, steps))
    check_flat(*work)


async def test_in_mongodb(
    mongo_stores: StoreFactory, mongo_database: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    work, recorder, ann, bob = [], record_commands(monkeypatch), party(), party()

    def keys_and_documents() -> int:
        counted = examined(mongo_database, recorder.commands)
        recorder.commands.clear()
        return counted

    fast = mongo_database["transactions"].with_options(write_concern=WriteConcern(w=1, j=False))
    async with mongo_stores() as store:
        for first, last in ((0, SHORT), (SHORT, LONG)):
            records = history(ann, bob, first, last)
            documents = [{**to_document(each), "history": [history_entry(each, None)]} for each in records]
            fast.insert_many(documents, ordered=False, bypass_document_validation=True)
            recorder.commands.clear()
            found = reads(store, ann, bob, records[len(records) // 2])
            work.append(await work_of(found, keys_and_documents))
    check_flat(*work)
