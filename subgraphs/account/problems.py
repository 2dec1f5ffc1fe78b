"""Why the account service refuses: the domain's refusals, one class a code.

A refusal is an answer, not an error: it is computed, remembered and returned, never raised. Its facts are what the
person who acts may know; whatever belongs to another customer is None already here, so that no edge can leak it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import ClassVar

from bank.values import format_amount

CLOSED_REASON = "Account has been closed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal; subclasses add their facts as fields."""

    code: ClassVar[str]
    message: ClassVar[str]


@dataclass(frozen=True, slots=True)
class InvalidAccount(Refusal):
    """The account does not exist, is not the actor's, or is closed.

    Attributes:
        account_id: as the caller named it.
        reason: only for those who may see the account; None makes it indistinguishable from a missing one.
    """

    code = "INVALID_ACCOUNT"
    message = "Account not found"

    account_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LimitReached(Refusal):
    code = "LIMIT_REACHED"
    message = "No more accounts can be opened"

    limit: int


@dataclass(frozen=True, slots=True)
class VersionConflict(Refusal):
    code = "CONFLICT"
    message = "The account has changed since it was read"

    expected_version: int
    current_version: int


@dataclass(frozen=True, slots=True)
class StateConflict(Refusal):
    code = "CONFLICT"
    message = "A frozen account can be changed by the bank only"


@dataclass(frozen=True, slots=True)
class AccountNotEmpty(Refusal):
    code = "ACCOUNT_NOT_EMPTY"
    message = "The account still holds money"

    balance: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class SameAccount(Refusal):
    code = "SAME_ACCOUNT"
    message = "Source and destination are the same account"


@dataclass(frozen=True, slots=True)
class AccountFrozen(Refusal):
    """``account_id`` is None when the frozen account is another customer's."""

    code = "ACCOUNT_FROZEN"
    message = "The account is frozen"

    account_id: str | None


@dataclass(frozen=True, slots=True)
class CurrencyMismatch(Refusal):
    """``account_currency`` is None when the account is another customer's."""

    code = "CURRENCY_MISMATCH"
    message = "The account is held in another currency"

    account_currency: str | None


@dataclass(frozen=True, slots=True)
class InsufficientFunds(Refusal):
    code = "INSUFFICIENT_FUNDS"
    message = "The available balance is too low"

    available: Decimal
    requested: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class PaymentDeclined(Refusal):
    """The ledger has no room for the amount (see ``postings.MAX_UNITS``)."""

    code = "PAYMENT_DECLINED"
    message = "The payment was declined"


def to_json(refusal: Refusal) -> dict[str, object]:
    """``code``, ``message`` and the facts in camelCase; money as a string with its currency's decimals."""
    document: dict[str, object] = {"code": refusal.code, "message": refusal.message}
    for field in fields(refusal):
        value = getattr(refusal, field.name)
        if isinstance(value, Decimal):
            # Every refusal with money names its currency.
            value = format_amount(value, getattr(refusal, "currency"))  # noqa: B009 - the base class has no such field
        head, *rest = field.name.split("_")
        document[head + "".join(part.capitalize() for part in rest)] = value
    return document
