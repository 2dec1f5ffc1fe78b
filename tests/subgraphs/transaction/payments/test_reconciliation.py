"""Statements of a provider: their forms, their mistakes, and each kind of difference from the bank's own records.

Covers `subgraphs/transaction/payments/statement.py`, too.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bank.values import new_object_id
from servicekit.errors import StartupError
from subgraphs.transaction.domain import Parties, TransactionStatus
from subgraphs.transaction.payment_provider import PaymentState
from subgraphs.transaction.payments.provider_messages import Payment
from subgraphs.transaction.payments.reconciliation import OwnRecords, compare
from subgraphs.transaction.payments.statement import Line, Statement, as_csv, as_json, parse_statement
from subgraphs.transaction.problems import PaymentDeclined
from subgraphs.transaction.reversal import open_chargeback
from tests.subgraphs.transaction.support import START, deposit_order, party, transaction, transfer_order

if TYPE_CHECKING:
    from subgraphs.transaction.domain import Transaction

S, P = TransactionStatus, PaymentState


def deposit(status: TransactionStatus = S.COMPLETED) -> Transaction:
    ann = party()
    problem = PaymentDeclined() if status is S.FAILED else None
    return transaction(deposit_order(ann), Parties(None, ann), status=status, problem=problem)


def payment_of(order: Transaction, state: PaymentState = P.CAPTURED) -> Payment:
    given = order.order
    return Payment(f"pay_{order.id}", order.id, given.type, given.amount, given.currency, state, START, START)


def differences(
    payments: list[Payment],
    orders: list[Transaction],
    *,
    posted: list[Transaction] | None = None,
    expected: list[Transaction] | None = None,
) -> list[str]:
    """The kinds of differences. By default, the settled orders are posted and expected."""
    settled = [order for order in orders if order.status in {S.COMPLETED, S.REVERSED}]
    own = OwnRecords(
        {order.id: order for order in orders},
        [order.id for order in (settled if expected is None else expected)],
        {order.id for order in (settled if posted is None else posted)},
    )
    lines = [Line(f"line {number}", payment) for number, payment in enumerate(payments, 2)]
    result = compare(Statement(lines), own)
    assert result.agreeing == len(payments) - len({each.place for each in result.differences if each.place})
    return [each.kind for each in result.differences]


# The states of a payment that agree with each status of its order.
AGREEING = {
    S.PENDING: set(P),
    S.HELD: set(P),
    S.COMPLETED: {P.CAPTURED},
    S.REVERSED: {P.CAPTURED, P.CHARGED_BACK},
    S.FAILED: {P.DECLINED, P.FAILED, P.VOIDED},
}


@pytest.mark.parametrize("status", list(S))
@pytest.mark.parametrize("state", list(P))
def test_the_state_must_agree_with_the_status(status: TransactionStatus, state: PaymentState) -> None:
    order = deposit(status)
    assert differences([payment_of(order, state)], [order]) == ([] if state in AGREEING[status] else ["state"])


def test_each_kind_of_difference() -> None:
    order, other = deposit(), deposit()
    right = payment_of(order)
    transfer = transaction(transfer_order(party(), party()), Parties(party(), party()), status=S.COMPLETED)
    chargeback = replace(open_chargeback(new_object_id(), order, START), status=S.COMPLETED)
    assert differences([right], [order]) == []
    assert differences([], [order]) == ["missing-there"]
    assert differences([right], []) == ["missing-here"]
    assert differences([payment_of(transfer)], [transfer], expected=[]) == ["missing-here"]
    assert differences([right, payment_of(chargeback)], [order, chargeback], expected=[]) == ["missing-here"]
    assert differences([replace(right, amount=Decimal("10.01"))], [order]) == ["amount"]
    assert differences([replace(right, currency="EUR")], [order]) == ["currency"]
    assert differences([right, right], [order]) == ["doubled"]
    assert differences([right, replace(right, id="pay_2")], [order]) == ["doubled"]
    assert differences([right, replace(payment_of(other), id=right.id)], [order, other]) == ["doubled"]
    assert differences([right], [order], posted=[]) == ["ledger"]
    failed = deposit(S.FAILED)
    assert differences([payment_of(failed, P.VOIDED)], [failed], posted=[failed]) == ["ledger"]
    pending = deposit(S.PENDING)
    assert differences([payment_of(pending)], [pending], posted=[pending]) == []


def test_both_forms_are_read_as_they_are_written() -> None:
    payments = [payment_of(deposit(), state) for state in P]
    from_csv = parse_statement("\ufeff" + as_csv(payments), "s.csv")
    from_json = parse_statement(json.dumps(as_json(payments, START, START)), "s.json")
    assert [line.payment for line in from_csv.lines] == [line.payment for line in from_json.lines] == payments
    assert [line.place for line in from_csv.lines][:2] == ["line 2", "line 3"]
    assert from_json.lines[1].place == "payments[1]"
    assert (from_json.begin, from_json.end, from_csv.begin) == (START, START, None)


HEADER = "orderId,paymentId,type,amount,currency,state,createdAt,updatedAt"
ROW = f"{'5' * 24},pay_1,DEPOSIT,10.00,USD,CAPTURED,2026-03-01T12:00:00Z,2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "s:1: the columns orderId,"),
        ("nonsense", "s:1: the columns"),
        (HEADER.replace("amount", "sum"), "s:1: the columns amount are missing"),
        (f"{HEADER}\n{ROW}\n{ROW.replace('10.00', '10')}\n", "s: line 3: an amount in USD has exactly 2 decimals"),
        (f"{HEADER}\n{ROW.replace('10.00', '-1.00')}\n", "s: line 2: not a decimal amount"),
        (f"{HEADER}\n{ROW.replace('CAPTURED', 'DONE')}\n", "s: line 2: 'DONE' is not a valid PaymentState"),
        (f"{HEADER}\n5\n", "s: line 2: id must be a string"),
        (f"{HEADER}\n{ROW},more\n{ROW.replace('USD', 'usd')}", "s: line 3:"),
        (f'{HEADER}\n"{ROW}', "s:"),
        ("{", "s: is not JSON"),
        ("{}", "s: payments: a list is expected"),
        ('{"payments": [1]}', "s: payments[0]: an object is expected"),
        ('{"payments": [], "from": "yesterday"}', "s: from: not an RFC 3339 time"),
        ('{"payments": ' + "[" * 100_000, "s: is not JSON"),
    ],
    ids=lambda text: text[:40],
)
def test_a_mistake_is_reported_with_its_place(text: str, message: str) -> None:
    with pytest.raises(StartupError) as refused:
        parse_statement(text, "s")
    assert str(refused.value).startswith(message)


def test_many_mistakes_are_counted() -> None:
    with pytest.raises(StartupError) as refused:
        parse_statement("\n".join([HEADER, *["5"] * 30]), "s")
    lines = str(refused.value).splitlines()
    assert (len(lines), lines[-1]) == (21, "s: 10 more mistakes")
