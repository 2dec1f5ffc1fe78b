"""A client that asks for it sees the plan of its operation and the time of each request to a subgraph."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from router.errors import SubgraphUnreachable
from router.gateway import Gateway
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from router.transport.interface import SubgraphRequest, SubgraphResponse

ON = "query_plan: {in_responses: true}"
ASKING = {"query-plan": "include"}
TWO_STEPS = "{ me { name orders { id } } order(id: 7) { amount } }"


async def respond(query: str, settings: str = ON, headers: dict[str, str] = ASKING, send: Any = None) -> dict[str, Any]:
    gateway = Gateway.from_supergraph(SDL, read(settings, {}), send=send or Shop())
    response = await gateway.execute(GraphQLRequest(query=query, headers=headers))
    return dict(response.body)


async def test_it_is_off_by_default() -> None:
    assert "extensions" not in await respond("{ me { name } }", "")
    assert "extensions" in await respond("{ me { name } }", "query_plan: {in_responses: true}")


async def test_development_switches_it_on() -> None:
    settings = read("", {"MOSAFE_ENV": "development"})
    assert (settings.query_plan.in_responses, settings.ide.enabled) == (True, True)
    assert not read("query_plan: {in_responses: false}", {"MOSAFE_ENV": "development"}).query_plan.in_responses


@pytest.mark.parametrize("headers", [{}, {"query-plan": "none"}, {"query-plan": ""}])
async def test_only_a_client_that_asks_gets_it(headers: dict[str, str]) -> None:
    assert "extensions" not in await respond(TWO_STEPS, headers=headers)


async def test_each_request_of_the_plan_has_its_time() -> None:
    """Holds that `request` counts the fetches of the plan in their order, and the order of the times."""
    shown = (await respond(TWO_STEPS))["extensions"]["queryPlan"]
    assert shown["plan"]["kind"] == "QueryPlan"
    assert shown["planMs"] > 0
    assert not shown["planCached"]
    fetches = _fetches(shown["plan"]["node"])
    by_number = {entry["request"]: entry for entry in shown["requests"]}
    assert sorted(by_number) == list(range(len(fetches))) == [0, 1, 2]
    for number, entry in by_number.items():
        assert entry["subgraph"] == fetches[number]["serviceName"]
        assert entry["status"] == 200
        assert entry["bytes"] > 0
        assert entry["durationMs"] >= 0
    later = next(number for number, fetch in enumerate(fetches) if fetch.get("requires"))
    first = next(number for number, fetch in enumerate(fetches) if fetch["serviceName"] == "people")
    assert by_number[later]["startMs"] >= by_number[first]["startMs"] + by_number[first]["durationMs"]


async def test_equal_requests_are_told_apart() -> None:
    """Two fetches with the same text, at different steps, have their own times."""
    query = 'mutation { a: rename(name: "A") { orders { id } } b: rename(name: "B") { orders { id } } }'
    shown = (await respond(query))["extensions"]["queryPlan"]
    fetches = _fetches(shown["plan"]["node"])
    assert sorted(entry["request"] for entry in shown["requests"]) == list(range(len(fetches)))


async def test_the_time_of_a_slow_subgraph_is_seen() -> None:
    async def slow(request: SubgraphRequest) -> SubgraphResponse:
        await asyncio.sleep(0.02)
        return await Shop()(request)

    shown = (await respond("{ me { name } }", send=slow))["extensions"]["queryPlan"]
    assert shown["requests"][0]["durationMs"] >= 19


async def test_a_failed_request_has_a_time_and_no_status() -> None:
    async def down(request: SubgraphRequest) -> SubgraphResponse:
        raise SubgraphUnreachable(request.subgraph, "no connection")

    response = await respond("{ me { name orders { id } } }", send=down)
    (entry,) = response["extensions"]["queryPlan"]["requests"]
    assert response["errors"]
    assert "status" not in entry
    assert entry["durationMs"] >= 0


async def test_an_operation_without_fetches_has_an_empty_plan() -> None:
    shown = (await respond("{ __typename }"))["extensions"]["queryPlan"]
    assert shown["requests"] == []
    assert shown["plan"] == {"kind": "QueryPlan"}


async def test_a_refused_operation_has_no_plan() -> None:
    assert "extensions" not in await respond("{ nothing }")


def _fetches(node: dict[str, Any]) -> list[dict[str, Any]]:
    if node["kind"] in {"Fetch", "BatchFetch"}:
        return [node]
    inner = node.get("nodes") or [node["node"]]
    return [fetch for child in inner for fetch in _fetches(child)]
