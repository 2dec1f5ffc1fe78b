"""The ASGI application: one path that speaks GraphQL over HTTP, and nothing else.

    path, head -> method -> CSRF -> Accept -> Content-Type -> body -> execute -> status and media type -> one log line

Each step either goes on or raises a `Refusal`, whose answer has the same form as any other. No framework: routing one
path costs one comparison.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from router.policies.limits import LimitWatch
from router.request.messages import GraphQLResponse
from router.request.outcome import Outcome
from router.request.record import RequestRecord
from router.server import csrf
from router.server.cors import CorsPolicy
from router.server.disconnect import DisconnectWatch
from router.server.log_line import Summary
from router.server.media_types import MediaType, negotiate
from router.server.refusals import Refusal
from router.server.request_decoding import ClientGone
from router.server.request_reading import Incoming, RequestReader
from router.server.responses import METHODS, Answers, Exchange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from router.request.messages import Execute, GraphQLRequest
    from router.settings.model import RouterSettings
    from servicekit.asgi import Message, Receive, Scope, Send

# What is written where a client left before its answer: no status was sent. nginx's number, known to log readers.
CLIENT_CLOSED_REQUEST = 499
CUT_OFF = "CANCELLED"


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
        self._reader = RequestReader(settings, limits if limits is not None else LimitWatch(settings.limits))
        self._answers = Answers(settings)
        self._settings = settings
        self._close = close
        self._cors = CorsPolicy(settings.cors, ", ".join(METHODS))

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
        headers, summary = _headers(scope), Summary()
        cors = self._cors.headers(headers.get("origin"), preflight=scope["method"] == "OPTIONS")
        exchange = Exchange(send, summary, cors, headers.get("accept-encoding"))
        media_type = negotiate(headers.get("accept"))
        incoming = Incoming(scope, _counted(receive, summary), headers, summary.exceeds)
        try:
            await self._answer(incoming, exchange, media_type)
        except Refusal as refusal:
            await self._answers.refusal(exchange, refusal, media_type or MediaType.JSON)
        except ClientGone:
            summary.status = CLIENT_CLOSED_REQUEST
        except asyncio.CancelledError:
            summary.status, summary.code = 503, CUT_OFF  # what the server says then
            raise
        finally:
            summary.write(scope, headers, time.perf_counter() - started)

    async def _answer(self, incoming: Incoming, exchange: Exchange, media_type: MediaType | None) -> None:
        """Do what the client asks for.

        Raises:
            Refusal: the request is not one that GraphQL knows.
            ClientGone: nobody waits for the answer.
        """
        self._reader.check_head(incoming)
        if incoming.scope["method"] == "OPTIONS":
            await self._answers.options(exchange)
            return
        csrf.check(incoming.headers, self._settings.csrf)
        if media_type is None:
            known = " or ".join(kind.value for kind in MediaType)
            raise Refusal("NOT_ACCEPTABLE", f"This server answers with {known}.")
        request = await self._reader.read(incoming)
        async with DisconnectWatch(incoming.receive, ClientGone):
            answered = await self._execute_all(request)
        if isinstance(answered, list):
            await self._answers.batch(exchange, answered)
        else:
            await self._answers.graphql(exchange, answered, media_type)

    async def _execute_all(
        self, request: GraphQLRequest | list[GraphQLRequest | Refusal]
    ) -> GraphQLResponse | list[GraphQLResponse]:
        if isinstance(request, list):
            return await asyncio.gather(*map(self._execute_entry, request))
        return await self._execute(request)

    async def _execute_entry(self, entry: GraphQLRequest | Refusal) -> GraphQLResponse:
        """The response in the place of one entry of a batch, whatever becomes of the others."""
        if isinstance(entry, Refusal):
            return GraphQLResponse(body=entry.body, outcome=Outcome.REFUSED, report=RequestRecord(errors=1))
        return await self._execute(entry)


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
