"""`Stage`, the base class of the router's policies and of the stages of a program that embeds the router.

    request ─> document ─> operation ─> plan ─> execution ─> fetch (each) ─> errors ─> response
    replace,   refuse      decide on    refuse, around:      around:         replace   replace
    respond,               labels,      set     respond,     change, retry,
    refuse                 transform,   headers repeat,      respond,
                           refuse               share        observe

A stage is a subclass of `Stage` that overrides some methods; a method that no stage overrides costs nothing. Stages run
in their order, `on_response` in the reverse order: the first stage is the outermost. A `RequestError`, such as
`router.errors.Refused`, ends the request with its errors; any other exception is reported as INTERNAL_SERVER_ERROR with
an id, and logged with its traceback.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from router.request.request_and_response import GraphQLRequest, GraphQLResponse, Response
from router.transport.interface import SubgraphRequest, SubgraphResponse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from contextlib import AbstractContextManager

    from router.errors import ResponseError
    from router.pipeline.request_context import RequestContext
    from router.plan import QueryPlan
    from router.preparation.document_cache import Document, DocumentFindings, ParsedDocument
    from router.preparation.plan_cache import PlanKey
    from router.preparation.request_operation import Operation

SendOn = Callable[[SubgraphRequest], Awaitable[SubgraphResponse]]
"""Passes a request to the next stage, or to the subgraph. Raises the exceptions of `Transport.send`."""

RunOn = Callable[[], Awaitable[Response]]
"""Calls the next stage, or the executor, which executes the plan."""


class Stage:
    """One stage of the pipeline. The methods of this base class change nothing."""

    # Called once for a gateway.

    @property
    def documents(self) -> Collection[str]:
        """Documents to prepare before a client sends them."""
        return ()

    def inherit(self, previous: Stage) -> None:
        """Take over the state of `previous`, a stage of the same class that this stage replaces (a reload)."""

    async def aclose(self) -> None:
        """Close connections."""

    # Called once for a document that is not cached, possibly in another thread than that of the requests.

    def check_text(self, text: str, findings: DocumentFindings) -> None:
        """Check a document before it is parsed.

        Raises:
            RequestError: The document is refused.
        """

    def check_parsed(self, document: ParsedDocument, findings: DocumentFindings) -> None:
        """Check a document after it is parsed, before it is validated.

        Raises:
            RequestError: The document is refused.
        """

    # Called for each request.

    def surround(self, context: RequestContext) -> AbstractContextManager[object]:
        """Return a context manager around the whole request: entered before `on_request`, left after `on_response`."""
        del context
        return nullcontext()

    async def on_request(self, context: RequestContext) -> GraphQLRequest | GraphQLResponse | None:
        """Called before the document is looked up. Return another request, a final response, or None to continue."""

    async def on_document(self, context: RequestContext, document: Document) -> None:
        """Called when the document is valid."""

    async def on_operation(self, context: RequestContext, operation: Operation) -> Operation | None:
        """Called when the operation is chosen. Return another operation, or None to keep this operation.

        If the change depends on anything besides the document and the operation's name, `plan_key` must add that to
        the key. Requests share operations: change a copy (`dataclasses.replace`).
        """

    def plan_key(self, context: RequestContext, key: PlanKey) -> PlanKey:
        """Return the key of the cached plan. A stage adds each value of the request that changes the plan."""
        del context
        return key

    def likely_plans(self, operation: Operation, key: PlanKey) -> Iterable[tuple[Operation, PlanKey]]:
        """Return the results of `on_operation` and `plan_key` for most requests: their plans are prepared ahead."""
        return ((operation, key),)

    async def on_plan(self, context: RequestContext, plan: QueryPlan) -> None:
        """Called when the plan is known, before the first fetch. Requests share plans: do not change the plan."""

    async def on_execution(self, context: RequestContext, run_on: RunOn) -> Response:
        """Called around the execution of the plan. The response of `run_on` has its final errors."""
        del context
        return await run_on()

    async def on_fetch(self, context: RequestContext, fetch: SubgraphRequest, send_on: SendOn) -> SubgraphResponse:
        """Called around each request to a subgraph."""
        del context
        return await send_on(fetch)

    def on_errors(self, context: RequestContext, errors: Sequence[ResponseError]) -> Sequence[ResponseError]:
        """Called with the errors of the response, at least one. Return the errors that the client sees."""
        del context
        return errors

    async def on_response(self, context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        """Called with each response, also that to a refused request, and with each response of a stream."""
        del context
        return response
