"""The events that the outbox gets for a new order or a new status of a transaction (bank §2.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subgraphs.kit.outbox import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from subgraphs.transaction.domain import Transaction


def of_change(before: Transaction | None, after: Transaction) -> Iterator[Event]:
    """Yield `transaction.recorded` if `before` is None, and `transaction.status_changed` if the status has changed."""
    if before is None:
        yield Event("transaction.recorded", after.id, after.created_at, _state(after))
    elif before.status is not after.status:
        yield Event("transaction.status_changed", after.id, after.updated_at, _state(after))


def _state(transaction: Transaction) -> dict[str, object]:
    order, source, destination = transaction.order, transaction.parties.source, transaction.parties.destination
    return {
        "transactionId": transaction.id,
        "type": order.type,
        "status": transaction.status,
        "amount": f"{order.amount:f}",
        "currency": order.currency,
        "sourceAccountId": source.account_id if source else None,
        "sourceUserId": source.user_id if source else None,
        "destinationAccountId": destination.account_id if destination else None,
        "destinationUserId": destination.user_id if destination else None,
        "problemCode": transaction.problem.code if transaction.problem else None,
    }
