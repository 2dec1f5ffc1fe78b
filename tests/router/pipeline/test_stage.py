from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from router.errors import Refused, SubgraphTimeout
from router.gateway import Gateway
from router.pipeline import Operation, RequestContext, SendOn, Stage
from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest, GraphQLResponse, Outcome
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from router.plan import QueryPlan
    from router.transport.interface import SubgraphRequest, SubgraphResponse

ME = "query Me { me { name orders { id } } }"


async def ask(*stages: Stage, query: str = ME, **parts: Any) -> tuple[GraphQLResponse, Shop]:
    shop = Shop()
    response = await Gateway.from_supergraph(SDL, send=shop, stages=stages).execute(
        GraphQLRequest(query=query, **parts)
    )
    return response, shop


class Diary(Stage):
    """Notes every place it comes to."""

    def __init__(self, name: str, diary: list[str]) -> None:
        self.name = name
        self.diary = diary

    async def on_request(self, context: RequestContext) -> GraphQLRequest:
        assert context.operation is None
        self.diary.append(f"{self.name} request")
        return context.request

    async def on_operation(self, context: RequestContext, operation: Operation) -> None:
        assert context.operation == operation
        self.diary.append(f"{self.name} operation {operation.kind} {operation.name} {len(operation.hash)}")

    async def on_plan(self, _context: RequestContext, plan: QueryPlan) -> None:
        self.diary.append(f"{self.name} plan {plan.to_json()['kind']}")

    async def on_fetch(self, _context: RequestContext, fetch: SubgraphRequest, send_on: SendOn) -> SubgraphResponse:
        self.diary.append(f"{self.name} fetch {fetch.subgraph}")
        response = await send_on(fetch)
        self.diary.append(f"{self.name} fetched {fetch.subgraph}")
        return response

    async def on_response(self, _context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        self.diary.append(f"{self.name} response")
        return response


async def test_stages_see_each_stage_the_first_outermost() -> None:
    diary: list[str] = []
    await ask(Diary("a", diary), Diary("b", diary), query="query Me { me { name } }")
    assert diary == [
        *("a request", "b request"),
        *("a operation query Me 16", "b operation query Me 16"),
        *("a plan QueryPlan", "b plan QueryPlan"),
        *("a fetch people", "b fetch people", "b fetched people", "a fetched people"),
        *("b response", "a response"),
    ]


async def test_a_stage_may_replace_the_request() -> None:
    class Rewrite(Stage):
        async def on_request(self, context: RequestContext) -> GraphQLRequest:
            return replace(context.request, query='{ greet(name: "x") }')

    response, _ = await ask(Rewrite())
    assert response.body == {"data": {"greet": "Hello x"}}


async def test_a_stage_may_respond_by_itself() -> None:
    class Kept(Stage):
        async def on_request(self, _context: RequestContext) -> GraphQLResponse:
            return GraphQLResponse(body={"data": {"kept": 1}}, outcome=Outcome.EXECUTED, record=RequestRecord())

    response, shop = await ask(Kept())
    assert (response.body, shop.requests) == ({"data": {"kept": 1}}, [])


class RefuseAt(Stage):
    def __init__(self, stage: str) -> None:
        self.stage = stage

    def _refuse(self, stage: str) -> None:
        if stage == self.stage:
            raise Refused("not today", code="CLOSED")

    async def on_request(self, context: RequestContext) -> GraphQLRequest:
        self._refuse("request")
        return context.request

    async def on_operation(self, _context: RequestContext, _operation: Operation) -> None:
        self._refuse("operation")

    async def on_plan(self, _context: RequestContext, _plan: QueryPlan) -> None:
        self._refuse("plan")

    async def on_fetch(self, _context: RequestContext, fetch: SubgraphRequest, send_on: SendOn) -> SubgraphResponse:
        self._refuse("fetch")
        return await send_on(fetch)

    async def on_response(self, _context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        self._refuse("response")
        return response


@pytest.mark.parametrize("stage", ["request", "operation", "plan", "fetch", "response"])
async def test_a_stage_may_refuse_at_any_stage(stage: str) -> None:
    response, _ = await ask(RefuseAt(stage))
    assert response.body == {"errors": [{"message": "not today", "extensions": {"code": "CLOSED"}}]}
    assert response.outcome is Outcome.REFUSED


async def test_a_failing_fetch_stage_fails_that_subgraph_only() -> None:
    class NoOrders(Stage):
        async def on_fetch(self, _context: RequestContext, fetch: SubgraphRequest, send_on: SendOn) -> SubgraphResponse:
            if fetch.subgraph == "orders":
                raise SubgraphTimeout("orders", "too slow")
            return await send_on(fetch)

    response, _ = await ask(NoOrders())
    assert response.body["data"] == {"me": {"name": "Ada", "orders": None}}


async def test_what_a_stage_breaks_is_our_fault_and_no_clients_business() -> None:
    class Broken(Stage):
        async def on_response(self, _context: RequestContext, _response: GraphQLResponse) -> GraphQLResponse:
            raise KeyError("inside")

    response, _ = await ask(Broken())
    assert response.outcome is Outcome.FAILED
    assert "inside" not in str(response.body)


class Slow(Stage):
    """Never comes back from one stage."""

    def __init__(self, stage: str) -> None:
        self._stage = stage

    async def on_request(self, context: RequestContext) -> GraphQLRequest:
        await self._at("request")
        return context.request

    async def on_operation(self, _context: RequestContext, _operation: Operation) -> None:
        await self._at("operation")

    async def on_plan(self, _context: RequestContext, _plan: QueryPlan) -> None:
        await self._at("plan")

    async def on_fetch(self, _context: RequestContext, fetch: SubgraphRequest, send_on: SendOn) -> SubgraphResponse:
        await self._at("fetch")
        return await send_on(fetch)

    async def _at(self, stage: str) -> None:
        if stage == self._stage:
            await asyncio.Event().wait()


@pytest.mark.parametrize("stage", ["request", "operation", "plan", "fetch"])
@pytest.mark.parametrize("query", [ME, 'mutation { rename(name: "x") { id } }'])
async def test_the_deadline_of_a_request_holds_for_stages_too(stage: str, query: str) -> None:
    due = asyncio.get_running_loop().time() + 0.02
    async with asyncio.timeout(30):
        response, shop = await ask(Slow(stage), query=query, deadline=due)
    assert response.outcome is Outcome.TIMED_OUT
    assert shop.requests == []
