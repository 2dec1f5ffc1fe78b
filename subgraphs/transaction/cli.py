"""`mosafe transaction`: serve, migrate the store, and list open orders."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from bank import values
from servicekit.settings import environment, load
from subgraphs.kit.commands import service_group
from subgraphs.kit.pages import PageRequest
from subgraphs.kit.store_identity import open_joined
from subgraphs.transaction.domain import OPEN
from subgraphs.transaction.settings import TransactionSettings
from subgraphs.transaction.store.factory import STORES
from subgraphs.transaction.store.protocol import Filter, Listing, sort_key

if TYPE_CHECKING:
    from servicekit.asgi import ASGIApp
    from subgraphs.transaction.domain import Transaction

# The number of orders that are read in one query. It limits the memory if an outage has left many orders open.
_PAGE_SIZE: Final = 500


def _create_app(loaded: TransactionSettings) -> ASGIApp:
    from subgraphs.transaction.app import create_app  # noqa: PLC0415 - the commands of operators need no application

    return create_app(loaded)


command = service_group(
    "transaction",
    TransactionSettings,
    _create_app,
    help_text="The transaction service; without a sub-command it serves.",
)


@command.command("migrate")
def migrate() -> None:
    """Create or update the tables, collections and indexes of the store. The service does the same at its start."""
    asyncio.run(_migrate(load(TransactionSettings, environment())))
    click.echo("the transaction store is up to date")


async def _migrate(settings: TransactionSettings) -> None:
    async with open_joined(settings.place, STORES):
        pass


@command.command("open")
def open_command() -> None:
    """List PENDING and HELD orders, oldest first. The service may be running.

    If an order stays PENDING for minutes while the account service is up, look at the log of this service.
    """
    asyncio.run(_print_open(load(TransactionSettings, environment())))


async def _print_open(settings: TransactionSettings) -> None:
    page = PageRequest(limit=_PAGE_SIZE, backwards=True)
    async with open_joined(settings.place, STORES) as store:
        while rows := await store.listing(Listing(None, Filter(statuses=OPEN), page)):
            # The store returns one row more than the limit. This row begins the next page.
            for record in rows[:_PAGE_SIZE]:
                click.echo(_line(record))
            if len(rows) <= _PAGE_SIZE:
                break
            page = replace(page, before=sort_key(rows[_PAGE_SIZE - 1]))


def _line(record: Transaction) -> str:
    order = record.order
    since = values.format_timestamp(record.created_at)
    return f"{record.id}  {since}  {record.status:<7}  {order.type:<10}  {order.amount:f} {order.currency}"
