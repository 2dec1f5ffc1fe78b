from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bank.events.payloads import find_mistake
from subgraphs.transaction import events
from subgraphs.transaction.domain import Parties, TransactionStatus
from subgraphs.transaction.fraud.decision import Action, Decision
from subgraphs.transaction.problems import PaymentDeclined
from tests.subgraphs.transaction.support import party, payment_order, transaction, transfer_order


def test_an_event_has_ids_amounts_and_statuses_and_nothing_else_of_the_order() -> None:
    ann, bob = party(number="1000000004"), party(number="1000000012")
    order = replace(transfer_order(ann, bob), destination=bob.account_number, metadata={"note": "for the roof"})
    record = transaction(order, Parties(ann, bob))
    (recorded,) = events.of_change(None, record)
    assert (recorded.type, recorded.subject, recorded.time) == ("transaction.recorded", record.id, record.created_at)
    assert recorded.data == {
        "transactionId": record.id,
        "type": "TRANSFER",
        "status": "PENDING",
        "amount": "10.00",
        "currency": "USD",
        "sourceAccountId": ann.account_id,
        "sourceUserId": ann.user_id,
        "destinationAccountId": bob.account_id,
        "destinationUserId": bob.user_id,
        "problemCode": None,
    }


def test_a_payee_is_personal_data() -> None:
    ann = party()
    (recorded,) = events.of_change(None, transaction(payment_order(ann, payee="Dr. Green"), Parties(ann, None)))
    assert "Green" not in str(recorded)
    assert recorded.data["destinationAccountId"] is None


def test_only_another_status_is_a_change() -> None:
    ann = party()
    record = transaction(payment_order(ann), Parties(ann, None))
    assert list(events.of_change(record, record)) == []
    later = record.created_at + timedelta(seconds=1)
    failed = replace(record, status=TransactionStatus.FAILED, problem=PaymentDeclined(), updated_at=later)
    (changed,) = events.of_change(record, failed)
    assert (changed.type, changed.time) == ("transaction.status_changed", later)
    assert (changed.data["status"], changed.data["problemCode"]) == ("FAILED", "PAYMENT_DECLINED")


def test_a_decision_is_an_event_of_its_own_before_the_status_that_follows() -> None:
    ann = party()
    record = transaction(payment_order(ann), Parties(ann, None))
    decision = Decision(Action.HOLD, 70, "1", (), record.created_at)
    held = replace(record, status=TransactionStatus.HELD, decision=decision)
    decided, changed = events.of_change(record, held)
    assert (decided.type, changed.type) == ("fraud.decided", "transaction.status_changed")
    assert find_mistake(decided.type, decided.data) is None
    assert decided.data["sourceAccountId"] == ann.account_id
    assert list(events.of_change(held, held)) == []
