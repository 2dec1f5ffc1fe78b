"""The account service as an ASGI application."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from bank import values
from bank.service_credential import ServiceCredential
from servicekit.cautious_clock import CautiousClock
from subgraphs.account import statements
from subgraphs.account.cache.cached_reads import CachedReads
from subgraphs.account.cache.invalidating_writes import InvalidatingWrites
from subgraphs.account.context import AccountContext, AccountServices
from subgraphs.account.day_heads import DayHeads
from subgraphs.account.exports import worker as exports
from subgraphs.account.internal_api import internal_routes
from subgraphs.account.schema import build_schema
from subgraphs.account.staff_operations import OutcomeObserver
from subgraphs.account.store.factory import account_stores
from subgraphs.account.store.protocol import SORT_KEY_WIDTH
from subgraphs.kit import app as kit
from subgraphs.kit.background import every, in_background, repeat
from subgraphs.kit.connections import CursorCodec
from subgraphs.kit.events.publishing import publishing
from subgraphs.kit.outbox import prune
from subgraphs.kit.staff_audit.opening import staff_audit
from subgraphs.kit.store_identity import open_joined
from subgraphs.kit.subscriptions.live_feed import LiveFeed
from subgraphs.kit.token_verification import token_verifier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from bank.identity import Caller, TokenVerifier
    from servicekit.asgi import ASGIApp
    from servicekit.errors import ServiceError
    from subgraphs.account.cache.account_cache import AccountCache
    from subgraphs.account.limits import Limits
    from subgraphs.account.settings import AccountSettings
    from subgraphs.account.store.protocol import AccountReads, AccountStore, AccountWrites
    from subgraphs.kit.store_factory import Clock

# The pause between two deletions of old events and exports. The outbox keeps events for seven days, so it does not
# matter if some are deleted an hour later. An expired export is not shown, even if it is not deleted yet.
PRUNE_SECONDS: Final = 3600.0
# The pause between two releases of expired holds. The money of an expired hold stays reserved until the next release.
# An expired hold is never captured, even if it is not released yet.
EXPIRY_SECONDS: Final = 5.0
# The pause between two checks whether a day has ended. A check may notice the end of a day this much later, and only
# then log the head of the day.
HEAD_SECONDS: Final = 60.0
EXPIRY_BATCH: Final = 100

_log = structlog.stdlib.get_logger("account")


@dataclass(frozen=True, slots=True)
class AccountRuntime:
    """The open resources of the service."""

    store: AccountStore
    services: AccountServices
    verifier: TokenVerifier
    credential: ServiceCredential
    limits: Limits
    cache: AccountCache | None

    @property
    def writes(self) -> AccountWrites:
        return self.services.writes

    def context(self, caller: Caller | ServiceError | None) -> AccountContext:
        return AccountContext(caller, self.services)

    async def ping(self) -> None:
        await self.store.ping()

    def details(self) -> Mapping[str, object]:
        return {} if self.cache is None else {"cache": self.cache.counts()}


@asynccontextmanager
async def open_runtime(settings: AccountSettings) -> AsyncIterator[AccountRuntime]:
    """Open the store and the verifiers of access tokens and service credentials.

    Raises:
        StoreMismatch: the store does not belong to the installation (bank §4.8).
        StartupError: a file cannot be opened or created.
    """
    credential = ServiceCredential.load(settings)
    cursors = CursorCodec(credential.derive_key("account cursors"), width=SORT_KEY_WIDTH)
    of_entries = CursorCodec(credential.derive_key("statement cursors"), width=statements.SORT_KEY_WIDTH)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_joined(settings.place, account_stores(settings.chain_key())))
        clock = CautiousClock(values.now)
        consumers = (exports.consumer(store),)
        await stack.enter_async_context(publishing(store, settings.kafka_brokers, "account", consumers))
        await stack.enter_async_context(in_background(repeat(lambda: _prune(store, clock), every(PRUNE_SECONDS))))
        heads = DayHeads(store, clock)
        await stack.enter_async_context(in_background(repeat(heads.log_finished, every(HEAD_SECONDS))))
        reads: AccountReads = store
        writes: AccountWrites = store
        cache = await stack.enter_async_context(_cache(store, settings, credential))
        if cache is not None:
            reads, writes = CachedReads(store, cache), InvalidatingWrites(store, cache)
        expiry = in_background(repeat(lambda: _expire(store, writes), every(EXPIRY_SECONDS)))
        await stack.enter_async_context(expiry)
        verifier = await stack.enter_async_context(token_verifier(settings))
        feed = await stack.enter_async_context(aclosing(LiveFeed(store)))
        observe = OutcomeObserver(store, values.now)
        audit = await stack.enter_async_context(staff_audit(settings, credential, "account", observe))
        services = AccountServices(reads, writes, store, cursors, of_entries, settings.max_per_user, feed, audit)
        yield AccountRuntime(store, services, verifier, credential, settings.limits, cache)


@asynccontextmanager
async def _cache(
    store: AccountStore, settings: AccountSettings, credential: ServiceCredential
) -> AsyncIterator[AccountCache | None]:
    if settings.redis_url is None:
        yield None
        return
    from subgraphs.account.cache.open_cache import open_cache  # noqa: PLC0415 - redis imports slowly

    async with open_cache(settings.redis_url, store, credential) as cache:
        yield cache


async def _expire(store: AccountStore, writes: AccountWrites) -> None:
    while True:
        due = await store.due_holds(limit=EXPIRY_BATCH)
        ended = [await writes.expire(transaction_id) for transaction_id in due]
        if len(due) < EXPIRY_BATCH or not any(ended):
            return


async def _prune(store: AccountStore, clock: Clock) -> None:
    deleted = await prune(store, clock())
    await exports.delete_expired(store, clock())
    if deleted:
        _log.debug("pruned the outbox", count=deleted)


def create_app(settings: AccountSettings) -> ASGIApp:
    return kit.create_app(
        build_schema(),
        lambda: open_runtime(settings),
        settings,
        title="account",
        routes=internal_routes,
    )
