"""The transaction service as an ASGI application."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bank import values
from bank.mutual_tls import client_tls
from bank.service_credential import ServiceCredential
from servicekit.cautious_clock import CautiousClock
from servicekit.http1.service_client import HttpServiceClient
from subgraphs.kit import app as kit
from subgraphs.kit.background import every, in_background, repeat
from subgraphs.kit.connections import CursorCodec
from subgraphs.kit.events.publishing import publishing
from subgraphs.kit.internal_calls import LIMITS
from subgraphs.kit.request_signatures import nonce_store
from subgraphs.kit.staff_audit.opening import staff_audit
from subgraphs.kit.store_identity import open_joined
from subgraphs.kit.subscriptions.live_feed import LiveFeed
from subgraphs.kit.token_verification import token_verifier
from subgraphs.transaction import notifications
from subgraphs.transaction.context import Cursors, TransactionContext, TransactionServices
from subgraphs.transaction.fraud.resources import open_fraud_checks
from subgraphs.transaction.lease import RENEWAL_SECONDS
from subgraphs.transaction.ledger_client import HttpLedger
from subgraphs.transaction.order_steps import Partners
from subgraphs.transaction.payments.open_payment_provider import open_payment_provider
from subgraphs.transaction.payments.provider_events import ProviderEvents
from subgraphs.transaction.payments.webhook_route import Webhooks, webhook_route
from subgraphs.transaction.rates.resources import open_rates
from subgraphs.transaction.reconciler import Reconciler, interval
from subgraphs.transaction.saga import Orders
from subgraphs.transaction.schema import build_schema
from subgraphs.transaction.staff_operations import OutcomeObserver
from subgraphs.transaction.store.factory import STORES
from subgraphs.transaction.store.protocol import SORT_KEY_WIDTH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from bank.identity import Caller, TokenVerifier
    from servicekit.asgi import ASGIApp
    from servicekit.errors import ServiceError
    from servicekit.http1.service_client import ServiceClient
    from subgraphs.kit.service_routes import ServiceRoute
    from subgraphs.kit.store_factory import Clock
    from subgraphs.transaction.fraud.fraud_checks import FraudChecks
    from subgraphs.transaction.payment_provider import PaymentProvider
    from subgraphs.transaction.settings import TransactionSettings
    from subgraphs.transaction.store.protocol import TransactionStore

# The time limit for orders that still run when the process stops. All requests have ended by then, so no client waits
# for these orders. A reconciler later completes the orders that do not finish in time.
DRAIN_SECONDS: Final = 1.0
# The pause between two deletions of old notifications, which are kept for months.
DELETION_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class ExternalParts:
    """The external parts that the service uses. Tests replace them.

    Attributes:
        account: calls the account service; None means over the network.
        provider: the payment provider; None means the one that the settings choose.
        wait: the function that pauses between two rounds of the reconciler.
    """

    account: ServiceClient | None = None
    provider: PaymentProvider | None = None
    wait: Callable[[], Awaitable[None]] = interval


@dataclass(frozen=True, slots=True)
class TransactionRuntime:
    """The open resources of the service."""

    services: TransactionServices
    verifier: TokenVerifier
    webhooks: Webhooks
    fraud: FraudChecks

    def context(self, caller: Caller | ServiceError | None) -> TransactionContext:
        return TransactionContext(caller, self.services)

    async def ping(self) -> None:
        await self.services.store.ping()

    def details(self) -> Mapping[str, object]:
        return {"fraud": {"defaults": self.fraud.defaults}}


@asynccontextmanager
async def _processing_events(store: TransactionStore, brokers: str | None, clock: Clock) -> AsyncIterator[LiveFeed]:
    """Publish the events of the service, and run its consumers, while the block runs. Yield the live events."""
    deletion = repeat(lambda: notifications.delete_old(store, clock()), every(DELETION_SECONDS))
    async with (
        publishing(store, brokers, "transaction", (notifications.consumer(store),)),
        in_background(deletion),
        aclosing(LiveFeed(store)) as feed,
    ):
        yield feed


@asynccontextmanager
async def open_runtime(settings: TransactionSettings, external: ExternalParts) -> AsyncIterator[TransactionRuntime]:
    """Open the store, connect to the account service, and start to complete the orders that a crash left PENDING.

    Raises:
        StoreMismatch: the store does not belong to the installation (bank §4.8).
        StartupError: a file cannot be opened or created.
    """
    credential = ServiceCredential.load(settings)
    cursors = Cursors(
        CursorCodec(credential.derive_key("transaction cursors"), width=SORT_KEY_WIDTH),
        CursorCodec(credential.derive_key("notification cursors"), width=notifications.SORT_KEY_WIDTH),
    )
    async with AsyncExitStack() as stack:
        clock = CautiousClock(values.now)
        store = await stack.enter_async_context(open_joined(settings.place, STORES, clock=clock))
        feed = await stack.enter_async_context(_processing_events(store, settings.kafka_brokers, clock))
        verifier = await stack.enter_async_context(token_verifier(settings))
        account = external.account or _account_client(settings, stack)
        fraud = await stack.enter_async_context(open_fraud_checks(settings.fraud, store))
        provider = external.provider
        if provider is None:
            provider = await stack.enter_async_context(open_payment_provider(settings.payments))
        rates = await stack.enter_async_context(open_rates(settings.exchange_rates))
        partners = Partners(HttpLedger(account, credential), provider, fraud, rates)
        orders = Orders(store, partners, four_eyes=settings.four_eyes, step_up=settings.step_up)
        stack.push_async_callback(orders.drain, DRAIN_SECONDS)
        await stack.enter_async_context(in_background(repeat(orders.renew_leases, every(RENEWAL_SECONDS))))
        provider_events = ProviderEvents(store, orders, provider)
        nonces = nonce_store(settings, "payment webhooks")
        stack.push_async_callback(nonces.aclose)
        webhooks = Webhooks(settings.webhook_secrets, nonces, provider_events, values.now)
        # The start does not wait for the account service, which may start later than this service.
        reconciler = Reconciler(store, orders, wait=external.wait)
        await stack.enter_async_context(in_background(reconciler.run()))
        await stack.enter_async_context(in_background(repeat(provider_events.resume_open, interval)))
        audit = await stack.enter_async_context(
            staff_audit(settings, credential, "transaction", OutcomeObserver(store, values.now))
        )
        services = TransactionServices(store, orders, cursors, feed, audit)
        yield TransactionRuntime(services, verifier, webhooks, fraud)


def _account_client(settings: TransactionSettings, stack: AsyncExitStack) -> ServiceClient:
    url, variable = settings.account_internal_url, "ACCOUNT_INTERNAL_URL"
    client = HttpServiceClient(url, LIMITS, variable=variable, tls=client_tls(settings, "account", url, variable))
    stack.callback(client.close)
    return client


def create_app(settings: TransactionSettings, external: ExternalParts | None = None) -> ASGIApp:
    parts = external or ExternalParts()

    def routes(runtime: Callable[[], TransactionRuntime]) -> Sequence[ServiceRoute]:
        return [webhook_route(lambda: runtime().webhooks)] if settings.webhook_secrets else []

    return kit.create_app(
        build_schema(), lambda: open_runtime(settings, parts), settings, title="transaction", routes=routes
    )
