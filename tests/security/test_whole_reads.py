"""Many counts, sums and filtered lists in one small request, each of which reads a whole history.

Each returns one object or none, so the limit on objects does not bound them. On the code of before, 99 counts in one
request to the port of the transaction service took 4 s of CPU on a history of 20,000 transactions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.subgraphs.bank import open_bank
from tests.subgraphs.support import GraphQLClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ACCOUNT = {"__typename": "Account", "id": "0" * 24, "currency": "EUR", "minorUnits": 2}
# Fields of the root and of an account; `#` is the number of the repetition.
ROOT = {
    "counts": 'transactions(first: 0, filter: {minAmount: "1.#"}) { totalCount }',
    "filtered lists": 'transactions(first: 1, filter: {maxAmount: "1.#"}) { nodes { id } }',
}
OF_ACCOUNT = {
    **ROOT,
    "counts of times": 'transactions(first: 0, filter: {to: "20#-01-01T00:00:00Z"}) { totalCount }',
    "sums": 'turnover(from: "20#-01-01T00:00:00Z") { debited }',
}


def root(field: str, number: int) -> tuple[str, dict[str, Any]]:
    """`number` aliased fields of the root."""
    return "{ " + " ".join(f"a{i}: {field}".replace("#", str(i + 10)) for i in range(number)) + " }", {}


def entities(field: str, number: int) -> tuple[str, dict[str, Any]]:
    """The same in the form of a router that puts many fetches into one request: these aliases do not count."""
    parts = (f"e{i}: _entities(representations: $r) {{ ... on Account {{ {field} }} }}" for i in range(number))
    text = " ".join(part.replace("#", str(i + 10)) for i, part in enumerate(parts))
    return f"query ($r: [_Any!]!) {{ {text} }}", {"r": [ACCOUNT]}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[GraphQLClient]:
    async with open_bank(tmp_path) as bank:
        yield GraphQLClient(bank.transactions, bank.ann.token)


@pytest.mark.parametrize(
    ("shape", "name"), [*((root, name) for name in ROOT), *((entities, name) for name in OF_ACCOUNT)]
)
async def test_a_request_has_a_bounded_number_of_them(client: GraphQLClient, shape: Any, name: str) -> None:
    response = await client.execute(*shape(OF_ACCOUNT[name], 25))
    assert "QUERY_TOO_EXPENSIVE" in response.codes


@pytest.mark.parametrize("shape", [root, entities])
async def test_pages_and_equal_counts_are_free(client: GraphQLClient, shape: Any) -> None:
    pages = 'transactions(first: 1, filter: {from: "20#-01-01T00:00:00Z"}) { nodes { id } }'
    (await client.execute(*shape(pages, 25))).ok()
    (await client.execute(*shape("transactions(first: 1) { totalCount }", 25))).ok()


async def test_a_year_of_sums_of_many_accounts_is_answered(client: GraphQLClient) -> None:
    text, _ = entities(OF_ACCOUNT["sums"], 12)
    accounts = [{**ACCOUNT, "id": f"{i:024x}"} for i in range(80)]
    (await client.execute(text, {"r": accounts})).ok()
