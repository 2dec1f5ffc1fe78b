"""Compares a provider's statement with the orders and the ledger. Pure: no clock, no store, no network."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from subgraphs.transaction.domain import SETTLED, TransactionStatus
from subgraphs.transaction.order_steps import is_external
from subgraphs.transaction.payment_provider import PaymentState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.payments.provider_messages import Payment
    from subgraphs.transaction.payments.statement import Line, Statement


class Kind(StrEnum):
    """The kinds of differences."""

    MISSING_HERE = "missing-here"
    MISSING_THERE = "missing-there"
    AMOUNT = "amount"
    CURRENCY = "currency"
    STATE = "state"
    DOUBLED = "doubled"
    LEDGER = "ledger"


# The states of a payment that agree with the status of its order. The outcome of an open order is not known yet, so
# every state agrees with it. A REVERSED order was charged back, or a separate payment moved the money back.
_AGREEING: Final[Mapping[TransactionStatus, frozenset[PaymentState]]] = MappingProxyType(
    {
        TransactionStatus.PENDING: frozenset(PaymentState),
        TransactionStatus.HELD: frozenset(PaymentState),
        TransactionStatus.COMPLETED: frozenset({PaymentState.CAPTURED}),
        TransactionStatus.REVERSED: frozenset({PaymentState.CAPTURED, PaymentState.CHARGED_BACK}),
        TransactionStatus.FAILED: frozenset({PaymentState.DECLINED, PaymentState.FAILED, PaymentState.VOIDED}),
    }
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference.

    Attributes:
        place: where the payment is in the statement; None if it is missing there.
        here, there: what the bank and the provider say; None if nothing.
    """

    kind: Kind
    order_id: str
    place: str | None
    here: str | None
    there: str | None

    def to_json(self) -> dict[str, str | None]:
        return {
            "kind": self.kind,
            "orderId": self.order_id,
            "place": self.place,
            "here": self.here,
            "there": self.there,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result: the number of payments that agree, how many of them are for open orders, and the differences."""

    agreeing: int
    open: int
    differences: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class OwnRecords:
    """The bank's records, with which a statement is compared.

    Attributes:
        orders: the orders of the statement and the orders in `expected`, by id.
        expected: ids of the orders that the statement must have.
        posted: ids of the orders that the ledger has posted.
    """

    orders: Mapping[str, Transaction]
    expected: Iterable[str]
    posted: Collection[str]


def compare(statement: Statement, own: OwnRecords) -> Comparison:
    """Return the differences: first for each payment of the statement, then for each order that the statement lacks."""
    orders: set[str] = set()
    payments: set[str] = set()
    differences: list[Difference] = []
    agreeing = still_open = 0
    for line in statement.lines:
        payment = line.payment
        found = list(_of_line(line, own, is_doubled=payment.order_id in orders or payment.id in payments))
        orders.add(payment.order_id)
        payments.add(payment.id)
        differences += found
        if not found:
            agreeing += 1
            still_open += own.orders[payment.order_id].is_open
    for order_id in own.expected:
        if order_id not in orders:
            order = own.orders[order_id]
            differences.append(Difference(Kind.MISSING_THERE, order_id, None, _own_text(order), None))
    return Comparison(agreeing, still_open, differences)


def _of_line(line: Line, own: OwnRecords, *, is_doubled: bool) -> Iterator[Difference]:
    payment = line.payment
    order = own.orders.get(payment.order_id)
    if is_doubled:
        yield _difference(Kind.DOUBLED, line, "one payment", f"again {payment.id}, {_their_text(payment)}")
        return
    if order is None or not is_external(order):
        here = None if order is None else f"{order.order.type}, which is not for the provider"
        yield _difference(Kind.MISSING_HERE, line, here, _their_text(payment))
        return
    if order.order.currency != payment.currency:
        yield _difference(Kind.CURRENCY, line, order.order.currency, payment.currency)
    if order.order.amount != payment.amount:
        yield _difference(Kind.AMOUNT, line, f"{order.order.amount:f}", f"{payment.amount:f}")
    if payment.state not in _AGREEING[order.status]:
        yield _difference(Kind.STATE, line, order.status, payment.state)
    is_posted = order.id in own.posted
    if not order.is_open and is_posted is not (order.status in SETTLED):
        yield _difference(Kind.LEDGER, line, f"{order.status}, {'' if is_posted else 'not '}posted", payment.state)


def _difference(kind: Kind, line: Line, here: str | None, there: str | None) -> Difference:
    return Difference(kind, line.payment.order_id, line.place, here, there)


def _own_text(order: Transaction) -> str:
    return f"{order.order.type} {order.status} {order.order.amount:f} {order.order.currency}"


def _their_text(payment: Payment) -> str:
    return f"{payment.type} {payment.state} {payment.amount:f} {payment.currency}"
