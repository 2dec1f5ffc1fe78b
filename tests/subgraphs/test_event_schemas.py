"""Every event that the services write has a documented type and the documented shape.

Before, reserved money was reported by events that no schema knew, so they went to the dead-letter topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bank.events.payloads import PAYLOADS, find_mistake
from bank.events.topics import topic_of
from bank.values import new_object_id
from tests.subgraphs.account.support import KEY_TEXT, sqlite_factory
from tests.subgraphs.bank import open_bank
from tests.subgraphs.support import GraphQLClient
from tests.subgraphs.transaction.support import sqlite_store

if TYPE_CHECKING:
    from pathlib import Path

    from subgraphs.kit.outbox import Event
    from tests.subgraphs.bank import Bank

RULES = """version: test
thresholds: {step_up: 40, hold: 65, block: 90}
when_unavailable: {hold_above: {default: 1000}}
rules:
  - {name: large, kind: large_amount, at_least: 50, score: 70, types: [TRANSFER]}
"""
REVIEW = "mutation ($id: ID!) { %s(id: $id) { ... on ReviewSuccess { transaction { id status } } } }"
REVERSE = """mutation ($input: ReverseTransactionInput!) { reverseTransaction(input: $input) {
  ... on ReversalSuccess { reversal { status } } } }"""

EXPORT = """mutation ($input: RequestStatementExportInput!) { requestStatementExport(input: $input) { __typename } }"""


async def everything(bank: Bank) -> None:
    """Let each type of event happen."""
    ann, bob = await bank.open(bank.ann, "1000.00"), await bank.open(bank.bob)
    sides = {"sourceAccountId": ann["id"], "destinationAccountId": bob["id"]}
    held: dict[str, str] = {}
    for review, status in (("rejectTransaction", "FAILED"), ("approveTransaction", "COMPLETED")):
        held = (await bank.order(bank.ann, "transfer", amount="60.00", **sides))["transaction"]
        result = (await bank.as_(bank.staff).execute(REVIEW % review, {"id": held["id"]})).ok()[review]
        assert result["transaction"]["status"] == status
    given = {"transactionId": held["id"], "idempotencyKey": new_object_id()}
    reversed_ = (await bank.as_(bank.staff).execute(REVERSE, {"input": given})).ok()["reverseTransaction"]
    assert reversed_["reversal"]["status"] == "COMPLETED"
    statement = {"accountId": ann["id"], "format": "CSV"}
    exported = await GraphQLClient(bank.accounts, bank.ann.token).execute(EXPORT, {"input": statement})
    assert exported.ok()["requestStatementExport"]["__typename"] == "RequestStatementExportSuccess"
    await bank.freeze(ann)
    await bank.close(bank.bob, bob)


async def test_each_event_has_a_schema_and_fits_it(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    found: list[Event] = []
    async with open_bank(tmp_path, FRAUD_RULES=str(rules), ACCOUNT_LEDGER_KEY=KEY_TEXT) as bank:
        await everything(bank)
        async with sqlite_factory(tmp_path / "account.sqlite3")() as accounts, sqlite_store(tmp_path) as transactions:
            for store in (accounts, transactions):
                found += [row.event for row in await store.events(after=0, limit=1000)]
    assert {event.type for event in found} == set(PAYLOADS)
    assert {topic_of(event.type) for event in found} == {"accounts.v1", "transactions.v1", "fraud.v1", "exports.v1"}
    mistakes = [(event.type, find_mistake(event.type, event.data)) for event in found]
    assert [each for each in mistakes if each[1] is not None] == []
