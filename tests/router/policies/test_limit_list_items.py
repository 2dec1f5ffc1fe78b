"""Nested lists are counted before any fetch, with the variables of the request.

Fails on the code of before: five nested pages of a hundred transactions, 249 bytes, were fetched until memory was full.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from router.composition import Subgraph, compose
from router.gateway import Gateway
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from router.transport.interface import SubgraphRequest, SubgraphResponse

BANK: Final = (Path(__file__).parents[3] / "supergraph.graphql").read_text(encoding="utf-8")


def composed(directive: str, imported: str) -> str:
    schema = f"""
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [{imported}])
    type Query {{
      books(first: Int, last: Int): [Book!] @{directive}(slicingArguments: ["first", "last"], assumedSize: 10,
        requireOneSlicingArgument: false)
      plain: [Book!]
    }}
    type Book {{
      id: ID
      authors: [Book!] @{directive}(assumedSize: 5)
      page(first: Int): Page @{directive}(slicingArguments: ["first"], sizedFields: ["nodes"], assumedSize: 7,
        requireOneSlicingArgument: false)
    }}
    type Page {{ nodes: [Book!] total: Int }}
    """
    composition = compose([Subgraph("books", "http://books/graphql", schema)])
    assert composition.supergraph_sdl is not None, composition.errors
    return composition.supergraph_sdl


SDL: Final = composed("listSize", '"@listSize"')


class Fetches:
    """A subgraph that counts its requests."""

    count = 0

    async def __call__(self, request: SubgraphRequest) -> SubgraphResponse:
        del request
        self.count += 1
        return SubgraphResponse.of({"data": {}})


async def error(sdl: str, query: str, variables: dict[str, object] | None = None, settings: str = "") -> Any:
    """The first error if the router refused the operation, else None. A refused operation is not fetched."""
    fetches = Fetches()
    gateway = Gateway.from_supergraph(sdl, read(settings, {}), send=fetches)
    request = GraphQLRequest(query=query, variables=variables or {})
    first = await gateway.execute(request)
    body: Any = (await gateway.execute(request)).body  # this request finds the lists in the cache
    assert ("data" in body) is ("data" in first.body)
    if "data" in body:
        return None
    assert fetches.count == 0
    return body["errors"][0]


async def estimate(query: str, variables: dict[str, object] | None = None, sdl: str = SDL) -> int:
    found = await error(sdl, query, variables, "limits: {list_items: 1}")
    if found is None:
        return 0
    assert found["extensions"]["code"] == "QUERY_TOO_EXPENSIVE"
    number = found["extensions"]["estimate"]
    assert isinstance(number, int)
    return number


@pytest.mark.parametrize(
    ("query", "variables", "items"),
    [
        ("{ books { id } }", {}, 10),
        ("{ books(first: 3) { id } }", {}, 3),
        ("{ books(first: 3, last: 4) { id } }", {}, 4),
        ("{ books(first: null) { id } }", {}, 10),
        ("{ books(first: 3) { authors { id } } }", {}, 3 + 15),
        ("{ books(first: 3) { page(first: 4) { total nodes { id } } } }", {}, 3 + 12),
        ("{ books(first: 3) { page { total } } }", {}, 3),
        ("{ books(first: 3) { page { a: nodes { id } b: nodes { id } } } }", {}, 3 + 42),
        ("{ plain { id } }", {}, 0),
        ("{ plain { authors { id } } }", {}, 5),
        ("query($n: Int) { books(first: $n) { id } }", {"n": 6}, 6),
        ("query($n: Int) { books(first: $n) { id } }", {}, 10),
        ("query($n: Int) { books(first: $n) { id } }", {"n": None}, 10),
        ("query($n: Int = 8) { books(first: $n) { id } }", {}, 8),
        ("query($n: Int = 8) { books(first: $n) { id } }", {"n": 2}, 2),
        ("query($s: Boolean!) { books @skip(if: $s) { id } plain { authors { id } } }", {"s": True}, 5),
        ("query($s: Boolean!) { books @skip(if: $s) { id } plain { authors { id } } }", {"s": False}, 15),
        ("{ plain { authors { id } } ... @include(if: false) { books { id } } }", {}, 5),
        ("{ ...f ...f } fragment f on Query { books(first: 2) { id } }", {}, 4),
        ("{ books(first: 2147483647) { authors { authors { authors { authors { id } } } } } }", {}, 1_677_184_728_307),
    ],
)
async def test_the_estimate_is_the_sum_of_the_items_of_all_lists(
    query: str, variables: dict[str, object], items: int
) -> None:
    assert await estimate(query, variables) == items


@pytest.mark.parametrize(
    ("directive", "imported"), [("federation__listSize", ""), ("size", '{name: "@listSize", as: "@size"}')]
)
async def test_the_directive_may_have_another_name(directive: str, imported: str) -> None:
    assert await estimate("{ books { id } }", sdl=composed(directive, imported)) == 10


async def test_the_limit_is_a_setting() -> None:
    query = "{ books(first: 10) { authors { id } } }"
    assert await error(SDL, query, settings="limits: {list_items: 60}") is None
    found = await error(SDL, query, settings="limits: {list_items: 59}")
    assert found["message"] == (
        "The lists of the operation can have 60 items, more than 59; most of them are at 'books.authors'."
    )
    assert found["extensions"] == {"code": "QUERY_TOO_EXPENSIVE", "estimate": 60, "limit": 59}
    assert await error(SDL, query, settings="limits: {list_items: null}") is None


async def test_a_measured_limit_refuses_nothing() -> None:
    gateway = Gateway.from_supergraph(SDL, read("limits: {list_items: 1, measure: [list_items]}", {}), send=Fetches())
    with capture_logs():
        response = await gateway.execute(GraphQLRequest(query="{ books { id } }"))
    assert "data" in response.body
    assert response.record.exceeds == ("list_items",)
    assert gateway.limits.exceeded["list_items"] == 1


async def test_fragments_that_spread_each_other_twice_take_no_time() -> None:
    fragments = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(40))
    query = f"{{ ...f0 }} {fragments} fragment f40 on Query {{ books {{ id }} }}"
    found = await error(SDL, query, settings="limits: {fields: null, list_items: 1}")
    assert found["extensions"]["estimate"] == 10 * 2**40


NESTED: Final = "transactions(first: 100) { nodes { source { "


@pytest.mark.parametrize(
    "query",
    [
        "{ me { accounts(first: 1) { nodes { " + NESTED * 5 + "id" + " } } }" * 5 + " } } } }",
        "{ me { accounts { nodes { " + "owner { accounts { nodes { " * 4 + "id" + " } } }" * 4 + " } } } }",
    ],
)
async def test_the_queries_that_ate_the_memory_of_the_bank_are_refused(query: str) -> None:
    assert (await error(BANK, query))["extensions"]["code"] == "QUERY_TOO_EXPENSIVE"


@pytest.mark.parametrize(
    "query",
    [
        "{ me { accounts(first: 100) { nodes { transactions(first: 20) { nodes { id } } } } } }",
        "{ me { accounts(first: 100) { nodes { transactions(first: 100) { nodes { id } } } } } }",
        "{ me { accounts { nodes { transactions { nodes { counterparty { owner { name } } } } } } } }",
    ],
)
async def test_reasonable_queries_of_the_bank_pass(query: str) -> None:
    assert await error(BANK, query) is None
