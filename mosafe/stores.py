"""`mosafe stores`: commands for the stores of this installation.

- `check` reports whether the stores belong together, and whether each order has its posting.
- `accept` records that the present stores belong together. An operator uses it after `check` has reported a difference.

A service does not start if its store was lost, was replaced by an older copy, or belongs to another installation (bank
§4.8).
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import click

from bank.store_records import StoreRecords, StoreState, find_mismatch
from servicekit.settings import environment, load
from subgraphs.account.settings import AccountSettings
from subgraphs.account.store.factory import READABLE_STORES as ACCOUNT_STORES
from subgraphs.auth.settings import AuthSettings
from subgraphs.auth.store.factory import STORES as AUTH_STORES
from subgraphs.kit.store_factory import SQLITE, open_store
from subgraphs.transaction.settings import TransactionSettings
from subgraphs.transaction.store.factory import STORES as TRANSACTION_STORES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from subgraphs.account.store.protocol import AccountStore
    from subgraphs.kit.store_identity import IdentifiedStore
    from subgraphs.transaction.store.protocol import TransactionStore

# Maps a service to the class of its settings, which has the address of its store, and to the implementations of its
# store.
SERVICES: Final[Mapping[str, tuple[Any, Any]]] = {
    "auth": (AuthSettings, AUTH_STORES),
    "account": (AccountSettings, ACCOUNT_STORES),
    "transaction": (TransactionSettings, TRANSACTION_STORES),
}
_PAGE_SIZE: Final = 500
_MAX_SHOWN_IDS: Final = 5


@dataclass
class Installation:
    """The open stores by name, the file paths of the missing stores by name, and the records of all stores."""

    records: StoreRecords
    stores: dict[str, IdentifiedStore] = field(default_factory=dict)
    missing: dict[str, Path] = field(default_factory=dict)

    @classmethod
    async def open(cls, stack: AsyncExitStack, environ: Mapping[str, str]) -> Installation:
        """Open the stores that exist. No store is created."""
        found = cls(StoreRecords(load(AccountSettings, environ).data_dir))
        for name, (settings, stores) in SERVICES.items():
            address = load(settings, environ).store
            if address.scheme == SQLITE and not address.sqlite_file.exists():
                found.missing[name] = address.sqlite_file
            else:
                found.stores[name] = await stack.enter_async_context(open_store(address, stores))
        return found

    async def states(self) -> dict[str, StoreState]:
        return {name: await store.identity() for name, store in self.stores.items()}


@click.group("stores")
def command() -> None:
    """Compare the stores of the services with each other."""


@command.command("check")
@click.pass_context
def check(context: click.Context) -> None:
    """Check whether the stores belong together, and whether orders and postings agree. The services may be running.

    The exit code is 1 if something differs.
    """
    lines = asyncio.run(_differences(environment()))
    click.echo("\n".join(lines or ["The stores belong together."]))
    if lines:
        context.exit(1)


@command.command("accept")
@click.option(
    "--yes", is_flag=True, help="Confirm that all services are stopped, and that the stores are right as they are."
)
def accept(*, yes: bool) -> None:
    """Record that the present stores belong together. Data that was lost with a store is not restored."""
    if not yes:
        raise click.ClickException("stop all services, run `mosafe stores check`, then repeat this command with --yes")
    states = asyncio.run(accept_stores(environment()))
    click.echo(f"These stores belong together now: {', '.join(states) or 'none'}.")


async def _differences(environ: Mapping[str, str]) -> list[str]:
    async with AsyncExitStack() as stack:
        found = await Installation.open(stack, environ)
        # The records must be read before the stores. A running service changes its store first and its record
        # afterwards. If the stores were read first, the service could change both before the records are read. Then the
        # record would have more changes than the store, as if the store had lost a change.
        records = found.records.read()
        known = {name: await store.known_stores() for name, store in found.stores.items()}
        states = await found.states()
        expected = {*records, *(peer for remembered in known.values() for peer in remembered)}
        lines = [f"The {name} store is missing: {path}" for name, path in found.missing.items() if name in expected]
        for name, state in states.items():
            # If a store has no record, its state takes the place of the record: it is compared with what the other
            # stores remember about this store.
            reason = find_mismatch(name, state, known[name], states | records)
            lines += [reason] if reason else []
        accounts, transactions = found.stores.get("account"), found.stores.get("transaction")
        if accounts is not None and transactions is not None:
            lines += await orders_and_postings(accounts, transactions)  # type: ignore[arg-type] # by their names
        return lines


async def orders_and_postings(accounts: AccountStore, transactions: TransactionStore) -> list[str]:
    """Return a line for each kind of difference that was found between the transaction store and the account store.

    The kinds are: settled orders that are not posted, posted orders that the transaction service has not recorded, and
    posted orders that it has recorded as failed.
    """
    unposted, unknown, failed = [], [], []
    last = ""
    while page := await transactions.settled_ids(after=last, limit=_PAGE_SIZE):
        posted = await accounts.which_posted(page)
        unposted += [order for order in page if order not in posted]
        last = page[-1]
    last = ""
    while page := await accounts.posted_ids(after=last, limit=_PAGE_SIZE):
        orders = await transactions.by_ids(page)
        unknown += [order for order in page if order not in orders]
        failed += [order for order in page if order in orders and orders[order].status == "FAILED"]
        last = page[-1]
    kinds = (
        ("completed orders are not in the ledger", unposted),
        ("postings of the ledger have no order", unknown),
        ("failed orders are in the ledger", failed),
    )
    return [f"{len(ids)} {text}: {', '.join(ids[:_MAX_SHOWN_IDS])}" for text, ids in kinds if ids]


async def accept_stores(environ: Mapping[str, str]) -> dict[str, StoreState]:
    """Record that the present stores belong together. Return their states. All services must be stopped."""
    async with AsyncExitStack() as stack:
        found = await Installation.open(stack, environ)
        states = await found.states()
        for name, store in found.stores.items():
            await store.remember({peer: state for peer, state in states.items() if peer != name})
        # The states were read before `remember`. They are still right, because remembering other stores does not count
        # as a change.
        found.records.replace(states)
        return states
