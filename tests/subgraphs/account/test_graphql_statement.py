"""Statements and balances at a time through GraphQL.

Covers `subgraphs/account/graphql_statement.py` and `subgraphs/account/statements.py`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bank import values
from bank.values import InvalidValue, format_timestamp, parse_timestamp
from subgraphs.account.statements import Period
from tests.subgraphs.bank import Bank, open_bank
from tests.subgraphs.support import GraphQLClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.subgraphs.bank import Person

STATEMENT = """query ($id: ID!, $from: DateTime, $to: DateTime, $first: Int, $after: String, $last: Int) {
  account(id: $id) { createdAt statement(from: $from, to: $to) { from to openingBalance closingBalance
    entries(first: $first, after: $after, last: $last) { totalCount
      nodes { transaction { id } postedAt amount balance } pageInfo { hasNextPage endCursor } } } } }"""
BALANCE_AT = "query ($id: ID!, $at: DateTime!) { account(id: $id) { balanceAt(at: $at) } }"
BEGIN, END = "2000-01-01T00:00:00.000Z", "2200-01-01T00:00:00.000Z"


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def as_(bank: Bank, person: Person) -> GraphQLClient:
    return GraphQLClient(bank.accounts, person.token)


async def statement(bank: Bank, account: dict[str, Any], **given: object) -> Any:
    variables = {"id": account["id"], "from": BEGIN, **given}
    return (await as_(bank, bank.ann).execute(STATEMENT, variables)).ok()["account"]["statement"]


async def test_a_statement_has_the_entries_and_the_balances_around_them(bank: Bank) -> None:
    account, other = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob)
    sides = {"sourceAccountId": account["id"], "destinationAccountId": other["id"]}
    paid = (await bank.order(bank.ann, "transfer", amount="30.00", **sides))["transaction"]["id"]
    whole = await statement(bank, account)
    assert (whole["from"], whole["openingBalance"], whole["closingBalance"]) == (BEGIN, "0.00", "70.00")
    assert [(node["amount"], node["balance"]) for node in whole["entries"]["nodes"]] == [
        ("100.00", "100.00"),
        ("-30.00", "70.00"),
    ]
    last = whole["entries"]["nodes"][1]
    assert (last["transaction"]["id"], whole["entries"]["totalCount"]) == (paid, None)
    later = await statement(bank, account, **{"from": last["postedAt"], "to": END, "last": 1})
    assert (later["closingBalance"], later["entries"]["nodes"]) == ("70.00", [last])
    before = format_timestamp(parse_timestamp(last["postedAt"]) - timedelta(milliseconds=1))
    for moment, balance in ((BEGIN, "0.00"), (last["postedAt"], "70.00"), (END, "70.00"), (before, "100.00")):
        found = await as_(bank, bank.ann).execute(BALANCE_AT, {"id": account["id"], "at": moment})
        assert found.ok()["account"]["balanceAt"] == balance


async def test_pages_continue_with_a_cursor_that_cannot_be_forged(bank: Bank) -> None:
    account = await bank.open(bank.ann, "100.00")
    for _ in range(2):
        await bank.order(bank.ann, "deposit", destinationAccountId=account["id"], amount="1.00")
    first = (await statement(bank, account, first=2))["entries"]
    assert (len(first["nodes"]), first["pageInfo"]["hasNextPage"]) == (2, True)
    rest = (await statement(bank, account, first=2, after=first["pageInfo"]["endCursor"]))["entries"]
    assert [node["balance"] for node in rest["nodes"]] == ["102.00"]
    forged = {"id": account["id"], "from": BEGIN, "after": first["pageInfo"]["endCursor"][:-2] + "AA"}
    assert (await as_(bank, bank.ann).execute(STATEMENT, forged)).codes == ["BAD_USER_INPUT"]


async def test_others_and_wrong_periods_get_nothing(bank: Bank) -> None:
    account = await bank.open(bank.ann, "100.00")
    given = {"id": account["id"], "from": BEGIN}
    assert (await as_(bank, bank.bob).execute(STATEMENT, given)).ok() == {"account": None}
    assert (await as_(bank, bank.staff).execute(STATEMENT, given)).ok()["account"]["statement"] is not None
    backwards = await as_(bank, bank.ann).execute(STATEMENT, {**given, "to": "1999-12-31T00:00:00.000Z"})
    assert backwards.codes == ["BAD_USER_INPUT"]
    since_opening = (await as_(bank, bank.ann).execute(STATEMENT, {"id": account["id"]})).ok()["account"]
    assert since_opening["statement"]["from"] == since_opening["createdAt"]
    assert len(since_opening["statement"]["entries"]["nodes"]) == 1
    empty = await statement(bank, account, **{"from": END})
    assert (empty["from"], empty["to"], empty["closingBalance"], empty["entries"]["nodes"]) == (END, END, "100.00", [])


async def test_a_closed_account_keeps_its_statement(bank: Bank) -> None:
    account = await bank.open(bank.ann, "5.00")
    await bank.order(bank.ann, "withdraw", sourceAccountId=account["id"], amount="5.00")
    await bank.close(bank.ann, account)
    assert [node["amount"] for node in (await statement(bank, account))["entries"]["nodes"]] == ["5.00", "-5.00"]


def test_a_period_does_not_end_before_it_begins() -> None:
    now = values.now()
    assert Period(now, now).end == now
    with pytest.raises(InvalidValue):
        Period(now, now - timedelta(milliseconds=1))
