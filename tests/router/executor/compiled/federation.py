"""Runs operations with the interpreter and with compiled plans, with scripted responses in a given order of arrival."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql import parse

from router.executor.compiled.compile_plan import compile_plan
from router.executor.compiled.execution import execute_compiled
from router.executor.context_and_result import ExecutionContext
from router.executor.interpreter.execution import execute
from router.get_operation import get_operation
from router.json_codec import encode
from router.planner import plan
from router.transport.interface import SubgraphResponse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router.supergraph import Supergraph
    from router.transport.interface import SubgraphRequest

Data = dict[str, object]


@dataclass(slots=True)
class InOrder:
    """A transport that has one response for each subgraph. The responses to `order` arrive one after the other."""

    data: Mapping[str, Data]
    order: Sequence[str] = ()
    requests: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    _arrived: dict[str, asyncio.Event] = field(default_factory=dict)

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Return the response of the subgraph after the responses that arrive earlier."""
        self.requests.append((request.subgraph, request.variables))
        if request.subgraph in self.order:
            position = self.order.index(request.subgraph)
            for earlier in self.order[:position]:
                await self._event(earlier).wait()
            for _ in range(3 * position):
                await asyncio.sleep(0)  # the earlier response is merged before this one arrives
            self._event(request.subgraph).set()
        return SubgraphResponse(status=200, body=encode({"data": self.data[request.subgraph]}))

    async def aclose(self) -> None:
        self.requests.clear()

    def _event(self, subgraph: str) -> asyncio.Event:
        return self._arrived.setdefault(subgraph, asyncio.Event())


@dataclass(frozen=True, slots=True)
class Results:
    """The encoded data of both executions, why a response did not fit the code, and the number of requests."""

    interpreted: bytes
    compiled: bytes
    misfit: Exception | None
    requests: int


async def run_both(supergraph: Supergraph, query: str, data: Mapping[str, Data], order: Sequence[str] = ()) -> Results:
    """Execute the query with the interpreter and with the compiled plan; both send the same requests."""
    document = parse(query)
    operation, planned = get_operation(supergraph.api_schema, document), plan(supergraph, document)
    first, second = InOrder(data, order), InOrder(data, order)
    expected = await execute(planned, operation, ExecutionContext(supergraph.schema, first))
    compiled = compile_plan(supergraph.schema, operation, planned, {})
    got, misfit = await execute_compiled(compiled, planned, operation, ExecutionContext(supergraph.schema, second))
    assert got.errors == expected.errors
    assert sorted(map(encode, first.requests)) == sorted(map(encode, second.requests))
    return Results(encode(expected.data), encode(got.data), misfit, len(second.requests))
