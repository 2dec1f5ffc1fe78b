"""The SQLite store: the contract of every store, query plans, migrations.

Covers `subgraphs/transaction/store/sqlite.py`, `subgraphs/transaction/store/sqlite_rows.py`,
`subgraphs/transaction/store/sqlite_queries.py` and `subgraphs/transaction/store/sqlite_migrations.py`.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from bank.values import new_user_id
from servicekit.errors import Unavailable
from servicekit.sqlite import Database
from subgraphs.kit.pages import PageRequest
from subgraphs.kit.times import to_milliseconds
from subgraphs.transaction.domain import Parties, TransactionStatus
from subgraphs.transaction.states import StatusChange
from subgraphs.transaction.store import sqlite
from subgraphs.transaction.store import sqlite_queries as queries
from subgraphs.transaction.store.protocol import Listing, TurnoverRequest
from subgraphs.transaction.store.sqlite_migrations import MIGRATIONS
from tests.subgraphs.recorded_statements import Statements, record_statements
from tests.subgraphs.transaction.store_contract import CONTRACT
from tests.subgraphs.transaction.support import conclude, party, payment_order, recorded, sqlite_store, transaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.subgraphs.transaction.running_orders_contract import StoreFactory


STATEMENTS = Statements(
    {
        "SELECT count(*) FROM (SELECT id FROM transactions WHERE TRUE": "counts for staff, with totalCount only",
        "DELETE FROM outbox WHERE sequence IN": "reads the first rows of the outbox, up to a limit",
    },
    MIGRATIONS,
)


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
async def test_the_embedded_store(
    check: Callable[[StoreFactory], Awaitable[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store does what all stores do, by statements that use an index."""
    with monkeypatch.context() as patch:
        statements = record_statements(patch)
        await check(lambda: sqlite_store(tmp_path))
    STATEMENTS.check(statements, tmp_path / "transaction.sqlite3")


LISTINGS = {
    "everybody's": Listing(None),
    "a viewer's": Listing(new_user_id()),
    "a viewer's next page": Listing(new_user_id(), page=PageRequest(after=("1", "f"))),
    "a viewer's last page": Listing(new_user_id(), page=PageRequest(before=("1", "f"), backwards=True)),
}


def plan_of(folder: Path, query: queries.Query) -> list[str]:
    connection = sqlite3.connect(folder / "transaction.sqlite3")
    try:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", query.parameters)
        return [row[3] for row in rows]
    finally:
        connection.close()


@pytest.mark.parametrize("listing", LISTINGS.values(), ids=LISTINGS.keys())
async def test_no_list_reads_a_whole_table_or_sorts_a_history(listing: Listing, tmp_path: Path) -> None:
    async with sqlite_store(tmp_path):
        page = plan_of(tmp_path, queries.page(listing))
        of_accounts = plan_of(tmp_path, queries.page_of_accounts(["a", "b"], listing))
    branches = [
        step
        for step in page + of_accounts
        if "USING COVERING INDEX transactions_by" in step or "USING INDEX transactions_by" in step
    ]
    assert len(branches) == (1 if listing.viewer_id is None else 2) + 2
    assert [step for step in page + of_accounts if step == "SCAN transactions"] == []


async def test_turnover_reads_only_the_accounts_it_is_asked_about(tmp_path: Path) -> None:
    async with sqlite_store(tmp_path):
        plan = plan_of(tmp_path, queries.turnover(["a", "b"], TurnoverRequest(new_user_id())))
    assert len([step for step in plan if step.startswith("SEARCH transactions USING INDEX")]) == 2


async def test_a_locked_file_is_unavailable_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("servicekit.sqlite.BUSY_SECONDS", 0.01)
    ann = party()
    record = transaction(payment_order(ann), Parties(ann, None))
    async with sqlite_store(tmp_path) as store:
        other = sqlite3.connect(tmp_path / "transaction.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await recorded(store, record)
        other.execute("ROLLBACK")
        other.close()
        assert await store.by_ids([record.id]) == {}
        await recorded(store, record)


async def test_a_failure_after_the_change_leaves_neither_change_nor_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = party()
    record = transaction(payment_order(ann), Parties(ann, None))

    async def fail(*_: object) -> None:
        raise ConnectionResetError

    async with sqlite_store(tmp_path) as store:
        with monkeypatch.context() as patch:
            patch.setattr(sqlite, "append_events", fail)
            with pytest.raises(ConnectionResetError):
                await recorded(store, record)
        assert await store.by_ids([record.id]) == {}
        await recorded(store, record)
        with monkeypatch.context() as patch:
            patch.setattr(sqlite, "append_events", fail)
            with pytest.raises(ConnectionResetError):
                await conclude(store, record.id, TransactionStatus.COMPLETED, None, record.created_at)
        assert await store.by_ids([record.id]) == {record.id: record}
        assert [row.event.type for row in await store.events(after=0, limit=9)] == ["transaction.recorded"]


async def test_a_file_of_the_first_release_keeps_its_open_orders(tmp_path: Path) -> None:
    ann = party()
    record = transaction(payment_order(ann), Parties(ann, None))
    old = await Database.open(tmp_path / "transaction.sqlite3", MIGRATIONS[:1])
    async with old.transaction() as connection:
        await connection.execute(
            "INSERT INTO transactions VALUES (?, 'PAYMENT', 'PENDING', 1000, 2, 'USD', ?, ?, ?, ?, NULL, NULL, NULL,"
            " NULL, 'Water works', '{}', NULL, ?, '[\"CUSTOMER\"]', ?, ?, ?)",
            (
                record.id,
                ann.account_id,
                ann.account_id,
                ann.user_id,
                ann.account_number,
                ann.user_id,
                ann.user_id,
                to_milliseconds(record.created_at),
                to_milliseconds(record.created_at),
            ),
        )
    await old.close()
    async with sqlite_store(tmp_path) as store:
        assert await store.by_ids([record.id]) == {record.id: record}
        assert await store.unclaimed_ids(record.created_at, after="", limit=9) == [record.id]
        assert await store.events(after=0, limit=9) == []
        assert await store.histories([record.id]) == {record.id: [StatusChange(record.status, record.created_at)]}
