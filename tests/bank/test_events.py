"""The documented events: their schemas are checked in, and nothing that was released disappears.

Covers `bank/events/*.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bank.events
from bank.events.payloads import PAYLOADS, find_mistake, json_schema, schema_name
from bank.events.topics import key_of, topic_of

SCHEMAS = Path(bank.events.__file__).parent / "schemas"
ORDER = {
    "transactionId": "a" * 24,
    "type": "TRANSFER",
    "status": "PENDING",
    "amount": "10.00",
    "currency": "EUR",
    "sourceAccountId": "b" * 24,
    "sourceUserId": "u",
    "destinationAccountId": None,
    "destinationUserId": None,
    "problemCode": None,
}


@pytest.mark.parametrize("event_type", PAYLOADS)
def test_the_schema_of_an_event_is_checked_in(event_type: str) -> None:
    assert (SCHEMAS / f"{schema_name(event_type)}.json").read_text(encoding="utf-8") == json_schema(event_type)


def test_each_schema_has_a_payload() -> None:
    assert {path.stem for path in SCHEMAS.iterdir()} == set(map(schema_name, PAYLOADS))


def test_data_of_another_shape_is_a_mistake_that_names_the_property_and_no_value() -> None:
    assert find_mistake("transaction.recorded", ORDER) is None
    assert find_mistake("transaction.recorded", {**ORDER, "addedLater": 1}) is None
    mistake = find_mistake("transaction.recorded", {**ORDER, "amount": 10.5})
    assert mistake is not None
    assert mistake.startswith("amount: ")
    assert "10.5" not in mistake
    assert find_mistake("transaction.recorded", {}) == "transactionId: Field required"
    assert find_mistake("transaction.lost", ORDER) == "no schema has this type"


def test_the_key_is_the_account() -> None:
    assert key_of("t", ORDER) == "b" * 24
    assert key_of("t", {**ORDER, "sourceAccountId": None, "destinationAccountId": "c"}) == "c"
    assert key_of("t", {}) == "t"
    assert [topic_of(each) for each in ("account.opened", "transaction.recorded", "other")] == [
        "accounts.v1",
        "transactions.v1",
        "unknown",
    ]


def test_a_schema_describes_what_its_model_accepts() -> None:
    schema = json.loads(json_schema("transaction.recorded"))
    assert set(schema["required"]) == ORDER.keys()
    assert schema.get("additionalProperties", True) is True
