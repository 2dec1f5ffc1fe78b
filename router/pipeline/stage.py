"""`Stage`, the base class of the router's policies and of the stages of a program that embeds the router.

A request passes through the steps in the first line. Below each step is what a stage can do in this step:

    request ─> document ─> operation ─> plan ─> execution ─> fetch (each) ─> errors ─> response
    replace,   refuse      decide on    refuse, around:      around:         replace   replace
    respond,               labels,      set     respond,     change, retry,
    refuse                 transform,   headers repeat,      respond,
                           refuse               share        observe

A stage is a subclass of `Stage` that overrides some methods. A method that no stage overrides costs nothing. The first
stage is the outermost: each method is called on the first stage first, but `on_response` on the last stage first. If a
stage raises a `RequestError`, such as `router.errors.Refused`, the client gets the errors of this exception. For any
other exception, the client gets INTERNAL_SERVER_ERROR with an id, and the log gets the traceback with the same id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from router.request.request_and_response import GraphQLRequest, GraphQLResponse, Response
from router.transport.interface import SubgraphRequest, SubgraphResponse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from router.errors import ResponseError
    from router.pipeline.request_context import RequestContext
    from router.plan import QueryPlan
    from router.preparation.make_and_cache_plans import PlanKey
    from router.preparation.operation_seen_by_stages import Operation
    from router.preparation.read_and_cache_documents import Document, DocumentFindings, ParsedDocument

SendOn = Callable[[SubgraphRequest], Awaitable[SubgraphResponse]]
"""Passes a fetch to the next stage.

After the last stage, it sends the fetch. Raises the exceptions of `Transport.send`.
"""

RunOn = Callable[[], Awaitable[Response]]
"""Calls `on_execution` of the next stage. After the last stage, executes the plan."""


class Stage:
    """One stage of the pipeline. The methods of this base class have no effect; subclasses override them."""

    # Called when a gateway starts, when it replaces another gateway (a reload), and when it closes.

    @property
    def documents(self) -> Collection[str]:
        """The documents that the router parses, validates and plans before a client sends them."""
        return ()

    def inherit(self, previous: Stage) -> None:
        """Take over the state of `previous`, the stage of the same class before a reload."""

    def status(self) -> Mapping[str, object]:
        """Return the values that `/status` of the admin port shows for this stage: name → JSON value.

        No other stage may use the same names.
        """
        return {}

    async def aclose(self) -> None:
        """Close the connections of this stage."""

    # Called for each document that is not in the cache. The call can be in a thread other than the event loop's.

    def check_text(self, text: str, findings: DocumentFindings) -> None:
        """Check the text of a document before it is parsed. Write results to `findings`, which the cache keeps.

        Raises:
            RequestError: The document is refused.
        """

    def check_parsed(self, document: ParsedDocument, findings: DocumentFindings) -> None:
        """Check a document after parsing and before validation. Write results to `findings`, which the cache keeps.

        Raises:
            RequestError: The document is refused.
        """

    # Called for each request.

    def surround(self, context: RequestContext) -> AbstractContextManager[object]:
        """Return a context manager. All steps of a request, from `on_request` to `on_response`, run inside it.

        If the response is a stream, this context manager exits before the stream is sent. `surround` is then called a
        second time, and the responses of the stream are sent inside the second context manager.
        """
        del context
        return nullcontext()

    async def on_request(self, context: RequestContext) -> GraphQLRequest | GraphQLResponse | None:
        """Called before the document is looked up.

        Return another request to process, a response that ends the processing, or None to continue.
        """

    async def on_document(self, context: RequestContext, document: Document) -> None:
        """Called when the document is known to be valid: it was just validated, or it came from the cache."""

    async def on_operation(self, context: RequestContext, operation: Operation) -> Operation | None:
        """Called when the operation is chosen. Return another operation, or None to keep `operation`.

        Requests share operations, so never modify `operation`: return a copy (`dataclasses.replace`). If the copy
        depends on other values than the document and the operation's name, such as a header, add these values to the
        plan key in `plan_key`.
        """

    def plan_key(self, context: RequestContext, key: PlanKey) -> PlanKey:
        """If this stage can change the plan, return `key` with additional values.

        These are the values on which the change depends. Requests with equal keys share a plan.
        """
        del context
        return key

    def likely_plans(self, operation: Operation, key: PlanKey) -> Iterable[tuple[Operation, PlanKey]]:
        """Return the pairs (operation, plan key) that `on_operation` and `plan_key` return for most requests.

        The router plans these pairs before a client sends a request.
        """
        return ((operation, key),)

    async def on_plan(self, context: RequestContext, plan: QueryPlan) -> None:
        """Called when the plan is known, before the first fetch. Requests share plans, so do not modify `plan`."""

    async def on_execution(self, context: RequestContext, run_on: RunOn) -> Response:
        """Called to execute the plan and return the response.

        `run_on` executes the plan, calls `on_errors` if there are errors, and returns the response.
        """
        del context
        return await run_on()

    async def on_fetch(self, context: RequestContext, fetch: SubgraphRequest, send_on: SendOn) -> SubgraphResponse:
        """Called to send a request to a subgraph and return its response. `send_on` sends a request.

        If this method raises a `TransportError`, only this fetch fails.
        """
        del context
        return await send_on(fetch)

    def on_errors(self, context: RequestContext, errors: Sequence[ResponseError]) -> Sequence[ResponseError]:
        """Called if the response has errors. Return the errors that the client sees."""
        del context
        return errors

    async def on_response(self, context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        """Called with every response, before it is sent. Return the response to send.

        This includes the response to a refused request, and each response of a stream.
        """
        del context
        return response
