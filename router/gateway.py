"""The router on one screen: the steps of a request, in their order.

    request ─> document ─> operation ─> variables ─> plan ─> execution ─> errors ─> response
               └──────────── preparation ─────────────┘

The stages of the pipeline run between these steps: the policies (`router/policies/policy_order.py`) and the stages of a
program that embeds the router. A `RequestError` ends a request that the client must change. Errors of subgraphs are
part of the response. Any other exception is the router's fault: the client gets an id, the log gets the traceback.
"""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

from router import supergraph
from router.executor.graphql.variable_coercion import coerce
from router.gateway_assembly import assemble
from router.pipeline.failure_responses import failed
from router.pipeline.plan_execution import Execution
from router.pipeline.request_context import RequestContext
from router.pipeline.running_mutations import RunningMutations
from router.preparation.plan_cache import PlanKey
from router.request.request_and_response import ResponseStream
from router.server.graphql_and_health import graphql_endpoint, with_health
from router.settings.model import RouterSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.gateway_assembly import GatewayParts
    from router.pipeline.stage import Stage
    from router.plan import QueryPlan
    from router.preparation.request_operation import Operation
    from router.request.request_and_response import GraphQLRequest, GraphQLResponse, Response
    from router.server.overload_protection import OverloadGuard
    from router.transport.in_process import SubgraphHandler
    from servicekit.asgi import ASGIApp

MUTATION_GRACE_SECONDS = 1.0
"""How long closing waits for mutations whose clients left: about one fetch, within the time that a shutdown has."""


class Gateway:
    """One supergraph, served: `execute` takes a GraphQL request, `asgi` is an application for HTTP."""

    def __init__(self, parts: GatewayParts) -> None:
        self._parts = parts
        self.preparation, self.stages, self.limits = parts.preparation, parts.stages, parts.limits
        self._execution = Execution(parts.supergraph, parts.transport, parts.stages)
        self._mutations = RunningMutations()

    @classmethod
    def from_supergraph(
        cls,
        sdl: str,
        settings: RouterSettings | None = None,
        *,
        send: SubgraphHandler | None = None,
        stages: Sequence[Stage] = (),
    ) -> Gateway:
        """A gateway for a composed supergraph. `stages` are code of an embedding program (`router.pipeline`).

        `send` gets the requests to all subgraphs; without it they are sent over HTTP.

        Raises:
            InvalidSupergraph: The text is not a supergraph that this router can run.
            ValueError: Settings name a subgraph that does not exist, or a URL or a manifest that is not usable.
        """
        return cls(assemble(supergraph.load(sdl), settings or RouterSettings(), send=send, stages=stages))

    async def execute(self, request: GraphQLRequest) -> GraphQLResponse:
        """Process one request. Raises only cancellation, and TypeError for a stream; `respond` returns streams."""
        response = await self.respond(request)
        if isinstance(response, ResponseStream):
            raise TypeError("the response is a stream")
        return response

    async def respond(self, request: GraphQLRequest) -> Response:
        """Process one request. Raises only cancellation; a mutation that is being executed then goes on."""
        context = RequestContext.of(request, self._parts.settings.traffic.request_timeout)
        with self.stages.surround(context):
            try:
                return await self.stages.response(context, await self._process(context))
            except Exception as failure:  # noqa: BLE001  (whatever it is, the client gets a response and the log the cause)
                return failed(self.stages, context, failure)

    async def _process(self, context: RequestContext) -> Response:
        try:
            async with asyncio.timeout_at(context.deadline):
                response = await self.stages.request(context)
                if response is not None:
                    return response
                operation, plan = await self._prepare(context)
                if operation.kind != "mutation":
                    return await self._execution.run(context, operation, plan)
        except Exception as failure:  # noqa: BLE001  (as above)
            return failed(self.stages, context, failure)
        return await self._mutations.run(self._execute_in_time(context, operation, plan))

    async def _prepare(self, context: RequestContext) -> tuple[Operation, QueryPlan]:
        request, record, stages, preparation = context.request, context.record, self.stages, self.preparation
        context.variables = request.variables
        document = await preparation.document(request, record)
        await stages.document(context, document)
        operation = await stages.operation(context, preparation.operation(document, request, record))
        context.variables = coerce(operation.client, request.variables)
        key = stages.plan_key(context, PlanKey(operation.document, request.operation_name))
        plan = await preparation.plan(operation, key, record)
        await stages.plan(context, plan)
        return operation, plan

    async def _execute_in_time(self, context: RequestContext, operation: Operation, plan: QueryPlan) -> Response:
        try:
            async with asyncio.timeout_at(context.deadline):
                return await self._execution.run(context, operation, plan)
        except Exception as failure:  # noqa: BLE001  (as above)
            return failed(self.stages, context, failure)

    def warm_up(self) -> None:
        """Do what the first request would wait for: check the schema, build the planner's graph."""
        self.prepare("{ __typename }")

    def prepare(self, query: str, operation_name: str | None = None) -> None:
        """See `Preparation.prepare`."""
        self.preparation.prepare(query, operation_name)

    def inherit(self, previous: Gateway) -> None:
        """Take the place of `previous` (a reload): go on with what its stages learnt, and with its counters."""
        self.stages.inherit(previous.stages)
        self.limits.inherit(previous.limits)
        self.overload.inherit(previous.overload)

    async def aclose(self, *, mutation_grace: float = MUTATION_GRACE_SECONDS) -> None:
        """Close connections. Requests in flight fail; mutations may finish within `mutation_grace` seconds."""
        await self._mutations.finish(mutation_grace)
        await self._parts.transport.aclose()
        await self.stages.aclose()

    @cached_property
    def overload(self) -> OverloadGuard:
        """The GraphQL endpoint, with its bound on concurrent requests."""
        return graphql_endpoint(self.respond, self._parts.settings, self.aclose, self.limits)

    @cached_property
    def asgi(self) -> ASGIApp:
        """GraphQL under `settings.server.path`, `/health/live` and `/health/ready`; each request with an id."""
        return with_health(self.overload)
