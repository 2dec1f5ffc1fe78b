"""Each level of an operation costs one store query, for any number of accounts.

Covers `subgraphs/account/loaders.py` and `subgraphs/account/context.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from subgraphs.account.store.sqlite import SqliteAccountStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.subgraphs.account.conftest import Service

READS = ("by_ids", "by_numbers", "page", "count", "pages_of", "counts_of", "entries", "balances_before")


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the methods that read the real store, in order."""
    seen: list[str] = []
    for name in READS:
        original = getattr(SqliteAccountStore, name)

        def counted(*args: object, _name: str = name, _original: object = original) -> object:
            seen.append(_name)
            return _original(*args)  # type: ignore[operator] # a bound default, not an annotated one

        monkeypatch.setattr(SqliteAccountStore, name, counted)
    return iter([seen])


async def fifty(service: Service) -> list[dict[str, str]]:
    return [await service.open(service.ann) for _ in range(50)]


async def test_fifty_entities_by_either_key(service: Service, queries: Iterator[list[str]]) -> None:
    accounts, seen = await fifty(service), next(queries)
    for key, query in (("id", "by_ids"), ("accountNumber", "by_numbers")):
        seen.clear()
        representations = [{"__typename": "Account", key: account[key]} for account in accounts]
        data = (await service.as_(service.ann).entities("... on Account { id balance }", representations)).ok()
        assert [entity["id"] for entity in data["_entities"]] == [account["id"] for account in accounts]
        assert seen == [query]


async def test_owners_of_fifty_accounts_and_their_accounts(service: Service, queries: Iterator[list[str]]) -> None:
    accounts, seen = await fifty(service), next(queries)
    bobs = await service.open(service.bob)
    seen.clear()
    document = "{ accounts(first: 51) { nodes { owner { accounts(first: 20) { totalCount nodes { id } } } } } }"
    data = (await service.as_(service.staff).execute(document)).ok()
    owned = [node["owner"]["accounts"] for node in data["accounts"]["nodes"]]
    assert owned[0]["totalCount"] == len(accounts)
    assert owned[-1]["nodes"] == [{"id": bobs["id"]}]
    assert seen == ["page", "pages_of", "counts_of"]


async def test_a_count_is_queried_only_if_requested(service: Service, queries: Iterator[list[str]]) -> None:
    seen = next(queries)
    await service.as_(service.ann).execute("{ accounts { nodes { id } } }")
    assert seen == ["pages_of"]


async def test_an_identical_list_is_read_once_wherever_the_query_has_it(
    service: Service, queries: Iterator[list[str]]
) -> None:
    """Before, each alias of a list of staff was its own query, and each owner of an account another object."""
    await service.open(service.ann)
    seen = next(queries)
    seen.clear()
    document = (
        "{ a: accounts { ...F } b: accounts { ...F } } fragment F on AccountConnection { totalCount nodes { id } }"
    )
    data = (await service.as_(service.staff).execute(document)).ok()
    assert data["a"] == data["b"]
    assert seen == ["page", "count"]


async def test_statements_of_fifty_accounts(service: Service, queries: Iterator[list[str]]) -> None:
    await fifty(service)
    seen = next(queries)
    seen.clear()
    document = """{ accounts(first: 50) { nodes {
      balanceAt(at: "2026-02-01T00:00:00.000Z")
      statement { openingBalance closingBalance
        entries { nodes { amount } } } } } }"""
    data = (await service.as_(service.ann).execute(document)).ok()
    assert {node["balanceAt"] for node in data["accounts"]["nodes"]} == {"0.00"}
    assert sorted(seen) == ["balances_before", "balances_before", "entries", "pages_of"]
