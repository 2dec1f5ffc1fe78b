"""``mosafe transaction``: serve, and look at orders that are still open."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from bank import values
from servicekit.server import Endpoint, serve
from servicekit.settings import environment, load
from servicekit.sqlite import Database
from subgraphs.kit.connections import PageRequest
from subgraphs.transaction.app import create_app
from subgraphs.transaction.domain import OPEN
from subgraphs.transaction.settings import TransactionSettings
from subgraphs.transaction.store.migrations import MIGRATIONS
from subgraphs.transaction.store.protocol import Filter, Listing, sort_key
from subgraphs.transaction.store.sqlite import SqliteTransactionStore

if TYPE_CHECKING:
    from subgraphs.transaction.domain import Transaction

# Bounds memory when an outage has left many.
_PAGE: Final = 500


@click.group("transaction", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """The transaction service; without a sub-command it serves."""
    if context.invoked_subcommand is None:
        context.invoke(serve_command)


@command.command("serve")
def serve_command() -> None:
    """Serve the transaction subgraph (the default)."""
    settings = load(TransactionSettings, environment())
    endpoint = Endpoint(settings.host, settings.port, "TRANSACTION_PORT")
    serve("transaction", lambda: create_app(settings), endpoint, settings)


@command.command("open")
def open_command() -> None:
    """List PENDING and HELD orders, oldest first; works beside a running service.

    One that stays PENDING for minutes while the account service is up needs a look at this service's log.
    """
    asyncio.run(_print_open(load(TransactionSettings, environment())))


async def _print_open(settings: TransactionSettings) -> None:
    database = await Database.open(settings.database, MIGRATIONS)
    try:
        store = SqliteTransactionStore(database)
        page = PageRequest(limit=_PAGE, backwards=True)
        while rows := await store.listing(Listing(None, Filter(statuses=OPEN), page)):
            # The store looks one row ahead; that row begins the next page.
            for record in rows[:_PAGE]:
                click.echo(_line(record))
            if len(rows) <= _PAGE:
                break
            page = replace(page, before=sort_key(rows[_PAGE - 1]))
    finally:
        await database.close()


def _line(record: Transaction) -> str:
    order = record.order
    since = values.format_timestamp(record.created_at)
    return f"{record.id}  {since}  {record.status:<7}  {order.type:<10}  {order.amount:f} {order.currency}"
