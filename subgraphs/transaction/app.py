"""The transaction service as an ASGI application."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx

from bank.service_credential import ServiceCredential
from servicekit.sqlite import Database
from subgraphs.kit import app as kit
from subgraphs.kit.connections import CursorCodec
from subgraphs.kit.verification import token_verifier
from subgraphs.transaction.context import TransactionContext
from subgraphs.transaction.ledger_client import HttpLedger
from subgraphs.transaction.payment_provider import PaymentProvider, SandboxProvider
from subgraphs.transaction.reconciler import Reconciler, interval
from subgraphs.transaction.saga import Orders
from subgraphs.transaction.schema import build_schema
from subgraphs.transaction.store.migrations import MIGRATIONS
from subgraphs.transaction.store.protocol import SORT_KEY_WIDTH
from subgraphs.transaction.store.sqlite import SqliteTransactionStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from bank.identity import Caller, TokenVerifier
    from servicekit.asgi import ASGIApp
    from servicekit.errors import ServiceError
    from subgraphs.transaction.settings import TransactionSettings
    from subgraphs.transaction.store.protocol import TransactionStore

# The server has let requests in flight finish before; what runs now has lost its client, and the next start's
# reconciler takes over what does not finish at once.
DRAIN_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies outside of the service.

    Attributes:
        account_transport: how the account service is reached; None is the network.
        provider: where deposits come from, where withdrawals and payments go.
        wait: the pause between two rounds of the reconciler.
    """

    account_transport: httpx.AsyncBaseTransport | None = None
    provider: PaymentProvider = field(default_factory=SandboxProvider)
    wait: Callable[[], Awaitable[None]] = interval


@dataclass(frozen=True, slots=True)
class TransactionRuntime:
    """The open resources of the service."""

    store: TransactionStore
    orders: Orders
    cursors: CursorCodec
    verifier: TokenVerifier

    def context(self, caller: Caller | ServiceError | None) -> TransactionContext:
        return TransactionContext(caller, store=self.store, orders=self.orders, cursors=self.cursors)

    async def ping(self) -> None:
        await self.store.ping()


@asynccontextmanager
async def open_runtime(settings: TransactionSettings, surroundings: Surroundings) -> AsyncIterator[TransactionRuntime]:
    """Open the store, reach out to the other services, begin to finish what a crash left behind.

    Raises:
        StartupError: a file cannot be opened or made.
    """
    credential = ServiceCredential.load(settings)
    cursors = CursorCodec(credential.derive_key("transaction cursors"), width=SORT_KEY_WIDTH)
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database, MIGRATIONS)
        stack.push_async_callback(database.close)
        verifier = await stack.enter_async_context(token_verifier(settings))
        ledger_client = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=settings.account_internal_url, transport=surroundings.account_transport, trust_env=False
            )
        )
        store = SqliteTransactionStore(database)
        orders = Orders(store, HttpLedger(ledger_client, credential), surroundings.provider)
        stack.push_async_callback(orders.drain, DRAIN_SECONDS)
        reconciler = Reconciler(store, orders, wait=surroundings.wait)
        await stack.enter_async_context(_in_background(reconciler))
        yield TransactionRuntime(store, orders, cursors, verifier)


@asynccontextmanager
async def _in_background(reconciler: Reconciler) -> AsyncIterator[None]:
    """Not awaited at start: the account service may come up later than this one."""
    task = asyncio.create_task(reconciler.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def create_app(settings: TransactionSettings, surroundings: Surroundings | None = None) -> ASGIApp:
    outside = surroundings or Surroundings()
    return kit.create_app(build_schema(), lambda: open_runtime(settings, outside), title="transaction")
