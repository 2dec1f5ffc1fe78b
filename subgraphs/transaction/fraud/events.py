"""The event of a fraud decision, which is published to the topic `fraud.v1`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subgraphs.kit.outbox import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.fraud.decision import Decision


def decided(transaction: Transaction, decision: Decision, accounts: Mapping[str, str | None]) -> Event:
    """Return the event `fraud.decided`.

    Its data is the JSON form of the decision, the id and the type of the transaction, and the ids of its accounts.
    """
    data = {
        "transactionId": transaction.id,
        "type": transaction.order.type.value,
        **decision.to_document(),
        **accounts,
    }
    return Event("fraud.decided", transaction.id, decision.decided_at, data)
