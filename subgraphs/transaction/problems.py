"""Problems: the reasons why an order is refused. They are data and not exceptions (bank §2.4).

A problem is stored with the transaction that failed because of it, and returned again when the order is repeated. So
each problem has a JSON form (`subgraphs.kit.domain_problems.to_json`). The ledger's responses have the same form:

```
InsufficientFunds(available=Decimal("5.00"), requested=Decimal("9.00"), currency="USD")
{"code": "INSUFFICIENT_FUNDS", "message": "...", "available": "5.00", "requested": "9.00", "currency": "USD"}
```

`PROBLEMS` has one class for each code.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from bank.values import parse_timestamp
from subgraphs.kit.domain_problems import camel_case

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class InsufficientFunds:
    """The debited account has less money than the order needs. The amounts have the currency's decimals."""

    code: ClassVar[str] = "INSUFFICIENT_FUNDS"
    message: ClassVar[str] = "The account does not have enough available funds"
    available: Decimal
    requested: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class CurrencyMismatch:
    """The order's currency is not the currency of the requester's account.

    In older records, `account_currency` may be missing.
    """

    code: ClassVar[str] = "CURRENCY_MISMATCH"
    message: ClassVar[str] = "The order's currency is not the account's currency"
    account_currency: str | None = None


@dataclass(frozen=True, slots=True)
class AccountFrozen:
    """An account of the requester is frozen. In older records, `account_id` may be missing."""

    code: ClassVar[str] = "ACCOUNT_FROZEN"
    message: ClassVar[str] = "The account is frozen"
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReceiverUnavailable:
    """Another person's account cannot receive the money. The problem is the same for every reason."""

    code: ClassVar[str] = "RECEIVER_UNAVAILABLE"
    message: ClassVar[str] = "The receiver cannot receive this payment"


@dataclass(frozen=True, slots=True)
class AmountLimitExceeded:
    """The order would exceed a limit of the requester.

    Attributes:
        kind: the kind of the limit, such as `DAY`.
        remaining: the amount that is left until the limit.
        resets_at: the time at which a new day or month begins; None for limits of other kinds.
    """

    code: ClassVar[str] = "AMOUNT_LIMIT_EXCEEDED"
    message: ClassVar[str] = "The amount exceeds a limit"
    kind: str
    limit: Decimal
    remaining: Decimal
    currency: str
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InvalidAccount:
    """The caller may not use the account, or it does not exist.

    `account_id` is the id or account number in the order.
    """

    code: ClassVar[str] = "INVALID_ACCOUNT"
    message: ClassVar[str] = "Account not found"
    account_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SameAccount:
    """Source and destination of a transfer are the same account."""

    code: ClassVar[str] = "SAME_ACCOUNT"
    message: ClassVar[str] = "Source and destination are the same account"


@dataclass(frozen=True, slots=True)
class PaymentDeclined:
    """The payment provider declines the order."""

    code: ClassVar[str] = "PAYMENT_DECLINED"
    message: ClassVar[str] = "The payment provider declined the order"


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """The fraud rules or a reviewer refused the order. The reason is not shown to the customer."""

    code: ClassVar[str] = "ORDER_REFUSED"
    message: ClassVar[str] = "The bank does not carry out this order"


Problem: TypeAlias = (
    InsufficientFunds
    | CurrencyMismatch
    | AccountFrozen
    | ReceiverUnavailable
    | AmountLimitExceeded
    | InvalidAccount
    | SameAccount
    | PaymentDeclined
    | OrderRefused
)


@dataclass(frozen=True, slots=True)
class IdempotencyKeyReused:
    """The key was used for another order. This is not a `Problem`, because no transaction fails because of it."""

    code: ClassVar[str] = "IDEMPOTENCY_KEY_REUSED"
    message: ClassVar[str] = "The idempotency key was used for another order"


PROBLEMS: Mapping[str, type[Problem]] = {
    kind.code: kind
    for kind in (
        InsufficientFunds,
        CurrencyMismatch,
        AccountFrozen,
        ReceiverUnavailable,
        AmountLimitExceeded,
        InvalidAccount,
        SameAccount,
        PaymentDeclined,
        OrderRefused,
    )
}


def from_json(document: object) -> Problem:
    """Return the problem in a document that `to_json` made. Unknown facts of a newer release are ignored.

    Raises:
        ValueError: the code is unknown, or a fact is missing or has a wrong type.
    """
    if not isinstance(document, dict):
        raise ValueError("a problem is an object")  # noqa: TRY004 - one exception for every malformed document
    kind = PROBLEMS.get(str(document.get("code")))
    if kind is None:
        raise ValueError("unknown problem code")
    try:
        return kind(
            **{
                field.name: _parse(document[camel_case(field.name)], str(field.type))
                for field in fields(kind)
                if camel_case(field.name) in document
            }
        )
    except (TypeError, ArithmeticError) as error:
        raise ValueError(f"malformed facts of {kind.code}") from error


def _parse(value: object, declared: str) -> Any:
    """Convert `value` to the type of the field. `declared` is this type as text, such as `Decimal | None`."""
    if value is None and declared.endswith("None"):
        return None
    if not isinstance(value, str):
        raise TypeError("a fact is text")
    if declared == "Decimal":
        return Decimal(value)
    return parse_timestamp(value) if declared.startswith("datetime") else value
