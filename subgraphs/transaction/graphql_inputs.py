"""The inputs of mutations, and their conversion to orders. An error names every wrong field of an input."""

from __future__ import annotations

import re
from decimal import Decimal  # noqa: TC003 - strawberry reads annotations at run time
from typing import TYPE_CHECKING, Final, TypeAlias

import strawberry
from strawberry import UNSET

from bank.values import InvalidValue, check_precision, is_account_number_shaped, is_line, is_object_id, to_minor_units
from servicekit.errors import BadUserInput
from subgraphs.kit.scalars import Currency, Metadata  # noqa: TC001 - strawberry reads annotations at run time
from subgraphs.transaction.domain import MAX_MINOR_UNITS, Order, TransactionType
from subgraphs.transaction.idempotency import is_key

if TYPE_CHECKING:
    from collections.abc import Iterator

# The longest name of a payee in ISO 20022 messages.
MAX_PAYEE: Final = 140

_KEY: Final = "1 to 255 visible ASCII characters. Within 48 hours the same key never moves money twice."
_SOURCE: Final = "The id of the caller's account to debit, 24 hexadecimal digits."
_METADATA: Final = "Stored with the transaction and returned unchanged."
_AMOUNT: Final = "The amount, with exactly the decimals of the currency; at most 15 digits before the point."
_CURRENCY: Final = "The currency of the caller's account."
_INSTRUMENT: Final = (
    "The payment instrument as the payment provider names it: lower-case letters, `_`, and up to 60 letters, digits"
    " or `_`. Without it, the provider uses the default of the customer."
)
# An instrument is the provider's name for a card or a bank account. The form admits no card number, because those must
# not be stored.
_INSTRUMENT_FORM: Final = re.compile(r"[a-z]{1,8}_[A-Za-z0-9_]{1,60}")


@strawberry.input(description="A transfer from one account to another; give the receiver's account by id or by number.")
class TransferInput:
    source_account_id: strawberry.ID = strawberry.field(description=_SOURCE)
    destination_account_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="The id of the receiving account, 24 hexadecimal digits; either this or its number."
    )
    destination_account_number: str | None = strawberry.field(
        default=UNSET, description="The number of the receiving account, 10 digits; either this or its id."
    )
    amount: Decimal = strawberry.field(description=_AMOUNT)
    currency: Currency = strawberry.field(description=_CURRENCY)
    metadata: Metadata | None = strawberry.field(default=UNSET, description=_METADATA)
    idempotency_key: str = strawberry.field(description=_KEY)


@strawberry.input(description="A deposit from outside of the bank into an account.")
class DepositInput:
    destination_account_id: strawberry.ID = strawberry.field(
        description="The id of the caller's account to credit, 24 hexadecimal digits."
    )
    amount: Decimal = strawberry.field(description=_AMOUNT)
    currency: Currency = strawberry.field(description=_CURRENCY)
    metadata: Metadata | None = strawberry.field(default=UNSET, description=_METADATA)
    payment_instrument: str | None = strawberry.field(default=UNSET, description=_INSTRUMENT)
    idempotency_key: str = strawberry.field(description=_KEY)


@strawberry.input(description="A withdrawal from an account out of the bank.")
class WithdrawInput:
    source_account_id: strawberry.ID = strawberry.field(description=_SOURCE)
    amount: Decimal = strawberry.field(description=_AMOUNT)
    currency: Currency = strawberry.field(description=_CURRENCY)
    metadata: Metadata | None = strawberry.field(default=UNSET, description=_METADATA)
    payment_instrument: str | None = strawberry.field(default=UNSET, description=_INSTRUMENT)
    idempotency_key: str = strawberry.field(description=_KEY)


@strawberry.input(description="A payment to a payee outside of the bank.")
class PayInput:
    source_account_id: strawberry.ID = strawberry.field(description=_SOURCE)
    payee: str = strawberry.field(description="The receiver of the money, 1 to 140 printable characters.")
    amount: Decimal = strawberry.field(description=_AMOUNT)
    currency: Currency = strawberry.field(description=_CURRENCY)
    metadata: Metadata | None = strawberry.field(default=UNSET, description=_METADATA)
    payment_instrument: str | None = strawberry.field(default=UNSET, description=_INSTRUMENT)
    idempotency_key: str = strawberry.field(description=_KEY)


AnyInput: TypeAlias = TransferInput | DepositInput | WithdrawInput | PayInput
FieldError: TypeAlias = dict[str, object]


def transfer_order(given: TransferInput) -> Order:
    """Return the order of a transfer.

    If a field is wrong, raise BadUserInput, which names every wrong field. The functions for the other types of order
    raise it too.
    """
    by_id, by_number = given.destination_account_id or None, given.destination_account_number or None
    _refuse(
        *_id_errors("sourceAccountId", given.source_account_id),
        *_destination_errors(by_id, by_number),
        *_common_errors(given),
    )
    return _order(TransactionType.TRANSFER, given, source=given.source_account_id, destination=by_id or by_number)


def deposit_order(given: DepositInput) -> Order:
    _refuse(*_id_errors("destinationAccountId", given.destination_account_id), *_common_errors(given))
    return _order(TransactionType.DEPOSIT, given, destination=given.destination_account_id)


def withdrawal_order(given: WithdrawInput) -> Order:
    _refuse(*_id_errors("sourceAccountId", given.source_account_id), *_common_errors(given))
    return _order(TransactionType.WITHDRAWAL, given, source=given.source_account_id)


def payment_order(given: PayInput) -> Order:
    payee = given.payee.strip()
    _refuse(
        *_id_errors("sourceAccountId", given.source_account_id),
        *_payee_errors(payee),
        *_common_errors(given),
    )
    return _order(TransactionType.PAYMENT, given, source=given.source_account_id, payee=payee)


def _order(
    kind: TransactionType,
    given: AnyInput,
    *,
    source: str | None = None,
    destination: str | None = None,
    payee: str | None = None,
) -> Order:
    return Order(
        type=kind,
        amount=given.amount,
        currency=given.currency,
        source=source,
        destination=destination,
        payee=payee,
        instrument=_instrument(given),
        metadata=given.metadata or {},
    )


def _instrument(given: AnyInput) -> str | None:
    return None if isinstance(given, TransferInput) else given.payment_instrument or None


def _refuse(*errors: FieldError) -> None:
    if errors:
        raise BadUserInput(details={"fields": list(errors)})


def _error(name: str, code: str, message: str) -> FieldError:
    return {"path": ["input", name], "code": code, "message": message}


def _id_errors(name: str, text: str) -> Iterator[FieldError]:
    if not is_object_id(text):
        yield _error(name, "INVALID_FORMAT", "must be an account id of 24 hex digits")


def _destination_errors(by_id: str | None, by_number: str | None) -> Iterator[FieldError]:
    if (by_id is None) == (by_number is None):
        yield _error(
            "destinationAccountId",
            "EXACTLY_ONE",
            "give destinationAccountId or destinationAccountNumber, and not both",
        )
    elif by_id is not None:
        yield from _id_errors("destinationAccountId", by_id)
    elif by_number is not None and not is_account_number_shaped(by_number):
        yield _error("destinationAccountNumber", "INVALID_FORMAT", "must be an account number of 10 digits")


def _payee_errors(payee: str) -> Iterator[FieldError]:
    if not payee:
        yield _error("payee", "REQUIRED", "must not be empty")
    elif len(payee) > MAX_PAYEE:
        yield _error("payee", "TOO_LONG", f"at most {MAX_PAYEE} characters")
    elif not is_line(payee):
        yield _error("payee", "INVALID_FORMAT", "must be printable text")


def _common_errors(given: AnyInput) -> Iterator[FieldError]:
    try:
        if to_minor_units(check_precision(given.amount, given.currency), given.currency) > MAX_MINOR_UNITS:
            yield _error("amount", "TOO_LARGE", "larger than the bank can store")
    except InvalidValue as error:
        yield _error("amount", "INVALID_AMOUNT", str(error))
    instrument = _instrument(given)
    if instrument is not None and not _INSTRUMENT_FORM.fullmatch(instrument):
        yield _error("paymentInstrument", "INVALID_FORMAT", "must be a name such as pi_approve")
    if not is_key(given.idempotency_key):
        yield _error("idempotencyKey", "INVALID_FORMAT", "must be 1 to 255 visible ASCII characters")
