"""What stages do to requests and responses.

Covers `router/pipeline/stage_chain.py`, `router/pipeline/plan_execution.py` and `router/pipeline/request_context.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from graphql import parse
from msgspec import structs
from msgspec.structs import replace as changed

from router.errors import DOWNSTREAM_SERVICE_ERROR, Refused, ResponseError
from router.gateway import Gateway
from router.get_operation import get_operation
from router.pipeline import Operation, RequestContext, RunOn, SendOn, Stage
from router.pipeline.stage_chain import StageChain
from router.preparation.make_and_cache_plans import PlanKey
from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest, GraphQLResponse, Outcome, ResponseStream
from router.transport.in_process import InProcessTransport
from tests.router.pipeline.contexts import context_of
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence

    from router.preparation.read_and_cache_documents import Document
    from router.request.request_and_response import Response
    from router.transport.interface import SubgraphRequest, SubgraphResponse

ME = "query Me { me { name orders { id } } }"


def gateway(*stages: Stage, shop: Shop | None = None) -> Gateway:
    return Gateway.from_supergraph(SDL, send=shop or Shop(), stages=stages)


async def ask(one: Gateway, query: str = ME, **parts: Any) -> GraphQLResponse:
    return await one.execute(GraphQLRequest(query=query, **parts))


async def test_without_stages_a_request_passes_as_it_is() -> None:
    chain, context = StageChain([]), context_of(GraphQLRequest(query=ME))
    response = GraphQLResponse(body={}, outcome=Outcome.EXECUTED, record=context.record)
    assert await chain.request(context) is None
    transport = InProcessTransport(Shop())
    assert chain.around(transport, context) is transport
    assert await chain.response(context, response) is response


async def test_a_document_is_shown_once_it_is_valid_and_keeps_notes() -> None:
    class Counting(Stage):
        async def on_document(self, context: RequestContext, document: Document) -> None:
            assert context.operation is None
            document.notes[self] = seen = document.notes.get(self, 0) + 1  # type: ignore[operator]  # a number
            context.state["seen"] = seen

        async def on_response(self, context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
            return structs.replace(response, body={**response.body, "extensions": {"seen": context.state.get("seen")}})

    one = gateway(Counting())
    assert [(await ask(one)).body["extensions"] for _ in range(2)] == [{"seen": 1}, {"seen": 2}]
    assert (await ask(one, "{ nothing }")).body["extensions"] == {"seen": None}


class WithoutOrders(Stage):
    """Leaves out a field of the operation, for clients that ask for that."""

    async def on_operation(self, context: RequestContext, operation: Operation) -> Operation | None:
        if "x-poor" not in context.request.headers:
            return None
        context.errors.append(ResponseError(message="not for you", code="UNAUTHORIZED", path=("me", "orders")))
        document = parse("query Me { me { name } }")
        return structs.replace(operation, planned=get_operation(operation.client.api_schema, document))


class WithoutOrdersByKey(WithoutOrders):
    def plan_key(self, context: RequestContext, key: PlanKey) -> PlanKey:
        return key._replace(parts=(*key.parts, "x-poor" in context.request.headers))


@pytest.mark.parametrize("stage", [WithoutOrders, WithoutOrdersByKey])
async def test_a_field_left_out_of_the_planned_operation_is_not_fetched_and_null(stage: type[Stage]) -> None:
    shop = Shop()
    one = gateway(stage(), shop=shop)
    for poor in [await ask(one, headers={"x-poor": "1"}) for _ in range(2)]:
        assert poor.body == {
            "data": {"me": {"name": "Ada", "orders": None}},
            "errors": [{"message": "not for you", "path": ["me", "orders"], "extensions": {"code": "UNAUTHORIZED"}}],
        }
        assert (poor.record.errors, poor.record.codes) == (1, ("UNAUTHORIZED",))
    assert [request.subgraph for request in shop.requests] == ["people", "people"]
    rich = await ask(one)
    assert rich.body["data"] == {"me": {"name": "Ada", "orders": [{"id": "7"}, {"id": "8"}]}}
    assert len(one.preparation.plans) == 2, "each operation has its plan"


@pytest.mark.parametrize("stage", [WithoutOrders, WithoutOrdersByKey])
async def test_a_plan_prepared_ahead_is_not_used_for_another_operation(stage: type[Stage]) -> None:
    shop = Shop()
    one = gateway(stage(), shop=shop)
    one.prepare(ME)
    assert (await ask(one, headers={"x-poor": "1"})).body["data"] == {"me": {"name": "Ada", "orders": None}}
    assert [request.subgraph for request in shop.requests] == ["people"]


def test_each_combination_of_likely_plans_is_prepared() -> None:
    class Either(Stage):
        def __init__(self, *parts: str) -> None:
            self._parts = parts

        def likely_plans(self, operation: Operation, key: PlanKey) -> Iterable[tuple[Operation, PlanKey]]:
            return [(operation, key._replace(parts=(*key.parts, part))) for part in self._parts]

    one = gateway(Either("a", "b"), Stage(), Either("c", "d"))
    one.prepare(ME)
    assert len(one.preparation.plans) == 4
    assert one.stages.plan_key(context_of(GraphQLRequest()), PlanKey(ME, None)) == PlanKey(ME, None)


async def test_headers_that_a_stage_sets_reach_that_subgraph() -> None:
    class Claims(Stage):
        async def on_plan(self, context: RequestContext, _plan: object) -> None:
            context.fetch_headers = {"people": {"x-user": "1"}}

    shop = Shop()
    await ask(gateway(Claims(), shop=shop))
    assert [request.headers for request in shop.requests] == [{"x-user": "1"}, {}]


async def test_a_stage_around_execution_may_share_a_response() -> None:
    class Sharing(Stage):
        def __init__(self) -> None:
            self.known: dict[str, Response] = {}

        async def on_execution(self, context: RequestContext, run_on: RunOn) -> Response:
            if context.request.query not in self.known:
                self.known[context.request.query] = await run_on()
            return self.known[context.request.query]

    shop = Shop()
    one = gateway(Sharing(), shop=shop)
    first, second = await ask(one), await ask(one)
    assert first.body == second.body
    assert len(shop.requests) == 2, "the two fetches of one execution"


async def test_errors_are_shown_with_their_origin_before_they_are_masked() -> None:
    class Renaming(Stage):
        async def on_fetch(self, _context: RequestContext, fetch: SubgraphRequest, send_on: SendOn) -> SubgraphResponse:
            response = await send_on(fetch)
            return changed(response, body=b'{"data":{"me":null},"errors":[{"message":"SQL","path":["me"]}]}')

        def on_errors(self, _context: RequestContext, errors: Sequence[ResponseError]) -> Sequence[ResponseError]:
            assert [(error.origin, error.message) for error in errors] == [("people", "SQL")]
            return [replace(error, origin=None, message="renamed") for error in errors]

    response = await ask(gateway(Renaming()))
    assert response.body["errors"] == [
        {"message": "renamed", "path": ["me"], "extensions": {"code": DOWNSTREAM_SERVICE_ERROR}}
    ]


async def test_a_refusal_may_say_the_status_and_headers_and_passes_the_stages_of_responses() -> None:
    class Limited(Stage):
        async def on_request(self, _context: RequestContext) -> None:
            raise Refused("slower", code="RATE_LIMITED", status=429, headers=(("Retry-After", "7"),))

        async def on_response(self, _context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
            return structs.replace(response, headers=(*response.headers, ("x-seen", "1")))

    response = await ask(gateway(Limited()))
    assert response.body == {"errors": [{"message": "slower", "extensions": {"code": "RATE_LIMITED"}}]}
    assert (response.outcome, response.status) == (Outcome.REFUSED, 429)
    assert response.headers == (("Retry-After", "7"), ("x-seen", "1"))


async def test_heads_of_subgraph_responses_are_there_at_the_end() -> None:
    class Costs(Stage):
        async def on_fetch(self, _context: RequestContext, fetch: SubgraphRequest, send_on: SendOn) -> SubgraphResponse:
            return changed(await send_on(fetch), headers={"x-cost": fetch.subgraph})

        async def on_response(self, context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
            heads = [(head.subgraph, head.status, head.headers["x-cost"]) for head in context.responses]
            return structs.replace(response, body={"heads": heads})

    response = await ask(gateway(Costs()))
    assert response.body == {"heads": [("people", 200, "people"), ("orders", 200, "orders")]}


async def test_surroundings_are_entered_first_and_left_last_the_first_stage_outermost() -> None:
    diary: list[str] = []

    class Span(Stage):
        def __init__(self, name: str) -> None:
            self._name = name

        @contextmanager
        def surround(self, _context: RequestContext) -> Iterator[None]:
            diary.append(f"enter {self._name}")
            yield
            diary.append(f"leave {self._name}")

        async def on_request(self, _context: RequestContext) -> None:
            diary.append(f"request {self._name}")

    await ask(gateway(Span("a"), Span("b")))
    assert diary == ["enter a", "enter b", "request a", "request b", "leave b", "leave a"]


async def test_a_stage_goes_on_from_the_one_of_its_class_and_is_closed() -> None:
    class Learning(Stage):
        learnt = 0
        closed = False

        def inherit(self, previous: Stage) -> None:
            assert isinstance(previous, Learning)
            self.learnt = previous.learnt

        async def aclose(self) -> None:
            self.closed = True

    old, new = Learning(), Learning()
    old.learnt = 7
    chain = StageChain([Stage(), new])
    chain.inherit(StageChain([old]))
    await chain.aclose()
    assert (new.learnt, new.closed, old.closed) == (7, True, False)
    assert chain.find(Learning) is new
    assert StageChain([]).find(Learning) is None


class Streaming(Stage):
    """Responds with the numbers from 0."""

    def __init__(self) -> None:
        self.closed = False

    async def on_execution(self, _context: RequestContext, _run_on: RunOn) -> Response:
        return ResponseStream(parts=self._parts(), record=RequestRecord())

    async def _parts(self) -> AsyncGenerator[GraphQLResponse]:
        try:
            for number in range(100):
                yield GraphQLResponse(body={"n": number}, outcome=Outcome.EXECUTED, record=RequestRecord())
        finally:
            self.closed = True


class Doubling(Stage):
    async def on_response(self, _context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        return structs.replace(response, body={"n": 2 * response.body["n"]})  # type: ignore[operator]  # a number


async def test_each_response_of_a_stream_passes_the_stages_of_responses() -> None:
    streaming = Streaming()
    response = await gateway(Doubling(), streaming).respond(GraphQLRequest(query=ME))
    assert isinstance(response, ResponseStream)
    numbers = []
    async for part in response.parts:
        numbers.append(part.body["n"])
        if len(numbers) == 3:
            break
    await response.parts.aclose()
    assert numbers == [0, 2, 4]
    assert streaming.closed


async def test_a_caller_that_expects_one_response_does_not_get_a_stream() -> None:
    with pytest.raises(TypeError, match="stream"):
        await ask(gateway(Streaming()))


async def test_the_deadline_is_the_requests_own_or_the_timeout() -> None:
    time = asyncio.get_running_loop().time
    now = time()
    assert RequestContext.of(GraphQLRequest(deadline=now + 1), 5).deadline == now + 1
    assert RequestContext.of(GraphQLRequest(deadline=0.0), 5).deadline == 0.0
    assert now + 5 <= RequestContext.of(GraphQLRequest(), 5).deadline <= time() + 5
