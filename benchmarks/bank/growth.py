"""Whether lists and statements take longer when one account has more transactions, in SQLite stores.

The rows are copies of a transfer that the stores have recorded, made by SQL: recording a million transfers would take
an hour. The copies have other ids and times. The triggers of the ledger are dropped first, because only reads are
measured.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.bank.figures import Figure, log_log_slope
from subgraphs.account.statements import Period
from subgraphs.kit.pages import PageRequest
from subgraphs.transaction.domain import Parties, Party, TransactionStatus
from subgraphs.transaction.store.protocol import Filter, Listing
from tests.subgraphs.account import support as accounts
from tests.subgraphs.transaction import support as transactions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

READS: Final = 200
_PERIOD: Final = Period(datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
# Columns that differ between the copies, by SQL with the number of a copy.
_NEW_TRANSACTION: Final = {
    "id": "printf('%024x', number)",
    "created_at": "created_at + number",
    "updated_at": "updated_at + number",
}
_NEW_ENTRY: Final = {
    "sequence": "NULL",
    "transaction_id": "printf('%024x', number)",
    "position": "position + number",
    "posted_at": "strftime('%Y-%m-%dT%H:%M:%fZ', 1700000000 + number, 'unixepoch')",
}


class _Subject(NamedTuple):
    """The owner and the account that take part in all transactions."""

    user_id: str
    account_id: str


async def growth(most: int) -> list[Figure]:
    """Measure the processor time of reads with 10³ transactions, ten times as many, and so on up to `most`."""
    points: dict[str, list[tuple[float, float]]] = {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        subject = await _first_transfer(folder)
        have, size = 1, 1_000
        while size <= most:
            _copy(folder / "transaction.sqlite3", "transactions", _NEW_TRANSACTION, range(have, size))
            _copy(folder / "account.sqlite3", "entries", _NEW_ENTRY, range(have, size))
            for read, seconds in (await _measure(folder, subject)).items():
                points.setdefault(read, []).append((float(size), seconds))
            have, size = size, size * 10
    return [
        figure
        for read, measured in points.items()
        for figure in (
            Figure(f"{read}, slope from 10³ to {most:.0e}", log_log_slope(measured), "", most=0.1),
            Figure(f"{read}, with {measured[-1][0]:.0e}", measured[-1][1] * 1000, "ms"),
        )
    ]


async def _first_transfer(folder: Path) -> _Subject:
    """Record one transfer in both stores, and return the account that has received it."""
    async with accounts.sqlite_factory(folder / "account.sqlite3")() as store:
        owner, payer = accounts.person(), accounts.person()
        account, source = await accounts.opened(store, owner), await accounts.opened(store, payer)
        await store.post(accounts.deposit(payer, source.id, "10.00"))
        await store.post(accounts.transfer(payer, source.id, account.id, "1.00"))
    async with transactions.sqlite_store(folder) as orders:
        parties = Parties(transactions.party(), Party(account.id, owner.user_id, account.number))
        assert parties.source is not None  # noqa: S101 - it was just made
        assert parties.destination is not None  # noqa: S101 - it was just made
        order = transactions.transfer_order(parties.source, parties.destination)
        await transactions.recorded(
            orders, transactions.transaction(order, parties, status=TransactionStatus.COMPLETED)
        )
    with closing(sqlite3.connect(folder / "account.sqlite3")) as connection, connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute("DELETE FROM entries WHERE account_id <> ?", (account.id,))
    return _Subject(owner.user_id, account.id)


def _copy(path: Path, table: str, new: Mapping[str, str], numbers: range) -> None:
    """Copy the oldest row of `table` once for each number."""
    with closing(sqlite3.connect(path)) as connection, connection:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        values = ", ".join(new.get(column, column) for column in columns)
        statement = f"""
            WITH RECURSIVE numbers(number) AS (SELECT ? UNION ALL SELECT number + 1 FROM numbers WHERE number < ?)
            INSERT INTO {table} SELECT {values} FROM numbers JOIN (SELECT * FROM {table} ORDER BY rowid LIMIT 1)
        """  # noqa: S608 - names of this module
        connection.execute(statement, (numbers.start, numbers.stop - 1))


async def _measure(folder: Path, subject: _Subject) -> dict[str, float]:
    """Return the processor seconds of each read."""
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(accounts.sqlite_factory(folder / "account.sqlite3")())
        orders = await stack.enter_async_context(transactions.sqlite_store(folder))
        first = Listing(subject.user_id)
        completed = Listing(subject.user_id, Filter(statuses=frozenset({TransactionStatus.COMPLETED})))
        reads: dict[str, Callable[[], Awaitable[object]]] = {
            "list of a user": lambda: orders.listing(first),
            "list of a user by status": lambda: orders.listing(completed),
            "list of an account": lambda: orders.listing_of_accounts([subject.account_id], first),
            "first page of a statement": lambda: ledger.entries([(subject.account_id, _PERIOD)], PageRequest()),
            "last page of a statement": lambda: ledger.entries(
                [(subject.account_id, _PERIOD)], PageRequest(backwards=True)
            ),
            "balance at a time": lambda: ledger.balances_before([(subject.account_id, _PERIOD.end)]),
        }
        return {name: await _seconds(read) for name, read in reads.items()}


async def _seconds(read: Callable[[], Awaitable[object]]) -> float:
    for _ in range(READS // 10):
        await read()
    used = time.process_time()
    for _ in range(READS):
        await read()
    return (time.process_time() - used) / READS
