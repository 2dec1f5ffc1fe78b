"""The account service as an ASGI application."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bank.service_credential import ServiceCredential
from subgraphs.account.context import AccountContext, AccountServices
from subgraphs.account.internal import internal_router
from subgraphs.account.schema import build_schema
from subgraphs.account.store.protocol import SORT_KEY_WIDTH
from subgraphs.account.store.sqlite import SqliteAccountStore
from subgraphs.kit import app as kit
from subgraphs.kit.connections import CursorCodec
from subgraphs.kit.verification import token_verifier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bank.identity import Caller, TokenVerifier
    from servicekit.asgi import ASGIApp
    from servicekit.errors import ServiceError
    from subgraphs.account.settings import AccountSettings
    from subgraphs.account.store.protocol import AccountStore


@dataclass(frozen=True, slots=True)
class AccountRuntime:
    """The open resources of the service."""

    services: AccountServices
    verifier: TokenVerifier
    credential: ServiceCredential

    @property
    def store(self) -> AccountStore:
        return self.services.store

    def context(self, caller: Caller | ServiceError | None) -> AccountContext:
        return AccountContext(caller, self.services)

    async def ping(self) -> None:
        await self.store.ping()


@asynccontextmanager
async def open_runtime(settings: AccountSettings) -> AsyncIterator[AccountRuntime]:
    """Open the store and what verifies callers, people and services.

    Raises:
        StartupError: a file cannot be opened or made.
    """
    credential = ServiceCredential.load(settings)
    cursors = CursorCodec(credential.derive_key("account cursors"), width=SORT_KEY_WIDTH)
    async with AsyncExitStack() as stack:
        store = await SqliteAccountStore.open_file(settings.database)
        stack.push_async_callback(store.close)
        verifier = await stack.enter_async_context(token_verifier(settings))
        yield AccountRuntime(AccountServices(store, cursors, settings.max_per_user), verifier, credential)


def create_app(settings: AccountSettings) -> ASGIApp:
    return kit.create_app(
        build_schema(),
        lambda: open_runtime(settings),
        title="account",
        routers=lambda runtime: (internal_router(runtime),),
    )
