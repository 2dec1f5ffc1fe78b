"""Executions that get the same responses compute only once what follows from them, and only if all inputs are equal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from graphql import parse

from router.executor.compiled.compile_plan import compile_plan
from router.executor.compiled.execution import execute_compiled
from router.executor.context_and_result import ExecutionContext
from router.executor.graphql_over_http import EncodingLayer, encode_body
from router.get_operation import get_operation
from router.json_codec import BYTE_ORDER_MARK, encode
from router.planner import plan
from router.transport.interface import SharedBody, SubgraphResponse
from router.transport.layers.deduplication import DeduplicationLayer
from tests.router.shop import GRAPH, Shop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.transport.interface import SubgraphRequest

ME = "query($more: Boolean!) { me { name orders { id amount @include(if: $more) } } }"
ORDERS_OF_EVE = b'{"data":{"_entities":[{"orders":[{"id":"9","amount":"3"}]}]}}'
DATA = b'{"me":{"name":"Ada","orders":[{"id":"7","amount":"0.10"},{"id":"8","amount":"2"}]}}'
DOCUMENT = parse(ME)
OPERATION, PLAN = get_operation(GRAPH.api_schema, DOCUMENT), plan(GRAPH, DOCUMENT)
MORE = {"more": True}
COMPILED = compile_plan(GRAPH.schema, OPERATION, PLAN, MORE)


@dataclass
class Bodies:
    """A transport with one body for each subgraph. `sent` has the bodies of the requests."""

    people: bytes = b'{"data":{"me":{"__typename":"User","id":"1","name":"Ada"}}}'
    orders: bytes = b'{"data":{"_entities":[{"orders":[{"id":"7","amount":"0.10"},{"id":"8","amount":"2"}]}]}}'
    sent: list[bytes] = field(default_factory=list)

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        self.sent.append(request.body or encode_body(request))
        return SubgraphResponse(status=200, body=getattr(self, request.subgraph))

    async def aclose(self) -> None:
        self.sent.clear()


async def data_of(bodies: Bodies, variables: Mapping[str, object] = MORE) -> bytes:
    context = ExecutionContext(GRAPH.schema, bodies, variables, sends_bodies=True)
    result, misfit = await execute_compiled(COMPILED, PLAN, OPERATION, context)
    assert misfit is None
    return encode(result.data)


async def test_the_next_request_and_the_data_are_computed_once_for_shared_responses() -> None:
    people, orders = SharedBody(Bodies.people), SharedBody(Bodies.orders)
    bodies = Bodies(people, orders)
    assert [await data_of(bodies) for _ in range(3)] == [DATA] * 3
    assert (len(people.results), len(orders.results)) == (1, 1)
    _, first, _, second, _, third = bodies.sent
    assert first is second is third


async def test_executions_with_other_variables_compute_for_themselves() -> None:
    people = SharedBody(Bodies.people)
    for other in (True, 1, 1.0, "1"):
        assert await data_of(Bodies(people), {**MORE, "other": other}) == DATA
    assert len(people.results) == 4


async def test_other_plans_compute_for_themselves() -> None:
    people, orders = SharedBody(Bodies.people), SharedBody(Bodies.orders)
    assert await data_of(Bodies(people, orders)) == DATA
    again = compile_plan(GRAPH.schema, OPERATION, PLAN, MORE)
    context = ExecutionContext(GRAPH.schema, Bodies(people, orders), MORE, sends_bodies=True)
    result, _ = await execute_compiled(again, PLAN, OPERATION, context)
    assert encode(result.data) == DATA
    assert (len(people.results), len(orders.results)) == (2, 2)


@pytest.mark.parametrize("shared", [True, False])
async def test_an_execution_with_another_second_response_has_its_own_data(shared: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    people, orders = SharedBody(Bodies.people), SharedBody(Bodies.orders)
    own = SharedBody(ORDERS_OF_EVE) if shared else ORDERS_OF_EVE
    assert await data_of(Bodies(people, orders)) == DATA
    assert await data_of(Bodies(people, own)) == b'{"me":{"name":"Ada","orders":[{"id":"9","amount":"3"}]}}'
    assert await data_of(Bodies(people, orders)) == DATA


async def test_a_changed_body_has_no_results_of_others() -> None:
    people, orders = SharedBody(Bodies.people), SharedBody(Bodies.orders)
    assert await data_of(Bodies(people, orders)) == DATA
    for changed in (people.replace(b"Ada", b"Eve"), BYTE_ORDER_MARK + people.replace(b"Ada", b"Eve")):
        assert await data_of(Bodies(changed, orders)) == DATA.replace(b"Ada", b"Eve")


async def test_the_second_response_is_not_shared_by_executions_whose_first_responses_differ() -> None:
    orders = SharedBody(Bodies.orders)
    ada, eve = SharedBody(Bodies.people), SharedBody(Bodies.people.replace(b"Ada", b"Eve"))
    assert await data_of(Bodies(ada, orders)) == DATA
    assert await data_of(Bodies(eve, orders)) == DATA.replace(b"Ada", b"Eve")


async def test_a_misfit_is_found_by_each_execution() -> None:
    people = SharedBody(Bodies.people.replace(b'"Ada"', b"1"))
    for _ in range(2):
        context = ExecutionContext(GRAPH.schema, Bodies(people), MORE, sends_bodies=True)
        result, misfit = await execute_compiled(COMPILED, PLAN, OPERATION, context)
        assert misfit is not None
        assert encode(result.data) == DATA.replace(b'"Ada"', b"null")
    assert not people.results


async def test_a_change_of_one_clients_data_is_not_seen_by_others() -> None:
    bodies = Bodies(SharedBody(Bodies.people), SharedBody(Bodies.orders))
    context = ExecutionContext(GRAPH.schema, bodies, MORE, sends_bodies=True)
    first, _ = await execute_compiled(COMPILED, PLAN, OPERATION, context)
    second, _ = await execute_compiled(COMPILED, PLAN, OPERATION, context)
    members = first.data.members()  # type: ignore[union-attr]  # compiled plans return an `EncodedObject`
    members.clear()
    assert encode(second.data) == DATA
    assert set(second.data or ()) == {"me"}


async def test_executions_at_the_same_time_share_through_the_deduplication() -> None:
    shop = Shop()

    class Slow:
        async def send(self, request: SubgraphRequest) -> SubgraphResponse:
            await asyncio.sleep(0)
            return await shop(request)

        async def aclose(self) -> None:
            shop.requests.clear()

    layer = DeduplicationLayer(Slow(), {"people": "all", "orders": "all"})
    context = ExecutionContext(GRAPH.schema, EncodingLayer(layer), MORE)
    results = await asyncio.gather(*(execute_compiled(COMPILED, PLAN, OPERATION, context) for _ in range(5)))
    assert {encode(result.data) for result, _ in results} == {DATA}
    assert [request.subgraph for request in shop.requests] == ["people", "orders"]
    assert layer.shared == 8
