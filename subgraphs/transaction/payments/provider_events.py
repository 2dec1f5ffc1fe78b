"""Records the events of the payment provider, and does what follows from them.

```
webhook -> record the event -> resume the order -> chargeback? ask the provider -> reverse -> end the event
           '-- once by id --'  '-- each step may be repeated; the reconciler goes on with events that have no end --'
```

An event is a hint, not a proof: the order is resumed, and its steps ask the provider. A chargeback of a COMPLETED
transaction is a new transaction that moves the money back; the first one stays as it is, except for its status.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import structlog

from bank import values
from servicekit.errors import Unavailable
from subgraphs.transaction.domain import TransactionStatus
from subgraphs.transaction.payment_provider import PaymentState, ProviderUnavailable
from subgraphs.transaction.payments.provider_event import CHARGED_BACK, EVENT_LIFETIME
from subgraphs.transaction.reversal import NotReversible
from subgraphs.transaction.saga import PlacedOrder

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.payment_provider import PaymentProvider
    from subgraphs.transaction.payments.provider_event import ProviderEvent
    from subgraphs.transaction.saga import Orders
    from subgraphs.transaction.store.protocol import TransactionStore

# How many events without an end a round of the reconciler reads.
BATCH_SIZE: Final = 200

_log = structlog.stdlib.get_logger("payments")


class Receipt(StrEnum):
    """What the service did with an event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    UNKNOWN_ORDER = "unknown order"


class ProviderEvents:
    """The events of the payment provider. Call `resume_open` as often as a round of the reconciler."""

    def __init__(
        self,
        store: TransactionStore,
        orders: Orders,
        provider: PaymentProvider,
        clock: Callable[[], datetime] = values.now,
    ) -> None:
        self._store = store
        self._orders = orders
        self._provider = provider
        self._clock = clock

    async def receive(self, event: ProviderEvent) -> Receipt:
        """Record an event, and do what follows from it. An event that is recorded already changes nothing.

        If a step fails after the event was recorded, the event is accepted, and the reconciler repeats the steps.

        Raises:
            Unavailable: the event is not recorded; the provider must send it again.
        """
        if event.order_id not in await self._store.by_ids([event.order_id]):
            return Receipt.UNKNOWN_ORDER
        if not await self._store.record_provider_event(event):
            return Receipt.DUPLICATE
        await self._follow(event)
        return Receipt.ACCEPTED

    async def resume_open(self) -> None:
        """Repeat the steps of the events that have no end, oldest first, and forget old events."""
        for event in await self._store.open_provider_events(limit=BATCH_SIZE):
            await self._follow(event)
        await self._store.delete_provider_events(self._clock() - EVENT_LIFETIME)

    async def _follow(self, event: ProviderEvent) -> None:
        try:
            is_over = await self._carry_out(event)
        except (ProviderUnavailable, Unavailable) as error:
            _log.warning("event stays open", provider_event=event.id, order=event.order_id, reason=str(error))
            return
        if is_over:
            await self._store.end_provider_event(event.id)

    async def _carry_out(self, event: ProviderEvent) -> bool:
        """Do what follows from an event. Return whether nothing is left to do."""
        await self._orders.resume(event.order_id)
        if event.type != CHARGED_BACK:
            return True
        found = (await self._store.by_ids([event.order_id]))[event.order_id]
        if found.is_open:
            return False
        if found.status is not TransactionStatus.COMPLETED:
            if found.status is TransactionStatus.FAILED:
                _log.error("chargeback of a failed order", provider_event=event.id, order=found.id)
            return True
        state = await self._provider.state(found.id)
        if state is not PaymentState.CHARGED_BACK:
            _log.warning("the provider knows of no chargeback", provider_event=event.id, order=found.id, state=state)
            return False
        await self._charge_back(found)
        return True

    async def _charge_back(self, original: Transaction) -> None:
        try:
            placed = await self._orders.charge_back(original)
        except NotReversible:
            _log.info("already reversed", order=original.id)
            return
        if not isinstance(placed, PlacedOrder):
            raise Unavailable(f"another order has the key of the chargeback of {original.id}")
        reversal = placed.transaction
        if reversal.status is TransactionStatus.FAILED:
            # The customer has spent the money, and no balance is ever negative. Staff must decide.
            code = reversal.problem.code if reversal.problem else None
            _log.error("chargeback not covered", order=original.id, reversal=reversal.id, problem=code)
        else:
            _log.info("charged back", order=original.id, reversal=reversal.id, status=reversal.status)
