"""`mosafe payments`: compare the statement of the payment provider with the orders and the ledger."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bank.values import format_timestamp, parse_timestamp
from servicekit.errors import StartupError
from servicekit.settings import environment, load
from subgraphs.account.settings import AccountSettings
from subgraphs.account.store.factory import READABLE_STORES as ACCOUNT_STORES
from subgraphs.kit.pages import PageRequest
from subgraphs.kit.store_factory import SQLITE, open_store
from subgraphs.transaction.domain import SETTLED, TransactionStatus, TransactionType
from subgraphs.transaction.order_steps import EXTERNAL, is_external
from subgraphs.transaction.payments.reconciliation import Comparison, OwnRecords, compare
from subgraphs.transaction.payments.statement import Statement, parse_statement
from subgraphs.transaction.settings import TransactionSettings
from subgraphs.transaction.store.factory import STORES as TRANSACTION_STORES
from subgraphs.transaction.store.protocol import Filter, Listing, sort_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from datetime import datetime

    from subgraphs.account.store.protocol import AccountStore
    from subgraphs.kit.store_factory import StoreAddress
    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.states import StatusChange
    from subgraphs.transaction.store.protocol import TransactionStore

# The number of orders that are read in one query.
_PAGE_SIZE: Final = 500
# A statement of a million payments has about 150 MB.
MAX_BYTES: Final = 500_000_000


@dataclass(frozen=True, slots=True)
class Stores:
    """The open stores whose records are compared with the statement."""

    transactions: TransactionStore
    accounts: AccountStore


@click.group("payments")
def command() -> None:
    """Compare what the payment provider has done with the orders and the ledger."""


@command.command("reconcile")
@click.argument("path", type=click.Path(path_type=Path), metavar="STATEMENT")
@click.option("--from", "begin", metavar="TIME", help="The beginning of the statement, if the file does not say it.")
@click.option("--to", "end", metavar="TIME", help="The end of the statement, if the file does not say it.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@click.pass_context
def reconcile(context: click.Context, path: Path, *, begin: str | None, end: str | None, is_json: bool) -> None:
    """Compare a statement of the provider with the orders and the ledger. The services may be running.

    STATEMENT is a file in CSV or JSON, or - for the standard input. The exit code is 1 if something differs.
    """
    statement = parse_statement(_read(path), str(path))
    statement = replace(
        statement,
        begin=_time("--from", begin) or statement.begin,
        end=_time("--to", end) or statement.end,
    )
    comparison = asyncio.run(_compare(statement))
    if is_json:
        click.echo(json.dumps(as_document(statement, comparison), indent=2))
    else:
        click.echo("\n".join(as_lines(statement, comparison)))
    if comparison.differences:
        context.exit(1)


def _read(path: Path) -> str:
    try:
        if str(path) == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise StartupError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise StartupError(f"{path}: is larger than {MAX_BYTES} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise StartupError(f"{path}: is not UTF-8") from None


def _time(option: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_timestamp(text)
    except ValueError as error:
        raise StartupError(f"{option}: {error}") from None


async def _compare(statement: Statement) -> Comparison:
    environ = environment()
    async with AsyncExitStack() as stack:
        own, ledger = load(TransactionSettings, environ).store, load(AccountSettings, environ).store
        for name, address in (("transaction", own), ("account", ledger)):
            _refuse_missing(name, address)
        return await compare_with(
            statement,
            Stores(
                await stack.enter_async_context(open_store(own, TRANSACTION_STORES)),
                await stack.enter_async_context(open_store(ledger, ACCOUNT_STORES)),
            ),
        )


def _refuse_missing(name: str, address: StoreAddress) -> None:
    """Refuse a store that would be created empty."""
    if address.scheme == SQLITE and not address.sqlite_file.exists():
        raise StartupError(f"the {name} store is missing: {address.sqlite_file}")


async def compare_with(statement: Statement, stores: Stores) -> Comparison:
    """Read what the bank knows about the orders of a statement and of its period, and compare."""
    orders: dict[str, Transaction] = {}
    for ids in _parts(list(dict.fromkeys(line.payment.order_id for line in statement.lines))):
        orders |= await stores.transactions.by_ids(ids)
    expected: list[str] = []
    async for page in _settled_pages(statement, stores.transactions):
        expected += [order.id for order in page]
        orders |= {order.id: order for order in page}
    posted: set[str] = set()
    for ids in _parts(list(orders)):
        posted |= set(await stores.accounts.which_posted(ids))
    return compare(statement, OwnRecords(orders, expected, posted))


def _parts(ids: list[str]) -> Iterator[list[str]]:
    return (ids[start : start + _PAGE_SIZE] for start in range(0, len(ids), _PAGE_SIZE))


async def _settled_pages(statement: Statement, store: TransactionStore) -> AsyncIterator[list[Transaction]]:
    """Yield the orders whose payment must be in the statement: recorded and completed within the period."""
    wanted = Filter(
        types=EXTERNAL | {TransactionType.REVERSAL},
        statuses=SETTLED,
        created_from=statement.begin,
        created_to=statement.end,
    )
    page = PageRequest(limit=_PAGE_SIZE, backwards=True)
    while rows := await store.listing(Listing(None, wanted, page)):
        # The store returns one row more than the limit. This row begins the next page.
        external = [row for row in rows[:_PAGE_SIZE] if is_external(row)]
        histories = await store.histories([row.id for row in external])
        yield [row for row in external if _is_completed_before(histories[row.id], statement.end)]
        if len(rows) <= _PAGE_SIZE:
            return
        page = replace(page, before=sort_key(rows[_PAGE_SIZE - 1]))


def _is_completed_before(history: Iterable[StatusChange], end: datetime | None) -> bool:
    times = [change.at for change in history if change.status is TransactionStatus.COMPLETED]
    return end is None or (bool(times) and times[0] < end)


def as_document(statement: Statement, comparison: Comparison) -> dict[str, object]:
    return {
        "from": None if statement.begin is None else format_timestamp(statement.begin),
        "to": None if statement.end is None else format_timestamp(statement.end),
        "payments": len(statement.lines),
        "agreeing": comparison.agreeing,
        "open": comparison.open,
        "differences": [difference.to_json() for difference in comparison.differences],
    }


def as_lines(statement: Statement, comparison: Comparison) -> Iterator[str]:
    for each in comparison.differences:
        sides = f"here {each.here or 'nothing'}; there {each.there or 'nothing'}"
        yield f"{each.kind:<13}  {each.order_id}  {f'{each.place}: ' if each.place else ''}{sides}"
    open_ = f", {comparison.open} of them with an order that is still open" if comparison.open else ""
    yield (
        f"{len(statement.lines)} payments: {comparison.agreeing} agree{open_};"
        f" {len(comparison.differences)} differences"
    )
