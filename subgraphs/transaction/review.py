"""The review of HELD orders by the staff (bank §2.17).

Up to a limit, the approval of one reviewer is enough. Above the limit, two different reviewers must approve the order.
One reviewer can always reject it.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from servicekit.errors import Forbidden
from subgraphs.transaction.amount_threshold import AmountThreshold
from subgraphs.transaction.domain import PERMISSIONS, Approval, IllegalTransition, Operation, TransactionStatus
from subgraphs.transaction.problems import OrderRefused
from subgraphs.transaction.states import Move, moved

if TYPE_CHECKING:
    from datetime import datetime

    from bank.permissions import Actor
    from subgraphs.transaction.domain import Transaction

# The number of approvals that an order above the limit needs (four-eyes principle).
APPROVALS_ABOVE_LIMIT: Final = 2
# How long an order waits for its review, and how long its money is reserved.
REVIEW_TIME: Final = timedelta(days=7)


class NotHeld(IllegalTransition):
    """The transaction does not wait for a review."""


@dataclass(frozen=True, slots=True)
class FourEyes(AmountThreshold):
    """The amount above which two persons must approve an order."""

    def needed(self, transaction: Transaction) -> int:
        """Return how many persons must approve the order."""
        return APPROVALS_ABOVE_LIMIT if self.is_exceeded_by(transaction.order) else 1


DEFAULT_FOUR_EYES: Final = FourEyes(Decimal(10000))


def check_reviewer(transaction: Transaction, reviewer: Actor) -> None:
    """Check that `reviewer` may decide about the order.

    Raises:
        Forbidden: the reviewer is not staff, gave the order, or owns one of its accounts.
    """
    parties = transaction.parties
    concerned = {party.user_id for party in (parties.source, parties.destination) if party}
    if reviewer.user_id in {*concerned, transaction.requester.user_id} or not PERMISSIONS[
        Operation.REVIEW
    ].allows_staff(reviewer):
        raise Forbidden("Only staff review orders, and not their own")


def approved(found: Transaction, reviewer: Actor, rule: FourEyes, at: datetime) -> Transaction:
    """Return the transaction with the approval of `reviewer`. With enough approvals it is PENDING again.

    The approval of a person counts once.

    Raises:
        Forbidden: see `check_reviewer`.
        NotHeld: the transaction is not HELD.
    """
    _check(found, reviewer)
    if reviewer.user_id in {approval.user_id for approval in found.approvals}:
        return found
    reviewed = replace(found, approvals=(*found.approvals, Approval(reviewer.user_id, at)))
    return moved(reviewed, Move.APPROVE, at) if len(reviewed.approvals) >= rule.needed(found) else reviewed


def rejected(found: Transaction, reviewer: Actor, at: datetime) -> Transaction:
    """Return the transaction as PENDING with a refusal. The next steps release its money, and then the order fails.

    Raises:
        Forbidden: see `check_reviewer`.
        NotHeld: the transaction is not HELD.
    """
    _check(found, reviewer)
    return moved(replace(found, refusal=OrderRefused()), Move.REJECT, at)


def expires_at(transaction: Transaction) -> datetime:
    """Return the time at which the review of an order must be finished."""
    return transaction.created_at + REVIEW_TIME


def expired(found: Transaction, at: datetime) -> Transaction:
    """Return the transaction as PENDING with a refusal, because nobody has reviewed the order in time.

    Raises:
        NotHeld: the transaction is not HELD.
    """
    _check_held(found)
    return moved(replace(found, refusal=OrderRefused()), Move.EXPIRE, at)


def _check(found: Transaction, reviewer: Actor) -> None:
    check_reviewer(found, reviewer)
    _check_held(found)


def _check_held(found: Transaction) -> None:
    if found.status is not TransactionStatus.HELD:
        raise NotHeld(found.id)
