"""The protocol of the router's policies and of code of an embedding program: `Stage`.

    request ─> document ─> operation ─> plan ─> execution ─> fetch (each) ─> errors ─> response
    replace,   refuse      decide on    refuse, around:      around:         replace   replace
    respond,               labels,      set     respond,     change, retry,
    refuse                 transform,   headers repeat,      respond,
                           refuse               share        observe

A stage is a subclass of `Stage` that overrides what it needs; a method that no stage overrides costs nothing. Stages
run in their order, `on_response` in the reverse order: the first stage is the outermost. A `RequestError`, such as
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
"""Gives a request to the next stage, or to the subgraph; raises what `Transport.send` raises."""

RunOn = Callable[[], Awaitable[Response]]
"""Runs the plan: the next stage, or the executor."""


class Stage:
    """One stage of the pipeline. Every method here passes on what it gets, unchanged."""

    # Once for a gateway.

    @property
    def documents(self) -> Collection[str]:
        """Documents to prepare before a client sends them."""
        return ()

    def inherit(self, previous: Stage) -> None:
        """Go on with what `previous` learnt, a stage of the same class whose place this one takes (a reload)."""

    async def aclose(self) -> None:
        """Close connections."""

    # Once for a document that is not known yet. May run in another thread than requests do.

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

    # Once for a request.

    def surround(self, context: RequestContext) -> AbstractContextManager[object]:
        """What is entered before the first stage of a request, and left after the last."""
        del context
        return nullcontext()

    async def on_request(self, context: RequestContext) -> GraphQLRequest | GraphQLResponse | None:
        """Before the document is looked up. Return a request to go on with, a response to end here, None to go on."""

    async def on_document(self, context: RequestContext, document: Document) -> None:
        """The document is valid."""

    async def on_operation(self, context: RequestContext, operation: Operation) -> Operation | None:
        """The operation is chosen; return another one to go on with.

        What such a change depends on, besides the document and the operation's name, must be part of `plan_key`.
        Requests share operations: change a copy (`dataclasses.replace`).
        """

    def plan_key(self, context: RequestContext, key: PlanKey) -> PlanKey:
        """The key under which the plan of this request is kept, with what it depends on because of this stage."""
        del context
        return key

    def likely_plans(self, operation: Operation, key: PlanKey) -> Iterable[tuple[Operation, PlanKey]]:
        """What `on_operation` and `plan_key` return for most requests; these plans are prepared ahead."""
        return ((operation, key),)

    async def on_plan(self, context: RequestContext, plan: QueryPlan) -> None:
        """The plan is there, nothing is fetched yet. Requests share plans: do not change one."""

    async def on_execution(self, context: RequestContext, run_on: RunOn) -> Response:
        """Around the execution of the plan. The response has its final errors."""
        del context
        return await run_on()

    async def on_fetch(self, context: RequestContext, fetch: SubgraphRequest, send_on: SendOn) -> SubgraphResponse:
        """Around each request to a subgraph."""
        del context
        return await send_on(fetch)

    def on_errors(self, context: RequestContext, errors: Sequence[ResponseError]) -> Sequence[ResponseError]:
        """The errors of the response, at least one; return those that the client sees."""
        del context
        return errors

    async def on_response(self, context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        """The response as the client sees it, of a refused request too; of a stream, each response in turn."""
        del context
        return response
