"""The events that the outbox gets for a new order or a new status of a transaction (bank §2.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from subgraphs.kit.outbox import Event
from subgraphs.transaction.fraud import events as fraud_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from subgraphs.transaction.domain import Transaction

RECORDED: Final = "transaction.recorded"
STATUS_CHANGED: Final = "transaction.status_changed"


def of_change(before: Transaction | None, after: Transaction) -> Iterator[Event]:
    """Yield the events of a change from `before` to `after`.

    For a new transaction (`before` is None), this is `transaction.recorded`. Otherwise, it is `fraud.decided` for a new
    decision and `transaction.status_changed` for a new status.
    """
    if before is not None and before.decision is None and after.decision is not None:
        yield fraud_events.decided(after, after.decision, _accounts(after))
    if before is None:
        yield Event(RECORDED, after.id, after.created_at, _state(after))
    elif before.status is not after.status:
        yield Event(STATUS_CHANGED, after.id, after.updated_at, _state(after))


def _accounts(transaction: Transaction) -> dict[str, str | None]:
    """Return the ids of both accounts. One of them becomes the Kafka key of the event (`bank.events.topics.key_of`)."""
    source, destination = transaction.parties.source, transaction.parties.destination
    return {
        "sourceAccountId": source.account_id if source else None,
        "destinationAccountId": destination.account_id if destination else None,
    }


def _state(transaction: Transaction) -> dict[str, object]:
    order, source, destination = transaction.order, transaction.parties.source, transaction.parties.destination
    return {
        "transactionId": transaction.id,
        "type": order.type,
        "status": transaction.status,
        "amount": f"{order.amount:f}",
        "currency": order.currency,
        **_accounts(transaction),
        "sourceUserId": source.user_id if source else None,
        "destinationUserId": destination.user_id if destination else None,
        "problemCode": transaction.problem.code if transaction.problem else None,
    }
