"""Subgraphs without sockets: functions for tests, ASGI applications for a federation in one process.

    InProcessTransport(by_name({"auth": answer, "account": AsgiSubgraph(app)}))

`answer` is any coroutine function from a request to a response. Applications are driven by one HTTP exchange each, so
they see what they would see on the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from router.errors import SubgraphMalformedResponse, SubgraphUnreachable
from router.transport.http import decode_response, encode_body
from router.transport.http1.connection import RawResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from router.transport.messages import SubgraphRequest, SubgraphResponse

    AsgiMessage = MutableMapping[str, Any]
    AsgiApp = Callable[
        [MutableMapping[str, Any], Callable[[], Awaitable[AsgiMessage]], Callable[[AsgiMessage], Awaitable[None]]],
        Awaitable[None],
    ]

_FAILED = "A service needed to answer this request failed."


class Answer(Protocol):
    """What stands behind a subgraph: a request in, a response out, with the failures of `Transport.send`."""

    async def __call__(self, request: SubgraphRequest, /) -> SubgraphResponse: ...


class InProcessTransport:
    """A `Transport` behind which one function answers for all subgraphs."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._closed = False

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`."""
        if self._closed:
            raise SubgraphUnreachable(request.subgraph, _FAILED, detail="the transport is closed")
        return await self._answer(request)

    async def aclose(self) -> None:
        """Refuse requests from now on."""
        self._closed = True


def by_name(subgraphs: Mapping[str, Answer]) -> Answer:
    """One function for all, from one for each; a name that is missing is unreachable."""

    async def answer(request: SubgraphRequest, /) -> SubgraphResponse:
        subgraph = subgraphs.get(request.subgraph)
        if subgraph is None:
            detail = f"no subgraph {request.subgraph!r} is in this process"
            raise SubgraphUnreachable(request.subgraph, _FAILED, detail=detail)
        return await subgraph(request)

    return answer


class AsgiSubgraph:
    """An ASGI application as a subgraph; `path` is where it answers GraphQL."""

    def __init__(self, app: AsgiApp, path: str = "/graphql") -> None:
        self._app = app
        self._path = path

    async def __call__(self, request: SubgraphRequest, /) -> SubgraphResponse:
        """Run one HTTP exchange.

        Raises what `decode_response` raises, and `SubgraphUnreachable` for an application that fails.
        """
        exchange = _Exchange(encode_body(request))
        try:
            await self._app(self._scope(request, exchange.body), exchange.receive, exchange.send)
        except Exception as error:
            detail = f"the application raised {type(error).__name__}: {error}"
            raise SubgraphUnreachable(request.subgraph, _FAILED, detail=detail) from error
        if not exchange.finished:
            raise SubgraphMalformedResponse(request.subgraph, _FAILED, detail="the application ended in mid-response")
        return decode_response(request.subgraph, exchange.response())

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


class _Exchange:
    """Both directions of one ASGI HTTP exchange, in memory."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.finished = False
        self._asked = False
        self._status = 0
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []

    async def receive(self) -> AsgiMessage:
        if self._asked:
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: AsgiMessage) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in message.get("headers", [])}
        elif message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))
            self.finished = not message.get("more_body", False)

    def response(self) -> RawResponse:
        return RawResponse(self._status, self._headers, b"".join(self._parts))
