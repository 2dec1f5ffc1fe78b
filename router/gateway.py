"""The router on one screen: the stages of a request, in their order.

    request ─ lookup ─ document ─ operation ─ variables ─ plan ─ execute ─ mask ─> response
                       └─────────── preparation ───────────┘

What a client does wrong ends a stage with a `RequestError`; what a subgraph does wrong is in the result's errors,
masked last; anything else is our fault: an id for the client, the traceback for the log.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import structlog
from graphql import OperationType

from router import supergraph
from router.assembly import open_lookup, transport_for
from router.errors import (
    InvalidSupergraph,
    NotReadOnly,
    PersistedQueryNotFound,
    PlanningError,
    RequestError,
    ResponseError,
)
from router.executor.context import ExecutionContext
from router.executor.graphql.variable_coercion import coerce
from router.executor.interpreter.execution import execute
from router.policies.headers import HeaderPropagation
from router.policies.limits import LimitWatch
from router.policies.log_redaction import PersonalData
from router.policies.masking import ErrorMasking, codes_of, new_error_id
from router.policies.persisted_documents import PersistedDocuments
from router.preparation.preparation import Preparation
from router.request.hooks import HookChain, Operation, RequestContext
from router.request.messages import GraphQLRequest, GraphQLResponse
from router.request.outcome import Outcome
from router.request.record import RequestRecord
from router.server.app import GraphQLApp
from router.server.overload import Overload
from router.settings.model import RouterSettings
from router.transport.layers.metering import MeteringLayer
from servicekit import context as request_context
from servicekit.asgi import RequestContextMiddleware
from servicekit.health import HealthEndpoints
from servicekit.logging import Hiding

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Mapping, Sequence

    from router.operation import PreparedOperation
    from router.plan import QueryPlan
    from router.policies.log_redaction import Exposure
    from router.preparation.documents import Document
    from router.request.hooks import Hook
    from router.supergraph import Supergraph
    from router.transport.in_process import SubgraphHandler
    from router.transport.messages import Transport
    from servicekit.asgi import ASGIApp

MUTATION_GRACE_SECONDS = 1.0
"""How long closing waits for mutations nobody waits for: a round of fetches, not a reason to miss a shutdown's end."""

_log = structlog.stdlib.get_logger("gateway")


@dataclass(slots=True)
class _Course:
    """One request on its way: what hooks see of it, what the log will tell and must not, when it ends (loop time)."""

    exchange: RequestContext
    report: RequestRecord
    exposure: Exposure
    deadline: float


class Gateway:
    """One supergraph, served. `execute` is the whole router without HTTP; `asgi` is it with HTTP."""

    def __init__(
        self, graph: Supergraph, settings: RouterSettings, transport: Transport, hooks: Sequence[Hook] = ()
    ) -> None:
        if graph.restrictions:
            directives = ", ".join(f"@{name}" for name in graph.restrictions)
            raise InvalidSupergraph(
                f"The supergraph restricts who may read it with {directives}, which this router does not enforce.",
                code="UNSUPPORTED_LINKED_FEATURE",
            )
        unknown = settings.unknown_subgraphs(graph.subgraphs)
        if unknown:
            raise ValueError(f"no such subgraph: {', '.join('.'.join(key) for key in unknown)}")
        self._graph = graph
        self._settings = settings
        self._transport = transport
        self._hooks = HookChain(hooks)
        self._headers = HeaderPropagation(settings.headers, graph.subgraphs)
        self._masking = ErrorMasking(settings.errors)
        self._mutations: set[asyncio.Task[GraphQLResponse]] = set()
        self._personal = PersonalData(graph.api_schema, settings.logging.redact_tag)
        self.limits = LimitWatch(settings.limits)
        self.documents = open_lookup(settings)
        allow_list = self.documents if isinstance(self.documents, PersistedDocuments) else None
        self.preparation = Preparation(graph, settings, self.limits, allow_list)
        for label in settings.override_labels.keys() - self.preparation.override_labels.known:
            # No reason to stop: the override is done, and its label went before the setting.
            _log.warning("the supergraph has no such override label", label=label)

    @classmethod
    def from_supergraph(
        cls,
        sdl: str,
        settings: RouterSettings | None = None,
        *,
        send: SubgraphHandler | None = None,
        hooks: Sequence[Hook] = (),
    ) -> Gateway:
        """A gateway for a composed supergraph.

        Subgraphs are reached over HTTP, or through `send` if it is given: a coroutine function from a
        `SubgraphRequest` to a `SubgraphResponse`, which is all that embedding or a test needs. `hooks` are code of
        yours on the way of each request (see `router.request.hooks`).

        Raises:
            InvalidSupergraph: the text is no supergraph that this router can run.
            ValueError: settings name a subgraph that is not there, or a URL or a manifest that cannot work.
        """
        graph = supergraph.load(sdl)
        settings = settings if settings is not None else RouterSettings()
        return cls(graph, settings, transport_for(graph, settings, send), hooks)

    @property
    def persisted(self) -> Collection[str]:
        """The documents that are known before any client sends them."""
        return self.documents.texts if isinstance(self.documents, PersistedDocuments) else ()

    @cached_property
    def overload(self) -> Overload:
        """The GraphQL endpoint alone, with its bound on how much it does at once."""
        return Overload(GraphQLApp(self.execute, self._settings, self.aclose, self.limits), self._settings)

    @cached_property
    def asgi(self) -> ASGIApp:
        """GraphQL under `settings.server.path`, `/health/live` and `/health/ready`; each request with an id."""

        async def has_capacity() -> None:
            self.overload.check()

        return RequestContextMiddleware(HealthEndpoints(self.overload, {"capacity": has_capacity}), access_log=False)

    def warm_up(self) -> None:
        """Do now what the first request would wait for: check the schema, lay out the planner's graph."""
        self.prepare("{ __typename }")

    def prepare(self, query: str, operation_name: str | None = None) -> None:
        """Keep the document and the plans of an operation, so that nobody waits for them.

        Raises:
            RequestError: it is not valid, has no such operation, or cannot be planned.
        """
        self.preparation.prepare(query, operation_name)

    def inherit(self, previous: Gateway) -> None:
        """Take the place of `previous` (a reload): go on with what it learnt of clients, and with its counts."""
        self.documents.inherit(previous.documents)
        self.limits.inherit(previous.limits)
        self.overload.inherit(previous.overload)

    async def aclose(self, *, mutation_grace: float = MUTATION_GRACE_SECONDS) -> None:
        """Let go of connections; what is in flight fails.

        Except for mutations whose clients left: they may still finish within `mutation_grace` seconds.
        """
        if self._mutations:
            await asyncio.wait(self._mutations, timeout=mutation_grace)
        await self._transport.aclose()
        await self.documents.aclose()

    async def execute(self, request: GraphQLRequest) -> GraphQLResponse:
        """Answer one request. Raises nothing but cancellation, which a mutation under way survives."""
        deadline = request.deadline
        if deadline is None:
            deadline = asyncio.get_running_loop().time() + self._settings.traffic.request_timeout
        report = RequestRecord(operation_name=request.operation_name)
        course = _Course(RequestContext(request), report, self._personal.within(request), deadline)
        with Hiding(course.exposure):
            return await (self._answer(course) if not self._hooks else self._answer_with_hooks(course))

    async def _answer_with_hooks(self, course: _Course) -> GraphQLResponse:
        try:
            async with asyncio.timeout_at(course.deadline):
                response = await self._hooks.request(course.exchange)
            return await self._hooks.response(course.exchange, response or await self._answer(course))
        except Exception as failure:  # noqa: BLE001  (a hook's; the stages answer for theirs)
            return self._failed(failure, course.report)

    async def _answer(self, course: _Course) -> GraphQLResponse:
        try:
            async with asyncio.timeout_at(course.deadline):
                plan, operation, context = await self._prepared(course)
                run = self._run(plan, operation, context, course)
                if operation.definition.operation is not OperationType.MUTATION:
                    return await run
        except Exception as failure:  # noqa: BLE001  (whatever it is, the client gets an answer and the log the cause)
            return self._failed(failure, course.report)
        return await self._undisturbed(self._in_time(run, course))

    async def _prepared(self, course: _Course) -> tuple[QueryPlan, PreparedOperation, ExecutionContext]:
        exchange, report, exposure = course.exchange, course.report, course.exposure
        sent = exchange.request
        exposure.variables = sent.variables
        request = await self.documents.resolve(sent)
        document = await self.preparation.document(request, report)
        await self.documents.accepted(sent)
        operation = exposure.operation = self.preparation.operation(document, request, report)
        if self._hooks:
            await self._hooks.operation(exchange, _described(document, request, report))
        variables = exposure.variables = coerce(operation, request.variables)
        met = document.override_labels[request.operation_name]
        labels = self.preparation.override_labels.decide(met, exchange.override_labels)
        plan = await self.preparation.plan(document, request.operation_name, report, labels)
        if self._hooks:
            await self._hooks.plan(exchange, plan)
        return plan, operation, self._context(course, variables)

    def _context(self, course: _Course, variables: Mapping[str, object]) -> ExecutionContext:
        # The router is a hop of its own: what it passes on is its place in the trace, not the client's.
        incoming = {**course.exchange.request.headers, **request_context.outgoing_headers()}
        sent = course.exposure.sent if self._personal.names else None
        return ExecutionContext(
            schema=self._graph.schema,
            transport=self._hooks.around(MeteringLayer(self._transport, course.report, sent), course.exchange),
            variables=variables,
            headers=self._headers.apply(incoming),
            deadline=course.deadline,
        )

    async def _run(
        self, plan: QueryPlan, operation: PreparedOperation, context: ExecutionContext, course: _Course
    ) -> GraphQLResponse:
        report = course.report
        started = time.perf_counter()
        try:
            result = await execute(plan, operation, context)
        finally:
            report.execute = time.perf_counter() - started
        course.exposure.data = result.data
        course.exchange.responses = result.responses
        body: dict[str, object] = {"data": result.data}
        if result.errors:
            body["errors"] = self._told(result.errors, report)
        return GraphQLResponse(body=body, outcome=Outcome.EXECUTED, report=report)

    async def _in_time(self, run: Coroutine[object, object, GraphQLResponse], course: _Course) -> GraphQLResponse:
        try:
            async with asyncio.timeout_at(course.deadline):
                return await run
        except Exception as failure:  # noqa: BLE001  (as in `_answer`)
            return self._failed(failure, course.report)

    async def _undisturbed(self, run: Coroutine[object, object, GraphQLResponse]) -> GraphQLResponse:
        """A client that leaves must not stop a mutation half-way: the fields after the first are part of it."""
        task = asyncio.get_running_loop().create_task(run)
        self._mutations.add(task)
        task.add_done_callback(self._mutations.discard)
        return await asyncio.shield(task)

    def _failed(self, failure: Exception, report: RequestRecord) -> GraphQLResponse:
        outcome, errors = _explain(_refusal_within(failure) or failure)
        body: dict[str, object] = {"errors": self._told(errors, report)}
        if outcome is Outcome.UNKNOWN_DOCUMENT:
            body["data"] = None  # what clients of automatic persisted queries expect
        return GraphQLResponse(body=body, outcome=outcome, report=report)

    def _told(self, errors: Sequence[ResponseError], report: RequestRecord) -> list[dict[str, object]]:
        """The errors as clients see them, and in the report that they do."""
        told = self._masking.apply(errors)
        report.errors = len(told)
        report.codes = codes_of(told)
        return told


def _refusal_within(failure: Exception) -> Exception | None:
    """What a hook around a fetch raised to refuse the request; fetches run side by side, their failures in groups."""
    if isinstance(failure, RequestError):
        return failure
    if isinstance(failure, ExceptionGroup):
        return next(filter(None, map(_refusal_within, failure.exceptions)), None)
    return None


def _described(document: Document, request: GraphQLRequest, report: RequestRecord) -> Operation:
    labels = document.override_labels[request.operation_name]
    return Operation(report.operation_name, report.operation_kind or "query", document.hash, document.text, labels)


def _explain(failure: Exception) -> tuple[Outcome, tuple[ResponseError, ...]]:
    """What a failure of the whole request means to a client."""
    match failure:
        case NotReadOnly():
            return Outcome.NOT_READ_ONLY, failure.errors
        case PersistedQueryNotFound():
            return Outcome.UNKNOWN_DOCUMENT, failure.errors
        case PlanningError():
            error_id = new_error_id()
            _log.error(
                "an operation could not be planned", error_id=error_id, cause=failure.message, detail=failure.detail
            )
            return Outcome.FAILED, tuple(_without_places(error, error_id) for error in failure.errors)
        case RequestError():
            return Outcome.REFUSED, failure.errors
        case TimeoutError():
            error = ResponseError(message="The request took too long and was stopped.", code="GATEWAY_TIMEOUT")
            return Outcome.TIMED_OUT, (error,)
        case _:
            error_id = new_error_id()
            _log.error("a request failed", error_id=error_id, exc_info=failure)
            return Outcome.FAILED, (
                ResponseError(
                    message="Something went wrong on our side.",
                    code="INTERNAL_SERVER_ERROR",
                    extensions={"errorId": error_id},
                ),
            )


def _without_places(error: ResponseError, error_id: str) -> ResponseError:
    """Why there is no plan may name what clients cannot ask for; that an operation is too complex may be said."""
    if error.code != PlanningError.code:
        return error
    return replace(error, message="The operation cannot be planned.", extensions={"errorId": error_id})
