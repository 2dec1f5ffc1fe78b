"""The problems of the account service: the reasons why a change or posting is refused (bank §2.4).

A problem is a result, not an error: it is returned and stored, never raised. It contains only facts that the acting
person may know. A fact about another customer is never put into a problem: its field is None. So no later code can
reveal the fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

CLOSED_REASON = "Account has been closed"
NOT_THE_OWNER_REASON = "Only the owner moves money of an account"


class LimitKind(StrEnum):
    """The limits of amounts (bank §2.12)."""

    ORDER = "ORDER"
    DAY = "DAY"
    MONTH = "MONTH"
    BALANCE = "BALANCE"


@dataclass(frozen=True, slots=True)
class Problem:
    """Base of the problems; subclasses add their facts as fields."""

    code: ClassVar[str]
    message: ClassVar[str]


@dataclass(frozen=True, slots=True)
class InvalidAccount(Problem):
    """The account does not exist, is not the actor's, or is closed.

    Attributes:
        account_id: the id as the caller gave it.
        reason: None if the actor may not see the account, so that the actor cannot tell a closed account from a missing
            one.
    """

    code = "INVALID_ACCOUNT"
    message = "Account not found"

    account_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LimitReached(Problem):
    code = "LIMIT_REACHED"
    message = "No more accounts can be opened"

    limit: int


@dataclass(frozen=True, slots=True)
class VersionConflict(Problem):
    code = "CONFLICT"
    message = "The account has changed since it was read"

    expected_version: int
    current_version: int


@dataclass(frozen=True, slots=True)
class StateConflict(Problem):
    code = "CONFLICT"
    message = "The type of a frozen account cannot be changed"


@dataclass(frozen=True, slots=True)
class AccountNotEmpty(Problem):
    code = "ACCOUNT_NOT_EMPTY"
    message = "The account still holds money"

    balance: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class SameAccount(Problem):
    code = "SAME_ACCOUNT"
    message = "Source and destination are the same account"


@dataclass(frozen=True, slots=True)
class AccountFrozen(Problem):
    """An account of the actor is frozen."""

    code = "ACCOUNT_FROZEN"
    message = "The account is frozen"

    account_id: str


@dataclass(frozen=True, slots=True)
class CurrencyMismatch(Problem):
    """An account of the actor has another currency."""

    code = "CURRENCY_MISMATCH"
    message = "The account is held in another currency"

    account_currency: str


@dataclass(frozen=True, slots=True)
class ReceiverUnavailable(Problem):
    """Another person's account cannot receive the money; the problem is the same for every reason."""

    code = "RECEIVER_UNAVAILABLE"
    message = "The receiver cannot receive this payment"


@dataclass(frozen=True, slots=True)
class InsufficientFunds(Problem):
    code = "INSUFFICIENT_FUNDS"
    message = "The available balance is too low"

    available: Decimal
    requested: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class HoldEnded(Problem):
    """The order's hold was released before the order was posted."""

    code = "HOLD_RELEASED"
    message = "The reserved money was released"


@dataclass(frozen=True, slots=True)
class HoldExpired(Problem):
    """The order's hold expired before the order was posted."""

    code = "HOLD_EXPIRED"
    message = "The reservation of the money has expired"


@dataclass(frozen=True, slots=True)
class AmountLimitExceeded(Problem):
    """The posting would exceed a limit of the actor.

    Attributes:
        kind: the kind of the limit, such as `DAY`.
        limit: the amount of the limit.
        remaining: the amount that is left until the limit.
        resets_at: the time at which a new day or month begins; None for limits of other kinds.
    """

    code = "AMOUNT_LIMIT_EXCEEDED"
    message = "The amount exceeds a limit"

    kind: LimitKind
    limit: Decimal
    remaining: Decimal
    currency: str
    resets_at: datetime | None = None
