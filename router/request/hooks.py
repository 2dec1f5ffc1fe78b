"""Code of an embedding program on the way of a request: five places, each typed and asynchronous.

    request ──> operation ──> plan ──> fetch (around each request to a subgraph) ──> response
    replace,    look,         look     change, replace,                              replace
    answer,     refuse                 observe, retry
    refuse

A hook is a subclass of `Hook` that overrides what it needs; what nobody overrides costs nothing. Hooks run in the order
given, `on_response` in the reverse of it, so that the first is the outermost. A hook that raises `Refused` (or any
`RequestError`) ends the request with that error; anything else it raises is our fault: an id for the client, the
traceback for the log.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.request.messages import GraphQLResponse
from router.transport.messages import SubgraphRequest, SubgraphResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.plan import QueryPlan
    from router.request.messages import GraphQLRequest
    from router.transport.messages import ResponseHead, Transport

SendOn = Callable[[SubgraphRequest], Awaitable[SubgraphResponse]]
"""Gives a request to the next hook, or to the subgraph; raises what `Transport.send` raises."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks for: `kind` is query, mutation or subscription, `document` its normalised text.

    `hash` is 16 hexadecimal digits of that text's SHA-256, the same as in the log. `override_labels` are those on which
    its plan can depend.
    """

    name: str | None
    kind: str
    hash: str
    document: str
    override_labels: frozenset[str] = frozenset()


@dataclass(slots=True)
class RequestContext:
    """One request on its way.

    `override_labels` is for hooks to say which labels of progressive overrides hold, or do not, for this request; on
    others the settings decide, or `percent(x)` itself. `state` is for hooks: it is theirs, and ends with the request.
    `responses` are status and headers of every subgraph response, there when `on_response` is called.
    """

    request: GraphQLRequest
    operation: Operation | None = None
    override_labels: dict[str, bool] = field(default_factory=dict)
    state: dict[str, object] = field(default_factory=dict)
    responses: tuple[ResponseHead, ...] = ()


class Hook:
    """Override what you need; everything here passes things on as they are."""

    async def on_request(self, exchange: RequestContext) -> GraphQLRequest | GraphQLResponse:
        """Before anything is parsed. Give back a request to go on with, or a response to end here."""
        return exchange.request

    async def on_operation(self, exchange: RequestContext, operation: Operation) -> None:
        """The document is valid, the operation chosen, nothing is planned yet: the last time to decide on labels."""

    async def on_plan(self, exchange: RequestContext, plan: QueryPlan) -> None:
        """The plan is there, nothing is fetched yet. Plans are shared by all requests: look, do not touch."""

    async def on_fetch(self, exchange: RequestContext, fetch: SubgraphRequest, send_on: SendOn) -> SubgraphResponse:
        """Around each request to a subgraph."""
        del exchange
        return await send_on(fetch)

    async def on_response(self, exchange: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        """The response as the client will see it, errors masked."""
        del exchange
        return response


class HookChain:
    """Several hooks as one; false when there are none, so that nobody waits for nothing."""

    def __init__(self, hooks: Sequence[Hook]) -> None:
        self._any = bool(hooks)
        self._request = [hook for hook in hooks if type(hook).on_request is not Hook.on_request]
        self._operation = [hook for hook in hooks if type(hook).on_operation is not Hook.on_operation]
        self._plan = [hook for hook in hooks if type(hook).on_plan is not Hook.on_plan]
        self._fetch = [hook for hook in reversed(hooks) if type(hook).on_fetch is not Hook.on_fetch]
        self._response = [hook for hook in reversed(hooks) if type(hook).on_response is not Hook.on_response]

    def __bool__(self) -> bool:
        return self._any

    async def request(self, exchange: RequestContext) -> GraphQLResponse | None:
        """The response of a hook that answers by itself; otherwise `exchange.request` is what to go on with."""
        for hook in self._request:
            given = await hook.on_request(exchange)
            if isinstance(given, GraphQLResponse):
                return given
            exchange.request = given
        return None

    async def operation(self, exchange: RequestContext, operation: Operation) -> None:
        """See `Hook.on_operation`."""
        exchange.operation = operation
        for hook in self._operation:
            await hook.on_operation(exchange, operation)

    async def plan(self, exchange: RequestContext, plan: QueryPlan) -> None:
        """See `Hook.on_plan`."""
        for hook in self._plan:
            await hook.on_plan(exchange, plan)

    def around(self, transport: Transport, exchange: RequestContext) -> Transport:
        """The transport of one exchange."""
        if not self._fetch:
            return transport
        send: SendOn = transport.send
        for hook in self._fetch:
            send = _around(hook, exchange, send)
        return _Hooked(transport, send)

    async def response(self, exchange: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        """See `Hook.on_response`."""
        for hook in self._response:
            response = await hook.on_response(exchange, response)
        return response


def _around(hook: Hook, exchange: RequestContext, send_on: SendOn) -> SendOn:
    async def send(fetch: SubgraphRequest) -> SubgraphResponse:
        return await hook.on_fetch(exchange, fetch, send_on)

    return send


class _Hooked:
    """A `Transport` whose `send` goes through hooks."""

    def __init__(self, inner: Transport, send: SendOn) -> None:
        self._inner = inner
        self._send = send

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`."""
        return await self._send(request)

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await self._inner.aclose()
