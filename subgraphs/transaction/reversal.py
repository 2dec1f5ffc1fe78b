"""Reversals: new transactions that move back the money of COMPLETED transactions (bank §2.19). Pure.

The first transaction stays as it is, except that its status becomes REVERSED when the money is back. A reversal that
fails, because the receiver has spent the money, changes nothing; it may be tried again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from servicekit.errors import Forbidden
from subgraphs.transaction.domain import (
    PERMISSIONS,
    PROVIDER,
    IllegalTransition,
    Operation,
    Order,
    Parties,
    Reversal,
    Transaction,
    TransactionStatus,
    TransactionType,
)

if TYPE_CHECKING:
    from datetime import datetime

    from subgraphs.transaction.domain import Requester


class NotReversible(IllegalTransition):
    """The transaction has moved no money, is reversed already or being reversed, or is itself a reversal."""


def reversal_order(original: Transaction) -> Order:
    """Return the order that moves the whole amount of `original` back."""
    order, parties, conversion = original.order, original.parties, original.conversion
    return Order(
        type=TransactionType.REVERSAL,
        amount=conversion.amount if conversion else order.amount,
        currency=conversion.currency if conversion else order.currency,
        source=parties.destination.account_id if parties.destination else None,
        destination=parties.source.account_id if parties.source else None,
        reversal=Reversal(original.id, order.type),
    )


def open_reversal(transaction_id: str, original: Transaction, requester: Requester, at: datetime) -> Transaction:
    """Return the record of a new reversal.

    Raises:
        Forbidden: the person is not a member of the staff, ordered `original`, or owns one of its accounts.
        NotReversible: `original` is not COMPLETED, or is itself a reversal.
    """
    concerned = {party.user_id for party in (original.parties.source, original.parties.destination) if party}
    allowed = PERMISSIONS[Operation.REVERSE].allows_staff(requester)
    if not allowed or requester.user_id in {*concerned, original.requester.user_id}:
        raise Forbidden("Only staff reverse transactions, and not their own")
    return _opened(transaction_id, original, requester, at)


def open_chargeback(transaction_id: str, original: Transaction, at: datetime) -> Transaction:
    """Return the record of a reversal whose money the payment provider has taken back already.

    Raises:
        NotReversible: `original` is not COMPLETED, or is itself a reversal.
    """
    return _opened(transaction_id, original, PROVIDER, at)


def _opened(transaction_id: str, original: Transaction, requester: Requester, at: datetime) -> Transaction:
    if original.status is not TransactionStatus.COMPLETED or original.order.reversal is not None:
        raise NotReversible(original.id)
    parties = Parties(source=original.parties.destination, destination=original.parties.source)
    order = reversal_order(original)
    # Both amounts are moved back as they are, whatever the rate is now.
    conversion = original.conversion
    if conversion is not None:
        conversion = replace(conversion, amount=original.order.amount, currency=original.order.currency)
    return Transaction(
        transaction_id, order, requester, parties, TransactionStatus.PENDING, None, at, at, conversion=conversion
    )
