"""Send fetches to subgraphs in the same process: to Python functions (for tests) and ASGI applications.

    InProcessTransport(by_name({"auth": handler, "account": AsgiSubgraph(app)}))

`handler` is a coroutine function that takes a `SubgraphRequest` and returns a `SubgraphResponse`. An ASGI application
gets one HTTP request for each fetch, as if the request came from a network.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from router.errors import SubgraphMalformedResponse, SubgraphUnreachable
from router.transport.fetch_failures import FAILED, timed_out
from router.transport.http import undo_content_coding
from servicekit.http1.connection import RawResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from router.transport.interface import SubgraphRequest, SubgraphResponse

    AsgiMessage = MutableMapping[str, Any]
    AsgiApp = Callable[
        [MutableMapping[str, Any], Callable[[], Awaitable[AsgiMessage]], Callable[[AsgiMessage], Awaitable[None]]],
        Awaitable[None],
    ]


class SubgraphHandler(Protocol):
    """A coroutine function that acts as a subgraph. It may raise the same exceptions as `Transport.send`."""

    async def __call__(self, request: SubgraphRequest, /) -> SubgraphResponse: ...


class InProcessTransport:
    """A `Transport` that calls the function `handler` for each request."""

    def __init__(self, handler: SubgraphHandler) -> None:
        self._handler = handler
        self._closed = False

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`."""
        if self._closed:
            raise SubgraphUnreachable(request.subgraph, FAILED, detail="the transport is closed")
        if request.deadline is None:
            return await self._handler(request)
        timeout = asyncio.timeout_at(request.deadline)
        try:
            async with timeout:
                return await self._handler(request)
        except TimeoutError as error:
            if not timeout.expired():
                raise  # the handler itself raised the TimeoutError
            raise timed_out(request.subgraph, "no response before the request's deadline") from error

    async def aclose(self) -> None:
        """Refuse all further requests."""
        self._closed = True


def by_name(subgraphs: Mapping[str, SubgraphHandler]) -> SubgraphHandler:
    """Return a handler that passes each request to the handler of its subgraph.

    For a subgraph that is not in `subgraphs`, the returned handler raises `SubgraphUnreachable`.
    """

    async def handler(request: SubgraphRequest, /) -> SubgraphResponse:
        subgraph = subgraphs.get(request.subgraph)
        if subgraph is None:
            detail = f"no subgraph {request.subgraph!r} is in this process"
            raise SubgraphUnreachable(request.subgraph, FAILED, detail=detail)
        return await subgraph(request)

    return handler


class AsgiSubgraph:
    """A `SubgraphHandler` that sends requests to an ASGI application; `path` is the path of its GraphQL endpoint."""

    def __init__(self, app: AsgiApp, path: str = "/graphql") -> None:
        self._app = app
        self._path = path

    async def __call__(self, request: SubgraphRequest, /) -> SubgraphResponse:
        """Send one HTTP request to the application, and return the response.

        Raises:
            SubgraphUnreachable: The application raised an exception, or sent a compressed response without status 2xx.
            SubgraphMalformedResponse: The response is not complete, or is compressed and has a status 2xx.
            ValueError: The request has no body.
        """
        exchange = _AsgiExchange(request.encoded_body())
        try:
            await self._app(self._scope(request, exchange.body), exchange.receive, exchange.send)
        except Exception as error:
            detail = f"the application raised {type(error).__name__}: {error}"
            raise SubgraphUnreachable(request.subgraph, FAILED, detail=detail) from error
        if not exchange.finished:
            detail = "the application did not complete its response"
            raise SubgraphMalformedResponse(request.subgraph, FAILED, detail=detail)
        return undo_content_coding(request.subgraph, exchange.response())

    def _scope(self, request: SubgraphRequest, body: bytes) -> dict[str, Any]:
        headers = {
            "host": request.subgraph,
            "content-type": "application/json",
            "content-length": str(len(body)),
            "accept": "application/json, application/graphql-response+json",
            **{name.lower(): value for name, value in request.headers.items()},
        }
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": self._path,
            "raw_path": self._path.encode("ascii"),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            "client": None,
            "server": None,
            "state": {},
        }


class _AsgiExchange:
    """One HTTP request and its response in memory. An ASGI application gets the methods `receive` and `send`."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.finished = False
        self._is_received = False
        self._status = 0
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []

    async def receive(self) -> AsgiMessage:
        """Return the request on the first call. On later calls, return `http.disconnect` (the client is gone)."""
        if self._is_received:
            return {"type": "http.disconnect"}
        self._is_received = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: AsgiMessage) -> None:
        """Store the status and headers, or the next part of the body, that the application sends."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in message.get("headers", [])}
        elif message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))
            self.finished = not message.get("more_body", False)

    def response(self) -> RawResponse:
        """Return the response that the application sent."""
        return RawResponse(self._status, self._headers, b"".join(self._parts))
