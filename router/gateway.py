"""`Gateway` turns a GraphQL request into a response, in these steps.

    request ─> document ─> operation ─> variables ─> plan ─> execution ─> errors ─> response
               └──────────── preparation ─────────────┘

The stages of the pipeline run between these steps: the policies (`router/policies/policy_order.py`) and the stages of a
program that embeds the router. A `RequestError` refuses the request. An error of a subgraph becomes a part of the
response. Any other exception is a fault of the router: the client gets an id, the log has the id and the traceback.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from router import supergraph
from router.executor.graphql.variable_coercion import coerce
from router.gateway_assembly import assemble
from router.pipeline.failure_responses import failed
from router.pipeline.finish_mutations_after_disconnect import MUTATION_GRACE_SECONDS, RunningMutations
from router.pipeline.plan_execution import Execution
from router.pipeline.request_context import RequestContext
from router.preparation.make_and_cache_plans import PlanKey
from router.request.request_and_response import ResponseStream
from router.server.graphql_and_health import graphql_endpoint, with_health
from router.settings.model import RouterSettings
from servicekit.time_limit import TimeLimit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.gateway_assembly import GatewayParts
    from router.pipeline.stage import Stage
    from router.plan import QueryPlan
    from router.preparation.operation_seen_by_stages import Operation
    from router.request.request_and_response import GraphQLRequest, GraphQLResponse, Response
    from router.server.overload_protection import OverloadGuard
    from router.transport.in_process import SubgraphHandler
    from servicekit.asgi import ASGIApp


class Gateway:
    """Serves one supergraph. `execute` runs a GraphQL request; `asgi` is the ASGI application for HTTP."""

    def __init__(self, parts: GatewayParts) -> None:
        self._parts, self._execution, self._mutations = parts, Execution(parts), RunningMutations()
        self.preparation, self.stages, self.limits = parts.preparation, parts.stages, parts.limits
        self.compiled_plans, self.status, self.traffic = parts.compiled_plans, parts.status, parts.traffic

    @classmethod
    def from_supergraph(
        cls,
        sdl: str,
        settings: RouterSettings | None = None,
        *,
        send: SubgraphHandler | None = None,
        stages: Sequence[Stage] = (),
    ) -> Gateway:
        """Return a gateway for a composed supergraph. A program that embeds the router can add its own `stages`.

        `send` receives the requests to all subgraphs; without `send`, the router sends these requests over HTTP.

        Raises:
            InvalidSupergraph: The text is not a supergraph that this router can run.
            ValueError: The settings name a subgraph that does not exist, or a URL or a manifest is not usable.
        """
        return cls(assemble(supergraph.load(sdl), settings or RouterSettings(), send=send, stages=stages))

    async def execute(self, request: GraphQLRequest) -> GraphQLResponse:
        """Process one request. If the response is a stream, raise TypeError; call `respond` for such requests."""
        response = await self.respond(request)
        if isinstance(response, ResponseStream):
            raise TypeError("the response is a stream")
        return response.decoded()

    async def respond(self, request: GraphQLRequest) -> Response:
        """Process one request. If the caller is cancelled, a mutation that is being executed still runs to its end."""
        context = RequestContext.of(request, self._parts.settings.traffic.request_timeout)
        with self.stages.surround(context):
            try:
                return await self.stages.response(context, await self._process(context))
            except Exception as failure:  # noqa: BLE001  (every exception must become a response)
                return failed(self.stages, context, failure)

    async def _process(self, context: RequestContext) -> Response:
        try:
            with TimeLimit(context.deadline):
                if self.stages.has_on_request and (response := await self.stages.request(context)) is not None:
                    return response
                operation, plan = await self._prepare(context)
                if operation.kind != "mutation":
                    return await self._execution.run(context, operation, plan)
        except Exception as failure:  # noqa: BLE001  (as above)
            return failed(self.stages, context, failure)
        return await self._mutations.run(self._execute_in_time(context, operation, plan))

    async def _prepare(self, context: RequestContext) -> tuple[Operation, QueryPlan]:
        request, record, stages, preparation = context.request, context.record, self.stages, self.preparation
        document = await preparation.document(request, record)
        if stages.has_on_document:
            await stages.document(context, document)
        operation = context.operation = preparation.operation(document, request, record)
        context.variables = operation.with_literals(request.variables)
        if stages.has_on_operation:
            operation = await stages.operation(context, operation)
        context.variables = operation.with_literals(coerce(operation.sent, context.variables))
        key = stages.plan_key(context, PlanKey(operation.planned_document, request.operation_name))
        plan = await preparation.plan(operation, key, record)
        if stages.has_on_plan:
            await stages.plan(context, plan)
        return operation, plan

    async def _execute_in_time(self, context: RequestContext, operation: Operation, plan: QueryPlan) -> Response:
        try:
            with TimeLimit(context.deadline):
                return await self._execution.run(context, operation, plan)
        except Exception as failure:  # noqa: BLE001  (as above)
            return failed(self.stages, context, failure)

    def warm_up(self) -> None:
        """Check the schema and build the planner's graph, so that the first request does not wait for that work."""
        self.prepare("{ __typename }")

    def prepare(self, query: str, operation_name: str | None = None) -> None:
        """Parse, validate and plan a document before a client sends it (`Preparation.prepare`)."""
        self.preparation.prepare(query, operation_name)

    def inherit(self, previous: Gateway) -> None:
        """Take over the state of `previous`, the gateway before a reload: stages, limits, plans and subgraph calls."""
        self.stages.inherit(previous.stages)
        self.limits.inherit(previous.limits)
        self.compiled_plans.inherit(previous.compiled_plans)
        self.traffic.inherit(previous.traffic)
        self.overload.inherit(previous.overload)

    async def aclose(self, *, mutation_grace: float = MUTATION_GRACE_SECONDS) -> None:
        """Wait up to `mutation_grace` seconds for mutations. Then close all connections; running requests fail."""
        await self._mutations.finish(mutation_grace)
        await self._parts.transport.aclose()
        await self.stages.aclose()

    @cached_property
    def overload(self) -> OverloadGuard:
        """The GraphQL endpoint. It runs at most `overload.max_requests` requests at once and refuses others (503)."""
        return graphql_endpoint(self.respond, self._parts.settings, self.aclose, self.limits)

    @cached_property
    def asgi(self) -> ASGIApp:
        """The ASGI application: GraphQL under `settings.server.path`, `/health/live` and `/health/ready`."""
        return with_health(self.overload)
