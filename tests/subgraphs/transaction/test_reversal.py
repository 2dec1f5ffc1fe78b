"""Reversals by the staff, with real postings.

Covers `subgraphs/transaction/graphql_reversal.py` and `subgraphs/transaction/reversal.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from bank.identity import ADMIN
from bank.values import new_object_id
from tests.subgraphs.bank import Bank, open_bank
from tests.subgraphs.support import GraphQLClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.subgraphs.bank import Person

REVERSE = """mutation ($input: ReverseTransactionInput!) { reverseTransaction(input: $input) { __typename
  ... on Problem { code } ... on TransactionNotReversible { transaction { status } }
  ... on ReversalSuccess { replayed reversal { id type status amount source { id } destination { id }
    requestedBy { id } reversalOf { id status } history { status } } } } }"""
GET = """query ($id: ID!) { transaction(id: $id) { status requestedBy { id } reversalOf { id }
  history { status by { id } } } }"""
STATEMENT = "query ($id: ID!) { account(id: $id) { statement { entries { nodes { amount balance } } } } }"
TURNOVER = "... on Account { turnover { credited debited } }"


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def reverse(bank: Bank, transaction_id: str, person: Person | None = None, key: str = "") -> Any:
    given = {"transactionId": transaction_id, "idempotencyKey": key or new_object_id()}
    return (await bank.as_(person or bank.staff).execute(REVERSE, {"input": given})).ok()["reverseTransaction"]


async def paid(bank: Bank, amount: str = "30.00") -> tuple[dict[str, Any], dict[str, Any], str]:
    """Ann's account with 100.00 before she paid Bob, Bob's account, and the transfer."""
    ann, bob = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob)
    sides = {"sourceAccountId": ann["id"], "destinationAccountId": bob["id"]}
    transfer = await bank.order(bank.ann, "transfer", amount=amount, **sides)
    return ann, bob, transfer["transaction"]["id"]


async def test_a_reversal_is_a_new_transaction(bank: Bank) -> None:
    ann, bob, transfer = await paid(bank)
    result = await reverse(bank, transfer, key="once")
    made = result["reversal"]
    assert (made["type"], made["status"], made["amount"]) == ("REVERSAL", "COMPLETED", "30.00")
    assert (made["source"]["id"], made["destination"]["id"]) == (bob["id"], ann["id"])
    assert made["requestedBy"] == {"id": bank.staff.id}
    assert made["reversalOf"] == {"id": transfer, "status": "REVERSED"}
    assert (await bank.balance(bank.ann, ann), await bank.balance(bank.bob, bob)) == ("100.00", "0.00")
    again = await reverse(bank, transfer, key="once")
    assert (again["replayed"], again["reversal"]["id"]) == (True, made["id"])
    other = await reverse(bank, transfer)
    assert (other["code"], other["transaction"]["status"]) == ("TRANSACTION_NOT_REVERSIBLE", "REVERSED")
    assert (await reverse(bank, made["id"], bank.person(ADMIN)))["code"] == "TRANSACTION_NOT_REVERSIBLE"
    entries = await GraphQLClient(bank.accounts, bank.bob.token).execute(STATEMENT, {"id": bob["id"]})
    nodes = entries.ok()["account"]["statement"]["entries"]["nodes"]
    assert [(node["amount"], node["balance"]) for node in nodes] == [("30.00", "30.00"), ("-30.00", "0.00")]


async def test_both_sides_see_it_but_not_who_made_it(bank: Bank) -> None:
    ann, _, transfer = await paid(bank)
    made = (await reverse(bank, transfer))["reversal"]["id"]
    for person in (bank.ann, bank.bob):
        seen = (await bank.as_(person).execute(GET, {"id": made})).ok()["transaction"]
        assert (seen["status"], seen["requestedBy"], seen["reversalOf"]) == ("COMPLETED", None, {"id": transfer})
    first = (await bank.as_(bank.ann).execute(GET, {"id": transfer})).ok()["transaction"]
    assert [each["status"] for each in first["history"]] == ["PENDING", "COMPLETED", "REVERSED"]
    claim = {"__typename": "Account", "id": ann["id"], "currency": "USD", "minorUnits": 2}
    turnover = (await bank.as_(bank.ann).entities(TURNOVER, [claim])).ok()["_entities"][0]["turnover"]
    assert turnover == {"credited": "130.00", "debited": "30.00"}


async def test_money_that_is_spent_cannot_be_taken_back_until_it_is_there_again(bank: Bank) -> None:
    _, bob, transfer = await paid(bank)
    await bank.order(bank.bob, "withdraw", sourceAccountId=bob["id"], amount="0.01")
    assert (await reverse(bank, transfer))["code"] == "INSUFFICIENT_FUNDS"
    assert (await bank.as_(bank.ann).execute(GET, {"id": transfer})).ok()["transaction"]["status"] == "COMPLETED"
    await bank.order(bank.bob, "deposit", destinationAccountId=bob["id"], amount="0.01")
    await bank.freeze(bob)
    assert (await reverse(bank, transfer))["reversal"]["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("name", "side", "left"),
    [
        ("deposit", "destinationAccountId", "90.00"),
        ("withdraw", "sourceAccountId", "100.00"),
        ("pay", "sourceAccountId", "100.00"),
    ],
)
async def test_external_transactions_are_reversed_too(bank: Bank, name: str, side: str, left: str) -> None:
    start = "90.00" if name == "deposit" else "100.00"
    account = await bank.open(bank.ann, start)
    payee = {"payee": "Water works"} if name == "pay" else {}
    done = await bank.order(bank.ann, name, **{side: account["id"]}, **payee)
    assert (await reverse(bank, done["transaction"]["id"]))["reversal"]["status"] == "COMPLETED"
    assert await bank.balance(bank.ann, account) == left


async def test_of_many_reversals_at_once_one_succeeds(bank: Bank) -> None:
    ann, _, transfer = await paid(bank)
    admin = bank.person(ADMIN)
    results = await asyncio.gather(*(reverse(bank, transfer, person) for person in (bank.staff, admin) * 4))
    assert sorted(result["__typename"] for result in results) == ["ReversalSuccess"] + ["TransactionNotReversible"] * 7
    assert await bank.balance(bank.ann, ann) == "100.00"


async def test_a_reversal_survives_an_outage_of_the_ledger(bank: Bank) -> None:
    ann, _, transfer = await paid(bank)
    bank.transport.lose_responses = ["/internal/postings"]
    made = (await reverse(bank, transfer))["reversal"]
    assert (made["status"], made["reversalOf"]["status"]) == ("PENDING", "COMPLETED")
    assert (await reverse(bank, transfer))["code"] == "TRANSACTION_NOT_REVERSIBLE"
    async with bank.another_transaction_service():
        for record, status in ((made["id"], "COMPLETED"), (transfer, "REVERSED")):
            seen = (await bank.as_(bank.staff).execute(GET, {"id": record})).ok()["transaction"]
            assert seen["status"] == status
    assert await bank.balance(bank.ann, ann) == "100.00"


async def test_what_is_not_completed_or_does_not_exist_is_not_reversed(bank: Bank) -> None:
    ann, bob, _ = await paid(bank)
    sides = {"sourceAccountId": ann["id"], "destinationAccountId": bob["id"]}
    await bank.order(bank.ann, "transfer", amount="1000.00", idempotencyKey="poor", **sides)
    listed = (await bank.as_(bank.ann).execute("{ transactions(filter: {status: FAILED}) { nodes { id } } }")).ok()
    failed = listed["transactions"]["nodes"][0]["id"]
    assert (await reverse(bank, failed))["code"] == "TRANSACTION_NOT_REVERSIBLE"
    for unknown in (new_object_id(), "nonsense"):
        assert (await reverse(bank, unknown))["code"] == "INVALID_TRANSACTION"
    wrong_key = {"transactionId": failed, "idempotencyKey": "with space"}
    assert (await bank.as_(bank.staff).execute(REVERSE, {"input": wrong_key})).codes == ["BAD_USER_INPUT"]
    assert (await bank.as_(None).execute(REVERSE, {"input": wrong_key})).codes == ["UNAUTHENTICATED"]


async def test_money_does_not_return_to_a_closed_account(bank: Bank) -> None:
    ann, bob, transfer = await paid(bank, "100.00")
    await bank.close(bank.ann, ann)
    assert (await reverse(bank, transfer))["code"] == "INVALID_ACCOUNT"
    assert await bank.balance(bank.bob, bob) == "100.00"
