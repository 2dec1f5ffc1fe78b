"""The JSON form of decisions, and the event about them.

Covers `subgraphs/transaction/fraud/events.py` and `subgraphs/transaction/fraud/order_facts.py`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from subgraphs.kit.times import to_milliseconds
from subgraphs.transaction.domain import Parties, TransactionStatus
from subgraphs.transaction.fraud.decision import Action, Decision, Reason, Unavailability
from subgraphs.transaction.fraud.events import decided
from subgraphs.transaction.fraud.order_facts import OrderFacts, counterparty
from tests.subgraphs.transaction.support import START, deposit_order, party, payment_order, transaction, transfer_order

REASON = Reason("many", "velocity_count", 40, Action.HOLD, shadow=False, observed={"count": 6, "window": "1m"})
DECISION = Decision(Action.HOLD, 40, "1+0a1b2c3d", (REASON,), START)
DOCUMENT = {
    "action": "HOLD",
    "score": 40,
    "rulesVersion": "1+0a1b2c3d",
    "decidedAt": "2026-03-01T12:00:00.000Z",
    "unavailable": None,
    "reasons": [
        {
            "rule": "many",
            "kind": "velocity_count",
            "score": 40,
            "action": "HOLD",
            "shadow": False,
            "observed": {"count": 6, "window": "1m"},
        }
    ],
}


def test_the_json_form_is_stable() -> None:
    assert DECISION.to_document() == DOCUMENT
    assert Decision.from_json(DECISION.to_json()) == DECISION
    default = replace(DECISION, reasons=(), unavailable=Unavailability.DEADLINE)
    assert Decision.from_json(default.to_json()) == default


def test_a_decision_of_a_later_release_can_be_read() -> None:
    later = {**DOCUMENT, "more": 1, "reasons": [{**DOCUMENT["reasons"][0], "more": 1}]}  # type: ignore[index]
    assert Decision.from_json(json.dumps(later)) == DECISION


def test_what_happens_with_the_order() -> None:
    table = [(action, replace(DECISION, action=action)) for action in Action]
    assert [action for action, decision in table if decision.must_wait] == [Action.STEP_UP, Action.HOLD]
    assert [action for action, decision in table if decision.is_refused] == [Action.BLOCK]


def test_the_event_has_the_decision_and_no_personal_data() -> None:
    ann, bob = party(), party()
    record = transaction(transfer_order(ann, bob), Parties(ann, bob))
    event = decided(record, DECISION, {})
    assert (event.type, event.subject, event.time) == ("fraud.decided", record.id, START)
    assert event.data == {"transactionId": record.id, "type": "TRANSFER", **DOCUMENT}


def test_the_facts_of_each_type_of_order() -> None:
    ann, bob = party(), party()
    later = START + timedelta(hours=1)
    transfer = transaction(transfer_order(ann, bob, "5.00"), Parties(ann, bob))
    facts = OrderFacts.of(transfer)
    assert (facts.units, facts.at, facts.settled_at) == (500, to_milliseconds(START), None)
    assert (facts.user_id, facts.account_id, facts.receiver_id) == (ann.user_id, ann.account_id, bob.account_id)
    assert facts.counterparty == f"account {bob.account_id}"
    assert not facts.is_between_own_accounts
    completed = OrderFacts.of(replace(transfer, status=TransactionStatus.COMPLETED, updated_at=later))
    assert completed.settled_at == to_milliseconds(later)
    reversed_ = OrderFacts.of(replace(transfer, status=TransactionStatus.REVERSED, updated_at=later))
    assert reversed_.settled_at == to_milliseconds(START)
    deposit = OrderFacts.of(transaction(deposit_order(ann), Parties(None, ann)))
    assert (deposit.user_id, deposit.account_id, deposit.receiver_id) == (ann.user_id, ann.account_id, None)
    assert deposit.counterparty is None
    payment = OrderFacts.of(transaction(payment_order(ann, "Water  WORKS "), Parties(ann, None)))
    assert payment.counterparty == "payee water works" == counterparty(None, "\uff57ater works")
    own = OrderFacts.of(
        transaction(
            transfer_order(ann, replace(bob, user_id=ann.user_id)), Parties(ann, replace(bob, user_id=ann.user_id))
        )
    )
    assert own.is_between_own_accounts


def test_an_order_to_an_unknown_account() -> None:
    ann, bob = party(), party()
    facts = OrderFacts.of(transaction(transfer_order(ann, bob), Parties(ann, None)))
    assert (facts.receiver_id, facts.counterparty) == (None, None)
