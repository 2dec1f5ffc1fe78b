"""A response that does not fit compiled code is left to the interpreter, and nothing is fetched twice.

Covers `router/executor/compiled/recorded_responses.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from graphql import parse

from router.errors import SubgraphUnreachable
from router.executor.compiled.compile_plan import compile_plan
from router.executor.compiled.execution import execute_compiled
from router.executor.compiled.requests_in_line import LARGE
from router.executor.context_and_result import ExecutionContext
from router.executor.interpreter.execution import execute
from router.get_operation import get_operation
from router.json_codec import encode
from router.planner import plan
from router.transport.interface import SubgraphResponse
from tests.router.shop import GRAPH, Shop

if TYPE_CHECKING:
    from router.executor.context_and_result import ExecutionResult
    from router.transport.interface import SubgraphRequest

ME = "{ me { name orders { id amount } } }"
BOTH = '{ me { name orders { id amount } } order(id: "3") { amount } }'


@dataclass
class InProcess:
    shop: Shop = field(default_factory=Shop)
    answers: dict[str, object] = field(default_factory=dict)
    slow: asyncio.Event | None = None

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        answer = self.answers.get(request.subgraph)
        if self.slow is not None and request.subgraph == "orders":
            await self.slow.wait()
        if isinstance(answer, Exception):
            raise answer
        return await self.shop(request) if answer is None else SubgraphResponse(status=200, body=encode(answer))

    async def aclose(self) -> None:
        self.shop.requests.clear()


async def both(query: str, transport: InProcess) -> tuple[ExecutionResult, ExecutionResult, Exception | None]:
    """The results of the interpreter and of the compiled plan, and why a response did not fit."""
    document = parse(query)
    operation, planned = get_operation(GRAPH.api_schema, document), plan(GRAPH, document)
    context = ExecutionContext(GRAPH.schema, transport)
    expected = await execute(planned, operation, context)
    transport.shop.requests.clear()
    compiled = compile_plan(GRAPH.schema, operation, planned, {})
    with_tasks = replace(compiled, line=None)
    in_general, other_misfit = await execute_compiled(with_tasks, planned, operation, context)
    sent = list(transport.shop.requests)
    transport.shop.requests.clear()
    got, misfit = await execute_compiled(compiled, planned, operation, context)
    assert (got, str(misfit)) == (in_general, str(other_misfit)), "a line of requests has the same result"
    assert transport.shop.requests == sent
    return expected, got, misfit


def test_a_plan_is_a_line_if_each_request_waits_for_the_one_before_it() -> None:
    lines = {}
    for query in (ME, BOTH):
        document = parse(query)
        operation, planned = get_operation(GRAPH.api_schema, document), plan(GRAPH, document)
        lines[query] = compile_plan(GRAPH.schema, operation, planned, {}).line
    assert lines[BOTH] is None
    assert [request.parts[0].fetch.service_name for request in lines[ME] or ()] == ["people", "orders"]


async def test_a_cancelled_line_of_requests_sends_nothing_more() -> None:
    transport = InProcess(slow=asyncio.Event())
    document = parse(ME)
    operation, planned = get_operation(GRAPH.api_schema, document), plan(GRAPH, document)
    compiled = compile_plan(GRAPH.schema, operation, planned, {})
    context = ExecutionContext(GRAPH.schema, transport)
    running = asyncio.create_task(execute_compiled(compiled, planned, operation, context))
    while not transport.shop.requests:
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [request.subgraph for request in transport.shop.requests] == ["people"]


async def test_fitting_responses_need_no_interpreter() -> None:
    transport = InProcess()
    expected, got, misfit = await both(ME, transport)
    assert misfit is None
    assert encode(got.data) == encode(expected.data) != encode(None)
    assert [request.subgraph for request in transport.shop.requests] == ["people", "orders"]
    assert [head.subgraph for head in got.responses] == ["people", "orders"]


@pytest.mark.parametrize(
    "people",
    [
        {"data": {"me": {"__typename": "User", "id": 1, "name": "Ada"}}},
        {"data": {"me": None}, "errors": [{"message": "no", "path": ["me"]}]},
        {"data": {"me": {"__typename": "User", "id": "1", "name": "Ada", "more": 1}}},
        {"data": None},
        [],
        {"data": {"me": {"__typename": "User", "id": "1", "name": "A" * LARGE}}},
    ],
)
async def test_what_does_not_fit_is_interpreted_without_another_request(people: object) -> None:
    transport = InProcess(answers={"people": people})
    expected, got, misfit = await both(ME, transport)
    assert misfit is not None
    assert (encode(got.data), got.errors) == (encode(expected.data), expected.errors)
    assert len(got.responses) == len(expected.responses)
    assert len(transport.shop.requests) == len(expected.responses) - 1, "people is not in the shop"


async def test_a_failed_request_is_not_repeated() -> None:
    transport = InProcess(answers={"orders": SubgraphUnreachable("orders", "The subgraph could not be reached.")})
    expected, got, misfit = await both(ME, transport)
    assert misfit is not None
    assert got.errors == expected.errors != ()
    assert [request.subgraph for request in transport.shop.requests] == ["people"]


async def test_the_interpreter_waits_for_a_request_that_still_runs() -> None:
    transport = InProcess(answers={"people": {"data": {"me": {"name": 1}}}})
    document = parse(BOTH)
    operation, planned = get_operation(GRAPH.api_schema, document), plan(GRAPH, document)
    compiled = compile_plan(GRAPH.schema, operation, planned, {})
    transport.slow = asyncio.Event()
    running = asyncio.create_task(
        execute_compiled(compiled, planned, operation, ExecutionContext(GRAPH.schema, transport))
    )
    for _ in range(20):
        await asyncio.sleep(0)
    assert not running.done()
    transport.slow.set()
    got, misfit = await running
    assert misfit is not None
    assert encode(got.data) == b'{"me":{"name":null,"orders":null},"order":{"amount":"1"}}'
    assert [request.subgraph for request in transport.shop.requests] == ["orders"], "it is sent once"


async def test_a_bug_of_a_transport_reaches_the_interpreter_that_waits() -> None:
    answers: dict[str, object] = {"people": {"data": {"me": {"name": 1}}}, "orders": ValueError("a bug")}
    transport = InProcess(answers=answers, slow=asyncio.Event())
    document = parse(BOTH)
    operation, planned = get_operation(GRAPH.api_schema, document), plan(GRAPH, document)
    compiled = compile_plan(GRAPH.schema, operation, planned, {})
    running = asyncio.create_task(
        execute_compiled(compiled, planned, operation, ExecutionContext(GRAPH.schema, transport))
    )
    for _ in range(20):
        await asyncio.sleep(0)
    assert transport.slow is not None
    transport.slow.set()
    with pytest.raises(ExceptionGroup) as caught:
        await running
    bugs, others = caught.value.split(ValueError)
    assert bugs is not None
    assert others is None
