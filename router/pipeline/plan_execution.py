"""Executes the plan of a request, and makes the response from the result."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from router.executor.context_and_result import ExecutionContext
from router.executor.interpreter.execution import execute
from router.request.credential_headers import is_anonymous
from router.request.request_and_response import GraphQLResponse, Outcome
from router.transport.layers.fetch_totals import FetchTotalsLayer

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from router.pipeline.request_context import RequestContext
    from router.pipeline.stage_chain import StageChain
    from router.plan import QueryPlan
    from router.preparation.request_operation import Operation
    from router.request.request_and_response import Response
    from router.supergraph import Supergraph
    from router.transport.interface import Transport


class Execution:
    """Executes plans for one supergraph. All fetches are sent with the same transport."""

    def __init__(self, graph: Supergraph, transport: Transport, stages: StageChain) -> None:
        self._schema = graph.schema
        self._transport = transport
        self._stages = stages

    def run(self, context: RequestContext, operation: Operation, plan: QueryPlan) -> Awaitable[Response]:
        """Execute a plan and return the response. `Stage.on_execution` of each stage surrounds the execution."""
        return self._stages.execution(context, partial(self._run, context, operation, plan))

    async def _run(self, context: RequestContext, operation: Operation, plan: QueryPlan) -> GraphQLResponse:
        record = context.record
        started = time.perf_counter()
        try:
            result = await execute(plan, operation.client, self._inputs(context))
        finally:
            record.execute = time.perf_counter() - started
        context.data, context.responses = result.data, result.responses
        errors = result.errors if not context.errors else (*context.errors, *result.errors)
        body: dict[str, object] = {"data": result.data}
        if errors:
            body["errors"] = self._stages.errors(context, errors)
        return GraphQLResponse(body=body, outcome=Outcome.EXECUTED, record=record)

    def _inputs(self, context: RequestContext) -> ExecutionContext:
        return ExecutionContext(
            schema=self._schema,
            transport=self._stages.around(FetchTotalsLayer(self._transport, context.record), context),
            variables=context.variables,
            headers=context.fetch_headers,
            deadline=context.deadline,
            is_anonymous=context.identity is None
            and is_anonymous((*context.received.headers, *context.request.headers)),
        )
