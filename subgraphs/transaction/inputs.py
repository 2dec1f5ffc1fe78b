"""The inputs of mutations, and how they become orders. All that is wrong with an input is told at once."""

from __future__ import annotations

from decimal import Decimal  # noqa: TC003 - strawberry reads annotations at run time
from typing import TYPE_CHECKING, Final, TypeAlias

import strawberry
from strawberry import UNSET

from bank.values import InvalidValue, check_precision, is_account_number_shaped, is_object_id, to_minor_units
from servicekit.errors import BadUserInput
from subgraphs.kit.scalars import Currency, Metadata  # noqa: TC001 - strawberry reads annotations at run time
from subgraphs.transaction.domain import MAX_MINOR_UNITS, Order, TransactionType
from subgraphs.transaction.idempotency import is_key

if TYPE_CHECKING:
    from collections.abc import Iterator

# As long as a payee's name may be in ISO 20022 messages.
MAX_PAYEE: Final = 140

_KEY: Final = "1 to 255 visible ASCII characters: the same key never pays twice within 48 hours."
_METADATA: Final = "Kept with the transaction, never interpreted."
_AMOUNT: Final = "How much, with exactly the decimals of the currency."
_CURRENCY: Final = "Must be the currency of each account."


@strawberry.input(description="A transfer from one account to another. Name the receiver by id or by number.")
class TransferInput:
    source_account_id: strawberry.ID = strawberry.field(description="The caller's account that pays.")
    destination_account_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Id of the account that receives; instead of its number."
    )
    destination_account_number: str | None = strawberry.field(
        default=UNSET, description="Number of the account that receives; instead of its id."
    )
    amount: Decimal = strawberry.field(description=_AMOUNT)
    currency: Currency = strawberry.field(description=_CURRENCY)
    metadata: Metadata | None = strawberry.field(default=UNSET, description=_METADATA)
    idempotency_key: str = strawberry.field(description=_KEY)


@strawberry.input(description="Money from outside of the bank into an account.")
class DepositInput:
    destination_account_id: strawberry.ID = strawberry.field(description="The caller's account that receives.")
    amount: Decimal = strawberry.field(description=_AMOUNT)
    currency: Currency = strawberry.field(description=_CURRENCY)
    metadata: Metadata | None = strawberry.field(default=UNSET, description=_METADATA)
    idempotency_key: str = strawberry.field(description=_KEY)


@strawberry.input(description="Money out of an account and of the bank.")
class WithdrawInput:
    source_account_id: strawberry.ID = strawberry.field(description="The caller's account that pays.")
    amount: Decimal = strawberry.field(description=_AMOUNT)
    currency: Currency = strawberry.field(description=_CURRENCY)
    metadata: Metadata | None = strawberry.field(default=UNSET, description=_METADATA)
    idempotency_key: str = strawberry.field(description=_KEY)


@strawberry.input(description="A payment to somebody outside of the bank.")
class PayInput:
    source_account_id: strawberry.ID = strawberry.field(description="The caller's account that pays.")
    payee: str = strawberry.field(description="Who receives the money: 1 to 140 printable characters.")
    amount: Decimal = strawberry.field(description=_AMOUNT)
    currency: Currency = strawberry.field(description=_CURRENCY)
    metadata: Metadata | None = strawberry.field(default=UNSET, description=_METADATA)
    idempotency_key: str = strawberry.field(description=_KEY)


AnyInput: TypeAlias = TransferInput | DepositInput | WithdrawInput | PayInput
Fault: TypeAlias = dict[str, object]


def transfer_order(given: TransferInput) -> Order:
    """Raises BadUserInput that names every bad field, as the other three do."""
    by_id, by_number = given.destination_account_id or None, given.destination_account_number or None
    _refuse(
        *_id_faults("sourceAccountId", given.source_account_id),
        *_destination_faults(by_id, by_number),
        *_common_faults(given),
    )
    return _order(TransactionType.TRANSFER, given, source=given.source_account_id, destination=by_id or by_number)


def deposit_order(given: DepositInput) -> Order:
    _refuse(*_id_faults("destinationAccountId", given.destination_account_id), *_common_faults(given))
    return _order(TransactionType.DEPOSIT, given, destination=given.destination_account_id)


def withdrawal_order(given: WithdrawInput) -> Order:
    _refuse(*_id_faults("sourceAccountId", given.source_account_id), *_common_faults(given))
    return _order(TransactionType.WITHDRAWAL, given, source=given.source_account_id)


def payment_order(given: PayInput) -> Order:
    payee = given.payee.strip()
    _refuse(
        *_id_faults("sourceAccountId", given.source_account_id),
        *_payee_faults(payee),
        *_common_faults(given),
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
        metadata=given.metadata or {},
    )


def _refuse(*faults: Fault) -> None:
    if faults:
        raise BadUserInput(details={"fields": list(faults)})


def _fault(name: str, code: str, message: str) -> Fault:
    return {"path": ["input", name], "code": code, "message": message}


def _id_faults(name: str, text: str) -> Iterator[Fault]:
    if not is_object_id(text):
        yield _fault(name, "INVALID_FORMAT", "must be an account id of 24 hex digits")


def _destination_faults(by_id: str | None, by_number: str | None) -> Iterator[Fault]:
    if (by_id is None) == (by_number is None):
        yield _fault(
            "destinationAccountId",
            "EXACTLY_ONE",
            "give destinationAccountId or destinationAccountNumber, and not both",
        )
    elif by_id is not None:
        yield from _id_faults("destinationAccountId", by_id)
    elif by_number is not None and not is_account_number_shaped(by_number):
        yield _fault("destinationAccountNumber", "INVALID_FORMAT", "must be an account number of 10 digits")


def _payee_faults(payee: str) -> Iterator[Fault]:
    if not payee:
        yield _fault("payee", "REQUIRED", "must not be empty")
    elif len(payee) > MAX_PAYEE:
        yield _fault("payee", "TOO_LONG", f"at most {MAX_PAYEE} characters")
    elif not payee.isprintable():
        yield _fault("payee", "INVALID_FORMAT", "must be printable text")


def _common_faults(given: AnyInput) -> Iterator[Fault]:
    try:
        if to_minor_units(check_precision(given.amount, given.currency), given.currency) > MAX_MINOR_UNITS:
            yield _fault("amount", "TOO_LARGE", "more than the bank can count")
    except InvalidValue as error:
        yield _fault("amount", "INVALID_AMOUNT", str(error))
    if not is_key(given.idempotency_key):
        yield _fault("idempotencyKey", "INVALID_FORMAT", "must be 1 to 255 visible ASCII characters")
