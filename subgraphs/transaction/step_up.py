"""Orders for which a customer must have proved their identity a short time before, with a second factor (RFC 9470).

There are two such cases:

- The amount of an order is above `TRANSACTION_STEP_UP_ABOVE`. Then nothing is recorded before the step-up.
- The fraud rules say STEP_UP about a recorded order. The order is HELD, and its customer lets it continue by
  `confirmTransaction`. A reviewer can decide instead, as about each HELD order.

A confirmation must be worth more than the login of the order, or else the fraud rules would stop no thief. So the proof
must be newer than the decision, and the second factor older than the order: a thief who has added their own factor
cannot confirm.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bank.identity import STRONG_ACR_VALUES
from servicekit.errors import Forbidden
from subgraphs.kit.step_up import RequiredLogin
from subgraphs.transaction.domain import (
    PERMISSIONS,
    Approval,
    IllegalTransition,
    Operation,
    TransactionStatus,
    TransactionType,
)
from subgraphs.transaction.fraud.decision import Action
from subgraphs.transaction.states import Move, moved

if TYPE_CHECKING:
    from datetime import datetime

    from bank.identity import Caller
    from subgraphs.transaction.amount_threshold import AmountThreshold
    from subgraphs.transaction.domain import Order, Transaction

# The orders that move money away from the customer.
_TYPES: Final = frozenset({TransactionType.TRANSFER, TransactionType.WITHDRAWAL, TransactionType.PAYMENT})
DEFAULT_MAX_AGE: Final = 300


@dataclass(frozen=True, slots=True)
class StepUpRule:
    """When a customer must prove their identity again.

    Attributes:
        above: the amounts above which an order needs it; None if no amount does.
        max_age: the largest number of seconds since the proof.
    """

    above: AmountThreshold | None = None
    max_age: int = DEFAULT_MAX_AGE

    @property
    def login(self) -> RequiredLogin:
        """The login that is needed: with a second factor, and recent."""
        return RequiredLogin(STRONG_ACR_VALUES, self.max_age)

    def required(self, order: Order) -> RequiredLogin | None:
        """Return the login that `order` needs; None if any login suffices."""
        if self.above is None or order.type not in _TYPES or not self.above.is_exceeded_by(order):
            return None
        return self.login


class NotConfirmable(IllegalTransition):
    """The transaction does not wait for its customer, or not for a customer with such a new second factor."""


class StepUpNeeded(Exception):
    """The customer must prove their identity again, after the decision about the order."""


def awaits_confirmation(found: Transaction) -> bool:
    """Whether the customer can let the order continue."""
    return (
        found.status is TransactionStatus.HELD
        and found.refusal is None
        and found.decision is not None
        and found.decision.action is Action.STEP_UP
    )


def confirmed(found: Transaction, caller: Caller, rule: StepUpRule, at: datetime) -> Transaction:
    """Return the transaction as PENDING, because its customer has proved their identity again.

    The confirmation is recorded as an approval of the customer.

    Raises:
        Forbidden: the caller did not give the order.
        NotConfirmable: see the class.
        StepUpNeeded: the caller's login does not suffice.
    """
    is_own = PERMISSIONS[Operation.CONFIRM].allows(caller, found.principal_user_id)
    if not is_own or found.requester.user_id != caller.user_id:
        raise Forbidden("Only the customer who gave the order confirms it")
    if not awaits_confirmation(found) or found.decision is None:
        raise NotConfirmable(found.id)
    # The times in tokens are whole seconds.
    decided = int(found.decision.decided_at.timestamp())
    if not rule.login.is_met(caller, at) or caller.auth_time is None or caller.auth_time < decided:
        raise StepUpNeeded
    if caller.factor_enrolled_at is None or caller.factor_enrolled_at >= int(found.created_at.timestamp()):
        raise NotConfirmable(found.id)
    return moved(replace(found, approvals=(*found.approvals, Approval(caller.user_id, at))), Move.CONFIRM, at)
