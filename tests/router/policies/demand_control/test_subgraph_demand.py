"""The fetches to one subgraph for one request have their own limit."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from router.gateway import Gateway
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from tests.router.policies.demand_control.library import SDL, Library

QUERY = "{ plain { title reviews(first: 5) { text } } }"


async def run(settings: str, query: str = QUERY) -> tuple[Any, list[str]]:
    library = Library()
    gateway = Gateway.from_supergraph(SDL, read(settings, {}), send=library)
    await gateway.execute(GraphQLRequest(query=query))
    library.fetches.clear()
    response = await gateway.execute(GraphQLRequest(query=query))  # finds the prices of the plan
    return response.body, library.fetches


@pytest.mark.parametrize("key", ["subgraph_max_cost: {}", "subgraphs: {{reviews: {{max_cost: {}}}}}"])
async def test_a_fetch_above_the_limit_is_not_sent(key: str) -> None:
    cost = 2 * (1 + 5)  # two entities with five reviews each; the books are estimated with 10
    body, fetches = await run(f"demand_control: {{mode: enforce, {key.format(cost)}}}")
    assert (fetches, "errors" in body) == (["books", "reviews"], False)
    body, fetches = await run(f"demand_control: {{mode: enforce, {key.format(cost - 1)}}}")
    assert fetches == ["books"]
    assert body["data"] == {"plain": [{"title": "t", "reviews": None}, {"title": "t", "reviews": None}]}
    assert {error["extensions"]["code"] for error in body["errors"]} == {"SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE"}


async def test_fetches_of_one_request_add_up() -> None:
    query = "mutation { a: add { title } b: add { title } reviews: add { reviews { text } } }"
    body, fetches = await run("demand_control: {mode: enforce, subgraphs: {books: {max_cost: 13}}}", query)
    assert "errors" not in body
    assert len(fetches) == 2


async def test_in_measure_mode_the_fetch_is_sent_and_reported() -> None:
    with capture_logs() as lines:
        body, fetches = await run("demand_control: {mode: measure, subgraph_max_cost: 11}")
    assert ("errors" in body, fetches) == (False, ["books", "reviews"])
    found = {(line["event"], line["subgraph"], line["refused"]) for line in lines}
    assert found == {("cost exceeded", "reviews", False)}


async def test_an_unknown_subgraph_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match=r"demand_control\.subgraphs\.nobody"):
        Gateway.from_supergraph(SDL, read("demand_control: {subgraphs: {nobody: {max_cost: 1}}}", {}), send=Library())
