"""Why an order is refused: data, not errors.

A problem is stored with the transaction it ended and told again on every replay, so each has a JSON form::

    to_json(InsufficientFunds(available=Decimal("5.00"), requested=Decimal("9.00"), currency="USD"))
    -> {"code": "INSUFFICIENT_FUNDS", "message": "...", "available": "5.00", "requested": "9.00", "currency": "USD"}

The ledger answers in the same form. Codes are registered once, in :data:`PROBLEMS`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class InsufficientFunds:
    """The debited account has less than the order asks for; amounts carry the currency's decimals."""

    code: ClassVar[str] = "INSUFFICIENT_FUNDS"
    message: ClassVar[str] = "The account does not have enough available funds"
    available: Decimal
    requested: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class CurrencyMismatch:
    """The order's currency is not the account's; ``account_currency`` is None for another person's account."""

    code: ClassVar[str] = "CURRENCY_MISMATCH"
    message: ClassVar[str] = "The order's currency is not the account's currency"
    account_currency: str | None = None


@dataclass(frozen=True, slots=True)
class AccountFrozen:
    """One of the accounts is frozen; ``account_id`` is None where the caller did not know the id."""

    code: ClassVar[str] = "ACCOUNT_FROZEN"
    message: ClassVar[str] = "The account is frozen"
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class InvalidAccount:
    """No account of that name that the caller may use; ``account_id`` is the id or number the order named."""

    code: ClassVar[str] = "INVALID_ACCOUNT"
    message: ClassVar[str] = "Account not found"
    account_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SameAccount:
    """Source and destination of a transfer are one account."""

    code: ClassVar[str] = "SAME_ACCOUNT"
    message: ClassVar[str] = "Source and destination are the same account"


@dataclass(frozen=True, slots=True)
class PaymentDeclined:
    """The payment provider does not carry the order out."""

    code: ClassVar[str] = "PAYMENT_DECLINED"
    message: ClassVar[str] = "The payment provider declined the order"


Problem: TypeAlias = (
    InsufficientFunds | CurrencyMismatch | AccountFrozen | InvalidAccount | SameAccount | PaymentDeclined
)


@dataclass(frozen=True, slots=True)
class IdempotencyKeyReused:
    """The key already stands for another order. It ends no transaction, hence it is no :data:`Problem`."""

    code: ClassVar[str] = "IDEMPOTENCY_KEY_REUSED"
    message: ClassVar[str] = "The idempotency key was used for another order"


PROBLEMS: Mapping[str, type[Problem]] = {
    kind.code: kind
    for kind in (InsufficientFunds, CurrencyMismatch, AccountFrozen, InvalidAccount, SameAccount, PaymentDeclined)
}


def to_json(problem: Problem) -> dict[str, str | None]:
    """Code, message and the problem's own facts in camelCase, amounts as plain decimal strings."""
    document: dict[str, str | None] = {"code": problem.code, "message": problem.message}
    for field in fields(problem):
        value = getattr(problem, field.name)
        document[_camel(field.name)] = f"{value:f}" if isinstance(value, Decimal) else value
    return document


def from_json(document: object) -> Problem:
    """The problem that :func:`to_json` wrote; facts that a newer writer added are passed over.

    Raises:
        ValueError: an unknown code, a missing fact, or a fact of another type.
    """
    if not isinstance(document, dict):
        raise ValueError("a problem is an object")  # noqa: TRY004 - one exception for all that is wrong with it
    kind = PROBLEMS.get(str(document.get("code")))
    if kind is None:
        raise ValueError("unknown problem code")
    try:
        return kind(
            **{
                field.name: _parse(document[_camel(field.name)], str(field.type))
                for field in fields(kind)
                if _camel(field.name) in document
            }
        )
    except (TypeError, ArithmeticError) as error:
        raise ValueError(f"malformed facts of {kind.code}") from error


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _parse(value: object, declared: str) -> Any:
    """``value`` as the field's declared type, which the postponed annotations give as text."""
    if value is None and declared.endswith("None"):
        return None
    if not isinstance(value, str):
        raise TypeError("a fact is text")
    return Decimal(value) if declared == "Decimal" else value
