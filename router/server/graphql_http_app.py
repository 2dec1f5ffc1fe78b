"""The ASGI application for GraphQL over HTTP. It serves one path, in the steps below.

    path, head ─> method ─> CSRF ─> Accept ─> Content-Type ─> body ─> execute ─> status and media type ─> one log line

If a step refuses the request, it raises an `HttpRefusal`, and the response has one error. Serving one path needs no
web framework.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from router.policies.limit_checker import LimitChecker
from router.request.request_and_response import ResponseStream
from router.server import csrf
from router.server.access_log import LogLine
from router.server.batch_execution import BatchExecution
from router.server.client_disconnect import DisconnectWatch
from router.server.cors import cors_policies
from router.server.direct_requests import CUT_OFF, DirectRequests, HttpParts
from router.server.find_document_id import DocumentIds
from router.server.http_refusals import HttpRefusal
from router.server.http_request import HttpRequest, headers_by_name
from router.server.http_request_checks import HttpRequestChecks
from router.server.media_types import MediaType, negotiate
from router.server.request_body import ClientGone
from router.server.request_reading import RequestReader
from router.server.response_writing import METHODS, ResponseTarget, ResponseWriter
from servicekit import client_address, request_deadline
from servicekit.asgi import CLIENT_CLOSED_REQUEST
from servicekit.client_address import TrustedProxies
from servicekit.cors import Preflight
from servicekit.request_admission import WAITED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from router.request.request_and_response import Execute
    from router.server.log_sampling import LogSampling
    from router.settings.model import RouterSettings
    from servicekit.asgi import Message, Receive, Scope, Send

_NO_STATE: Mapping[str, float] = {}


class GraphQLApp:
    """Serves GraphQL under `settings.server.path`.

    `execute` processes a GraphQL request. `close` is awaited when the server shuts down (ASGI lifespan).
    `sampling` decides which requests have a log line; without it, all have one.
    """

    def __init__(
        self,
        execute: Execute,
        settings: RouterSettings,
        close: Callable[[], Awaitable[None]] | None = None,
        limits: LimitChecker | None = None,
        sampling: LogSampling | None = None,
    ) -> None:
        ids = DocumentIds(settings)
        self._checks = HttpRequestChecks(settings, limits or LimitChecker(settings.limits), ids)
        self._reader = RequestReader(ids, self._checks)
        self._writer = ResponseWriter(settings)
        self._execute_all = BatchExecution(execute)
        self._settings = settings
        self._close = close
        self._trusted = TrustedProxies.parse(settings.server.trusted_proxies)
        self._cors = cors_policies(settings, METHODS)
        self._sampling = sampling
        parts = HttpParts(settings, ids, self._checks, self._reader, self._writer, self._trusted, self._cors, sampling)
        self.direct = DirectRequests(parts, self._execute_all)

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
        waited = scope.get("state", _NO_STATE).get(WAITED, 0.0)  # before the request was started
        started = time.perf_counter() - waited
        headers, log_line = headers_by_name(scope["headers"]), LogLine(self._sampling)
        policy = self._cors.of(scope["path"])
        preflight = Preflight.of(scope["method"], headers.get)
        if preflight is not None:
            cors = policy.preflight_headers(preflight)
        else:
            cors = policy.response_headers(headers.get("origin"))
        target = ResponseTarget(log_line, cors, headers.get("accept"), headers.get("accept-encoding"))
        media_type = negotiate(headers.get("accept"))
        limit = self._settings.traffic.request_timeout
        timeout = request_deadline.timeout_of(headers.get(request_deadline.HEADER), limit=limit)
        deadline = asyncio.get_running_loop().time() + timeout - waited
        http_request = HttpRequest(scope, _counted(receive, log_line), headers, deadline, log_line.exceeds)
        log_line.path = self._checks.logged_path(http_request)
        try:
            with client_address.serving(client_address.path_of(scope, self._trusted)):
                await self._respond(http_request, target, media_type, send)
        except HttpRefusal as refusal:
            await (await self._writer.refusal(target, refusal, media_type or MediaType.JSON)).send(send)
        except ClientGone:
            log_line.status = CLIENT_CLOSED_REQUEST
        except asyncio.CancelledError:
            log_line.status, log_line.code = 503, CUT_OFF  # the HTTP server sends 503 when it cancels a request
            raise
        finally:
            log_line.write(scope["method"], headers, time.perf_counter() - started)

    async def _respond(
        self, http_request: HttpRequest, target: ResponseTarget, media_type: MediaType | None, send: Send
    ) -> None:
        """Process one HTTP request.

        Raises:
            HttpRefusal: The HTTP request is not a valid GraphQL request.
            ClientGone: The client closed the connection.
        """
        self._checks.check_head(http_request)
        if http_request.scope["method"] == "OPTIONS":
            await self._writer.options(target, send)
            return
        csrf.check(http_request.headers, self._settings.csrf)
        if media_type is None:
            known = " or ".join(kind.value for kind in MediaType)
            raise HttpRefusal("NOT_ACCEPTABLE", f"This server responds with {known}.")
        request = await self._reader.read(http_request)
        async with DisconnectWatch(http_request.receive, ClientGone):
            response = await self._execute_all(request)
            if isinstance(response, ResponseStream):
                await self._writer.stream(target, send, response)
                return
        if isinstance(response, list):
            await (await self._writer.batch(target, response)).send(send)
        else:
            await (await self._writer.graphql(target, response, media_type)).send(send)


def _counted(receive: Receive, log_line: LogLine) -> Receive:
    async def counting() -> Message:
        message = await receive()
        log_line.body_bytes += len(message.get("body", b""))
        return message

    return counting
