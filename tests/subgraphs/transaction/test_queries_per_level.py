"""Each level of an operation costs one store query, for any number of accounts.

Covers `subgraphs/transaction/loaders.py` and `subgraphs/transaction/context.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from subgraphs.transaction.store.sqlite import SqliteTransactionStore

if TYPE_CHECKING:
    from tests.subgraphs.bank import Bank

READS = ("by_ids", "listing", "listing_of_accounts", "count", "count_of_accounts", "turnover")


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the methods that read the real store, in order."""
    seen: list[str] = []
    for name in READS:
        original = getattr(SqliteTransactionStore, name)

        def counted(*args: object, _name: str = name, _original: object = original) -> object:
            seen.append(_name)
            return _original(*args)  # type: ignore[operator] # a bound default, not an annotated one

        monkeypatch.setattr(SqliteTransactionStore, name, counted)
    return seen


async def fifty(bank: Bank) -> list[dict[str, str]]:
    accounts = [await bank.open(bank.ann) for _ in range(50)]
    for account in (accounts[0], accounts[0], accounts[49]):
        await bank.order(bank.ann, "deposit", destinationAccountId=account["id"])
    return accounts


async def test_fifty_accounts_with_their_transactions_counts_and_turnovers(bank: Bank, queries: list[str]) -> None:
    accounts = await fifty(bank)
    queries.clear()
    claims = [
        {"__typename": "Account", "id": account["id"], "currency": "USD", "minorUnits": 2} for account in accounts
    ]
    selection = "... on Account { transactions(first: 1) { totalCount nodes { amount } } turnover { credited } }"
    entities = (await bank.as_(bank.ann).entities(selection, claims)).ok()["_entities"]
    assert [entity["transactions"]["totalCount"] for entity in entities] == [2, *[0] * 48, 1]
    assert [len(entity["transactions"]["nodes"]) for entity in entities] == [1, *[0] * 48, 1]
    assert [entity["turnover"]["credited"] for entity in entities] == ["20.00", *["0.00"] * 48, "10.00"]
    assert sorted(queries) == ["count_of_accounts", "listing_of_accounts", "turnover"]


async def test_one_account_asked_in_three_ways_costs_three_queries(bank: Bank, queries: list[str]) -> None:
    account = await bank.open(bank.ann, "1.00")
    queries.clear()
    selection = """... on Account {
      a: transactions(first: 1) { nodes { id } } same: transactions(first: 1) { nodes { id } }
      b: transactions(first: 2) { nodes { id } } c: transactions(filter: {type: [FEE]}) { nodes { id } } }"""
    await bank.as_(bank.ann).entities(selection, [{"__typename": "Account", "id": account["id"]}] * 2)
    assert queries == ["listing_of_accounts"] * 3


async def test_fifty_transactions_by_representation(bank: Bank, queries: list[str]) -> None:
    account = await bank.open(bank.ann)
    responses = [
        await bank.order(bank.ann, "deposit", destinationAccountId=account["id"], amount="1.00") for _ in range(5)
    ]
    ids = [response["transaction"]["id"] for response in responses] * 10
    queries.clear()
    claims = [{"__typename": "Transaction", "id": transaction_id} for transaction_id in ids]
    entities = (await bank.as_(bank.ann).entities("... on Transaction { id }", claims)).ok()["_entities"]
    assert [entity["id"] for entity in entities] == ids
    assert queries == ["by_ids"]


async def test_a_count_is_queried_only_if_requested(bank: Bank, queries: list[str]) -> None:
    client = bank.as_(bank.ann)
    (
        await client.execute("{ transactions { nodes { source { accountNumber } counterparty { accountNumber } } } }")
    ).ok()
    assert queries == ["listing"]
    (await client.execute("{ transactions { totalCount } }")).ok()
    assert queries == ["listing", "listing", "count"]
