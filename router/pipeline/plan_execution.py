"""Executes the plan of a request, and makes the response from the result."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Protocol

from router.executor.compiled.execution import execute_compiled
from router.executor.context_and_result import ExecutionContext
from router.executor.interpreter.execution import execute
from router.request.credential_headers import is_anonymous
from router.request.request_and_response import GraphQLResponse, Outcome
from router.transport.layers.fetch_totals import FetchTotalsLayer

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from router.executor.context_and_result import ExecutionResult
    from router.executor.graphql_over_http import EncodingLayer
    from router.pipeline.compile_frequent_plans import CompiledPlans
    from router.pipeline.request_context import RequestContext
    from router.pipeline.stage_chain import StageChain
    from router.plan import QueryPlan
    from router.preparation.operation_seen_by_stages import Operation
    from router.request.request_and_response import Response
    from router.supergraph import Supergraph
    from router.transport.interface import Caller


class ExecutionParts(Protocol):
    """The parts of a gateway that `Execution` uses."""

    @property
    def supergraph(self) -> Supergraph: ...
    @property
    def transport(self) -> EncodingLayer: ...
    @property
    def stages(self) -> StageChain: ...
    @property
    def compiled_plans(self) -> CompiledPlans: ...


class Execution:
    """Executes plans for one supergraph. Compiled code executes the plans that have been compiled.

    All fetches are sent with the same transport.
    """

    def __init__(self, parts: ExecutionParts) -> None:
        self._schema = parts.supergraph.schema
        self._transport = parts.transport
        self._stages = parts.stages
        self._compiled_plans = parts.compiled_plans
        self._sends_bodies = parts.transport.reads_only_bodies and not parts.stages.changes_fetches

    def run(self, context: RequestContext, operation: Operation, plan: QueryPlan) -> Awaitable[Response]:
        """Execute a plan and return the response. `Stage.on_execution` of each stage surrounds the execution."""
        if not self._stages.has_on_execution:
            return self._run(context, operation, plan)
        return self._stages.execution(context, partial(self._run, context, operation, plan))

    async def _run(self, context: RequestContext, operation: Operation, plan: QueryPlan) -> GraphQLResponse:
        record = context.record
        started = time.perf_counter()
        try:
            result = await self._execute(context, operation, plan)
        finally:
            record.execute = time.perf_counter() - started
        context.completed, context.responses = result.data, result.responses
        errors = result.errors if not context.errors else (*context.errors, *result.errors)
        body: dict[str, object] = {"data": result.data}
        if errors:
            body["errors"] = self._stages.errors(context, errors)
        return GraphQLResponse(body=body, outcome=Outcome.EXECUTED, record=record)

    async def _execute(self, context: RequestContext, operation: Operation, plan: QueryPlan) -> ExecutionResult:
        inputs = ExecutionContext(
            schema=self._schema,
            transport=self._stages.around(FetchTotalsLayer(self._transport, context.record), context),
            variables=context.variables,
            headers=context.fetch_headers,
            deadline=context.deadline,
            caller=_caller(context),
            sends_bodies=self._sends_bodies,
        )
        begun = self._compiled_plans.begin(plan, operation.client, context.variables)
        if begun is None:
            return await execute(plan, operation.client, inputs)
        usage, compiled = begun
        result, misfit = await execute_compiled(compiled, plan, operation.client, inputs)
        self._compiled_plans.count(usage, misfit)
        return result


def _caller(context: RequestContext) -> Caller:
    if context.identity is not None:
        return "verified" if context.identity.is_known_alive else "unverified"
    received, request = context.received, context.request
    headers = received.headers if request is received else (*received.headers, *request.headers)
    return "anonymous" if is_anonymous(headers) else "unverified"
