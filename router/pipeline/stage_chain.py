"""Calls the stages of a gateway in order. A stage that does not override a method is not called for this method."""

from __future__ import annotations

from contextlib import ExitStack, aclosing, contextmanager, nullcontext
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from graphql import print_ast
from msgspec import structs

from router.pipeline.error_formatting import codes_of, error_entry
from router.pipeline.stage import Stage
from router.request.request_and_response import GraphQLResponse, ResponseStream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from router.errors import ResponseError
    from router.pipeline.request_context import RequestContext
    from router.pipeline.stage import RunOn, SendOn
    from router.plan import QueryPlan
    from router.preparation.make_and_cache_plans import PlanKey
    from router.preparation.operation_seen_by_stages import Operation
    from router.preparation.read_and_cache_documents import Document, DocumentFindings, ParsedDocument
    from router.request.request_and_response import Response
    from router.transport.interface import SubgraphRequest, SubgraphResponse, Transport

S = TypeVar("S", bound=Stage)

_NOTHING: AbstractContextManager[object] = nullcontext()


class StageChain:
    """The stages of one gateway. A method such as `document` calls `Stage.on_document` on each stage."""

    def __init__(self, stages: Iterable[Stage]) -> None:
        self.stages = tuple(stages)
        self._check_text = self._overriding("check_text")
        self._check_parsed = self._overriding("check_parsed")
        self._surround = self._overriding("surround")
        self._on_request = self._overriding("on_request")
        self._on_document = self._overriding("on_document")
        self._on_operation = self._overriding("on_operation")
        self._plan_key = self._overriding("plan_key")
        self._likely_plans = self._overriding("likely_plans")
        self._on_plan = self._overriding("on_plan")
        self._on_execution = self._overriding("on_execution")[::-1]
        self._on_fetch = self._overriding("on_fetch")[::-1]
        self._on_errors = self._overriding("on_errors")
        self._on_response = self._overriding("on_response")[::-1]

        # If no stage overrides the method, the method of this class need not be called.
        self.has_on_request, self.has_on_document = bool(self._on_request), bool(self._on_document)
        self.has_on_operation, self.has_on_plan = bool(self._on_operation), bool(self._on_plan)
        self.has_on_execution = bool(self._on_execution)

    def _overriding(self, name: str) -> tuple[Any, ...]:
        default = getattr(Stage, name)
        return tuple(getattr(stage, name) for stage in self.stages if getattr(type(stage), name) is not default)

    def find(self, kind: type[S]) -> S | None:
        """Return the first stage of the class `kind`, or None if the gateway has no stage of this class."""
        return next((stage for stage in self.stages if isinstance(stage, kind)), None)

    @property
    def documents(self) -> Iterator[str]:
        """The documents of all stages (`Stage.documents`)."""
        return chain.from_iterable(stage.documents for stage in self.stages)

    def inherit(self, previous: StageChain) -> None:
        """Call `Stage.inherit` on each stage that replaces a stage of `previous`.

        A stage replaces the first stage of `previous` that has the same class.
        """
        for stage in self.stages:
            predecessor = previous.find(type(stage))
            if predecessor is not None:
                stage.inherit(predecessor)

    def status(self) -> dict[str, object]:
        """Return the values of all stages for `/status` (`Stage.status`)."""
        return {name: value for stage in self.stages for name, value in stage.status().items()}

    async def aclose(self) -> None:
        """Call `Stage.aclose` on each stage."""
        for stage in self.stages:
            await stage.aclose()

    def check_text(self, text: str, findings: DocumentFindings) -> None:
        """Call `Stage.check_text` on each stage."""
        for check in self._check_text:
            check(text, findings)

    def check_parsed(self, document: ParsedDocument, findings: DocumentFindings) -> None:
        """Call `Stage.check_parsed` on each stage."""
        for check in self._check_parsed:
            check(document, findings)

    def surround(self, context: RequestContext) -> AbstractContextManager[object]:
        """Call `Stage.surround` on each stage. Return a context manager that combines the stages' context managers."""
        if not self._surround:
            return _NOTHING
        if len(self._surround) == 1:
            entered: AbstractContextManager[object] = self._surround[0](context)
            return entered
        return self._nested(context)

    @contextmanager
    def _nested(self, context: RequestContext) -> Iterator[None]:
        with ExitStack() as stack:
            for surround in self._surround:
                stack.enter_context(surround(context))
            yield

    async def request(self, context: RequestContext) -> GraphQLResponse | None:
        """Call `Stage.on_request` on each stage, until one returns a response. Return this response, or None."""
        for stage in self._on_request:
            given = await stage(context)
            if isinstance(given, GraphQLResponse):
                return given
            if given is not None:
                context.request, context.variables = given, given.variables
        return None

    async def document(self, context: RequestContext, document: Document) -> None:
        """Call `Stage.on_document` on each stage."""
        for stage in self._on_document:
            await stage(context, document)

    async def operation(self, context: RequestContext, operation: Operation) -> Operation:
        """Call `Stage.on_operation` on each stage. Return the operation to run."""
        for stage in self._on_operation:
            changed = await stage(context, operation)
            if changed is not None:
                operation = context.operation = _distinct(stage.__self__, operation, changed)
        return operation

    def plan_key(self, context: RequestContext, key: PlanKey) -> PlanKey:
        """Call `Stage.plan_key` on each stage, with the key that the previous stage returned. Return the final key."""
        for stage in self._plan_key:
            key = stage(context, key)
        return key

    def likely_plans(self, operation: Operation, key: PlanKey) -> Sequence[tuple[Operation, PlanKey]]:
        """Return the likely plans of `operation`, as pairs of the operation to plan and the plan key.

        Each stage gets every pair that the previous stage returned, and returns pairs in its place
        (`Stage.likely_plans`).
        """
        plans = [(operation, key)]
        for stage in self._likely_plans:
            plans = [likely for each in plans for likely in stage(*each)]
        return plans

    async def plan(self, context: RequestContext, plan: QueryPlan) -> None:
        """Call `Stage.on_plan` on each stage."""
        for stage in self._on_plan:
            await stage(context, plan)

    def execution(self, context: RequestContext, run_on: RunOn) -> Awaitable[Response]:
        """Call `Stage.on_execution` on the first stage. Each stage calls the next; the last stage calls `run_on`."""
        for stage in self._on_execution:
            run_on = partial(stage, context, run_on)
        return run_on()

    @property
    def changes_fetches(self) -> bool:
        """Whether a stage may read or change the requests to subgraphs (`Stage.on_fetch`)."""
        return bool(self._on_fetch)

    def around(self, transport: Transport, context: RequestContext) -> Transport:
        """Return a transport for one request. It calls `Stage.on_fetch` on the stages, then sends with `transport`."""
        if not self._on_fetch:
            return transport
        send: SendOn = transport.send
        for stage in self._on_fetch:
            send = _around(stage, context, send)
        return _StagedTransport(transport, send)

    def errors(self, context: RequestContext, errors: Sequence[ResponseError]) -> list[dict[str, object]]:
        """Call `Stage.on_errors` on each stage. Return the errors as JSON objects. Log their number and codes."""
        for stage in self._on_errors:
            errors = stage(context, errors)
        entries = [error_entry(error) for error in errors]
        context.record.errors = len(entries)
        context.record.codes = codes_of(entries)
        return entries

    async def response(self, context: RequestContext, response: Response) -> Response:
        """Call `Stage.on_response` on each stage, the last stage first. Return the response to send."""
        if not self._on_response:
            return response
        if isinstance(response, ResponseStream):
            return structs.replace(response, parts=self._each(context, response.parts))
        for stage in self._on_response:
            response = await stage(context, response)
        return response

    async def _each(
        self, context: RequestContext, parts: AsyncGenerator[GraphQLResponse]
    ) -> AsyncGenerator[GraphQLResponse]:
        with self.surround(context):
            async with aclosing(parts):
                async for part in parts:
                    for stage in self._on_response:
                        part = await stage(context, part)  # noqa: PLW2901  (each stage gets the result of the stage before)
                    yield part


def _distinct(stage: Stage, before: Operation, changed: Operation) -> Operation:
    """Return `changed` with a plan key that differs from the plan key of `before`.

    `stage` has replaced the operation `before` by `changed`. The document text is a part of the plan key. So this
    function returns a copy of `changed` with a new document text: the printed operation. In two cases, it returns
    `changed` itself: `stage` overrides `plan_key` and so changes the key, or both operations have the same `planned`
    and so the same plan.
    """
    if changed.planned is before.planned or type(stage).plan_key is not Stage.plan_key:
        return changed
    planned = changed.planned
    return structs.replace(
        changed, document="\n\n".join(map(print_ast, (planned.definition, *planned.fragments.values())))
    )


def _around(stage: Any, context: RequestContext, send_on: SendOn) -> SendOn:
    async def send(fetch: SubgraphRequest) -> SubgraphResponse:
        response: SubgraphResponse = await stage(context, fetch, send_on)
        return response

    return send


class _StagedTransport:
    """A `Transport` that calls the stages before it sends a request."""

    def __init__(self, inner: Transport, send: SendOn) -> None:
        self._inner = inner
        self._send = send

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Pass the request to the first stage (`Transport.send`)."""
        return await self._send(request)

    async def aclose(self) -> None:
        """Close the transport that sends the requests (`Transport.aclose`)."""
        await self._inner.aclose()
