"""The facts about an order that the rules use.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from bank.values import to_minor_units
from subgraphs.kit.times import to_milliseconds
from subgraphs.transaction.domain import SETTLED, TransactionStatus, TransactionType

if TYPE_CHECKING:
    from subgraphs.transaction.domain import Transaction


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """The facts about one order that the rules compare.

    Attributes:
        units: the amount in minor units of `currency`.
        at: when the order was recorded, in milliseconds since 1970.
        user_id: the owner of the order.
        account_id: the owner's account: the debited account, or the account that a deposit credits.
        receiver_id: the account that a transfer credits.
        receiver_user_id: the owner of `receiver_id`.
        counterparty: who gets the money: an account or a payee outside of the bank; None for deposits and withdrawals.
        settled_at: the time at which the money moved; None if it has not moved.
    """

    transaction_id: str
    type: TransactionType
    units: int
    currency: str
    at: int
    user_id: str
    account_id: str | None = None
    receiver_id: str | None = None
    receiver_user_id: str | None = None
    counterparty: str | None = None
    settled_at: int | None = None

    @property
    def is_between_own_accounts(self) -> bool:
        return self.receiver_user_id == self.user_id

    @classmethod
    def of(cls, transaction: Transaction) -> Self:
        """Return the facts of a recorded order, in any status."""
        order, parties = transaction.order, transaction.parties
        is_deposit = order.type is TransactionType.DEPOSIT
        own, receiver = (parties.destination, None) if is_deposit else (parties.source, parties.destination)
        return cls(
            transaction_id=transaction.id,
            type=order.type,
            units=to_minor_units(order.amount, order.currency),
            currency=order.currency,
            at=to_milliseconds(transaction.created_at),
            user_id=transaction.principal_user_id,
            account_id=own.account_id if own else None,
            receiver_id=receiver.account_id if receiver else None,
            receiver_user_id=receiver.user_id if receiver else None,
            counterparty=None if is_deposit else counterparty(receiver.account_id if receiver else None, order.payee),
            settled_at=_settled_at(transaction),
        )


def counterparty(account_id: str | None, payee: str | None) -> str | None:
    """Return a string that identifies the counterparty. For names of payees, case and extra spaces are ignored."""
    if account_id is not None:
        return f"account {account_id}"
    if payee is not None:
        return f"payee {' '.join(unicodedata.normalize('NFKC', payee).casefold().split())}"
    return None


def _settled_at(transaction: Transaction) -> int | None:
    if transaction.status not in SETTLED:
        return None
    # For a REVERSED transaction, `updated_at` is the time of the reversal. The money moved earlier, normally soon after
    # the order. So the time of the order is used.
    moved = transaction.updated_at if transaction.status is TransactionStatus.COMPLETED else transaction.created_at
    return to_milliseconds(moved)
