"""The ASGI application: one path that speaks GraphQL over HTTP, and nothing else.

    path -> method -> CSRF -> Accept -> Content-Type -> body -> execute -> status and media type -> one log line

Each step either goes on or raises a `Refusal`, whose answer has the same form as any other. No framework: routing one
path costs one comparison.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from router.exchange import Outcome
from router.policies.limits import LimitWatch
from router.transport import json_codec

from . import csrf
from .cors import CorsPolicy
from .decoding import BodyLimits, ClientGone, from_body, from_query_string, read_body
from .disconnect import DisconnectWatch
from .media_types import MediaType, is_json, negotiate
from .refusals import Refusal
from .summary import Summary

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from router.exchange import Execute, GraphQLRequest, GraphQLResponse
    from router.settings.model import RouterSettings
    from servicekit.asgi import Message, Receive, Scope, Send

METHODS = "GET, HEAD, POST, OPTIONS"

# Under application/json a well-formed request is answered 200 whatever came of it (executor reference §18).
STATUS: Mapping[MediaType, Mapping[Outcome, int]] = {
    MediaType.GRAPHQL_RESPONSE: {
        Outcome.EXECUTED: 200,
        Outcome.REFUSED: 400,
        Outcome.NOT_READ_ONLY: 405,
        Outcome.UNKNOWN_DOCUMENT: 200,
        Outcome.TIMED_OUT: 504,
        Outcome.FAILED: 500,
    },
    MediaType.JSON: {
        Outcome.EXECUTED: 200,
        Outcome.REFUSED: 200,
        Outcome.NOT_READ_ONLY: 405,
        Outcome.UNKNOWN_DOCUMENT: 200,
        Outcome.TIMED_OUT: 504,
        Outcome.FAILED: 500,
    },
}
_ALLOW_POST = ((b"allow", b"POST"),)
_ALLOW = ((b"allow", METHODS.encode()),)
# Answers depend on who asks, and on the clock of the bank; nobody between may keep one.
_ALWAYS = ((b"cache-control", b"no-store"), (b"vary", b"Accept"), (b"x-content-type-options", b"nosniff"))
# What is written where a client left before its answer: no status was sent. nginx's number, known to log readers.
CLIENT_CLOSED_REQUEST = 499

Headers = tuple[tuple[bytes, bytes], ...]


class GraphQLApp:
    """Serves `execute` under `settings.server.path`.

    `close` is awaited when the server shuts down (ASGI lifespan).
    """

    def __init__(
        self,
        execute: Execute,
        settings: RouterSettings,
        close: Callable[[], Awaitable[None]] | None = None,
        limits: LimitWatch | None = None,
    ) -> None:
        self._execute = execute
        self._limits = limits if limits is not None else LimitWatch(settings.limits)
        self._settings = settings
        self._close = close
        self._cors = CorsPolicy(settings.cors, METHODS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            raise ValueError(f"no {scope['type']} connections here")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._close is not None:
            await self._close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = _headers(scope)
        summary = Summary()
        answer = _Answer(
            send, summary, self._cors.headers(headers.get("origin"), preflight=scope["method"] == "OPTIONS")
        )
        media_type = negotiate(headers.get("accept"))
        try:
            response = await self._respond(scope, _counted(receive, summary), headers, media_type)
            if response is None:
                await answer.send(204, None, b"", _ALLOW)
            else:
                await answer.graphql(response, media_type or MediaType.JSON)
        except Refusal as refusal:
            await answer.refuse(refusal, media_type or MediaType.JSON)
        except ClientGone:
            summary.status = CLIENT_CLOSED_REQUEST
        finally:
            summary.write(scope, headers, time.perf_counter() - started)

    async def _respond(
        self, scope: Scope, receive: Receive, headers: Mapping[str, str], media_type: MediaType | None
    ) -> GraphQLResponse | None:
        """The answer, or None when the client only asks what it may do (OPTIONS).

        Raises:
            Refusal: the request is not one that GraphQL knows.
            ClientGone: nobody waits for the answer.
        """
        # Mounted in another application, the path begins with where that mounted it.
        if scope["path"].removeprefix(scope.get("root_path", "")) != self._settings.server.path:
            raise Refusal("NOT_FOUND", f"GraphQL is served under {self._settings.server.path}.")
        method = scope["method"]
        if method == "OPTIONS":
            return None
        if method not in {"GET", "HEAD", "POST"}:
            raise Refusal("METHOD_NOT_ALLOWED", f"Use one of {METHODS}.", headers=_ALLOW)
        csrf.check(headers, self._settings.csrf)
        if media_type is None:
            known = " or ".join(kind.value for kind in MediaType)
            raise Refusal("NOT_ACCEPTABLE", f"This server answers with {known}.")
        if method == "POST":
            request = await self._from_post(receive, headers)
        else:
            request = await self._from_get(scope, receive, headers)
        async with DisconnectWatch(receive, ClientGone):
            return await self._execute(request)

    async def _from_post(self, receive: Receive, headers: Mapping[str, str]) -> GraphQLRequest:
        if not is_json(headers.get("content-type")):
            raise Refusal("UNSUPPORTED_MEDIA_TYPE", "Send the content type application/json, in UTF-8.")
        return from_body(await self._body(receive, headers), headers)

    async def _from_get(self, scope: Scope, receive: Receive, headers: Mapping[str, str]) -> GraphQLRequest:
        limit = self._settings.limits.url_bytes
        if len(scope["query_string"]) > limit:
            raise Refusal("URI_TOO_LONG", f"A query string has at most {limit} bytes; use POST.")
        await self._body(receive, headers)
        return from_query_string(scope["query_string"], headers)

    async def _body(self, receive: Receive, headers: Mapping[str, str]) -> bytes:
        limits = BodyLimits(self._settings.limits.body_bytes, self._settings.traffic.request_timeout)
        return await read_body(receive, headers.get("content-length"), limits)


class _Answer:
    """One HTTP answer; notes in `summary` what the log will tell of it."""

    def __init__(self, send: Send, summary: Summary, cors: Headers) -> None:
        self._send = send
        self._summary = summary
        self._cors = cors

    async def graphql(self, response: GraphQLResponse, media_type: MediaType) -> None:
        self._summary.report = response.report
        status = STATUS[media_type][response.outcome]
        extra = _ALLOW_POST if response.outcome is Outcome.NOT_READ_ONLY else ()
        await self.send(status, media_type, json_codec.encode(response.body), extra)

    async def refuse(self, refusal: Refusal, media_type: MediaType) -> None:
        self._summary.code = refusal.code
        body = {"errors": [{"message": refusal.message, "extensions": {"code": refusal.code}}]}
        await self.send(refusal.status, media_type, json_codec.encode(body), refusal.headers)

    async def send(self, status: int, media_type: MediaType | None, body: bytes, extra: Headers = ()) -> None:
        headers = [(b"content-length", str(len(body)).encode()), *extra, *self._cors]
        if media_type is not None:
            headers += [(b"content-type", media_type.header), *_ALWAYS]
        self._summary.status, self._summary.size = status, len(body)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _headers(scope: Scope) -> dict[str, str]:
    """By lower-case name; those that came more than once are joined (RFC 9110 §5.3, for cookies RFC 6265 §5.4)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in headers:
            headers[name] += ("; " if name == "cookie" else ", ") + value
        else:
            headers[name] = value
    return headers


def _counted(receive: Receive, summary: Summary) -> Receive:
    async def counting() -> Message:
        message = await receive()
        summary.body_bytes += len(message.get("body", b""))
        return message

    return counting
