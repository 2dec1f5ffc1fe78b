"""The federations of the race: benchmarks/race/shop_federation.py, large_federations.py and recording_server.py."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from benchmarks.race.http_request import send
from benchmarks.race.large_federations import chain, fan_out
from benchmarks.race.recording_server import RecordingServer
from benchmarks.race.scenarios import Operation, Scenario, scenarios
from benchmarks.race.shop_federation import shop
from router.gateway import Gateway
from router.request.request_and_response import GraphQLRequest
from router.transport.interface import SubgraphRequest, SubgraphResponse
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.race.federation import Federation

# The largest federations take seconds to compose; smaller ones of the same kind have the same fields.
SMALL: dict[str, Callable[[], Federation]] = {
    "cold-200x20": partial(chain, 3, 20),
    "cold-100x100": partial(chain, 3, 20),
}
# Many scenarios differ only in how requests arrive, or in the size.
CASES = {repr(each.operations): each for each in scenarios() if each.size in {0, 1, 100}}.values()


async def response(scenario: Scenario, operation: Operation) -> dict[str, object]:
    """The response of the router in front of the subgraphs in this process."""
    federation = SMALL.get(scenario.name, scenario.federation)()

    async def ask(request: SubgraphRequest) -> SubgraphResponse:
        subgraph = federation.subgraphs[request.subgraph]
        found = subgraph.execute(request.operation, json.loads(json.dumps(dict(request.variables))), None)
        return SubgraphResponse(status=200, body=json.dumps(found).encode())

    gateway = Gateway.from_supergraph(federation.supergraph(1), send=ask)
    result = await gateway.execute(GraphQLRequest(query=operation.query, variables=operation.variables))
    return dict(result.body)


@pytest.mark.parametrize("scenario", CASES, ids=lambda each: each.name)
async def test_the_operations_have_responses(scenario: Scenario) -> None:
    has_errors = [("errors" in await response(scenario, each)) for each in scenario.operations[:10]]
    assert has_errors.count(True) == (1 if scenario.name == "errors" else 0)


def test_names_of_scenarios_are_unique() -> None:
    names = [each.name for each in scenarios()]
    assert len(names) == len(set(names))


def test_a_field_of_each_of_many_subgraphs() -> None:
    assert len(fan_out(100).subgraphs) == 100


def test_subgraphs_over_http_are_recorded_once() -> None:
    body = b'{"query":"{ topProducts(first: 1) { name } }"}'
    with RecordingServer(shop(), free_port()) as server:
        first, second = (send(server.port, "/products", body) for _ in range(2))
        assert send(server.port, "/other", body).status == 404
        assert send(server.port, "/products", b'{"query":"{ unknown }"}').status == 400
    assert first == second
    assert json.loads(first.body) == {"data": {"topProducts": [{"name": "Plain thing 0"}]}}
    assert server.records["/products", body].answer == first.body
    assert len(server.problems) == 2
