from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from subgraphs.transaction import events
from subgraphs.transaction.domain import Parties, TransactionStatus
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
