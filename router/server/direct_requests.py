"""Responds to the usual request of `router serve` in one pass: a POST of JSON that has arrived as a whole.

`GraphQLApp` does the same for any server and any request, with the messages of ASGI. Here, what depends on the head
alone is found out once for each head, which clients repeat. The server cancels the task when the client disconnects.
Responses, headers and log lines are the same.

Requests that are not usual go to `GraphQLApp`: other methods and paths, heads above a limit, heads that are refused.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from router.request.repeated_headers import RepeatedHeaders
from router.request.request_and_response import ResponseStream
from router.server import csrf
from router.server.access_log import LogLine
from router.server.http_refusals import HttpRefusal
from router.server.http_request import headers_by_name
from router.server.media_types import MediaType, negotiate
from router.server.request_parameters import RequestHead
from router.server.request_reading import check_content_type
from router.server.response_writing import ResponseTarget
from servicekit import client_address, request_deadline, request_ids
from servicekit.asgi import CLIENT_CLOSED_REQUEST, adding_header
from servicekit.request_ids import RequestIds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.server.batch_execution import BatchExecution
    from router.server.find_document_id import DocumentIds
    from router.server.http_request_checks import HttpRequestChecks
    from router.server.log_sampling import LogSampling
    from router.server.request_reading import RequestReader
    from router.server.response_writing import HttpResponse, ResponseWriter
    from router.settings.model import RouterSettings
    from servicekit.asgi import Send
    from servicekit.client_address import ClientPath, TrustedProxies
    from servicekit.cors import CorsByPath, Headers
    from servicekit.http_server.messages import DirectWork, WholeRequest, WholeResponse, WriteResponse
    from servicekit.http_server.messages import RequestHead as HttpHead

CUT_OFF: Final = "CANCELLED"
"""The code in the log line of a request that was cancelled because the process stops."""


class HttpParts(msgspec.Struct, frozen=True):
    """What reads HTTP requests and makes HTTP responses."""

    settings: RouterSettings
    ids: DocumentIds
    checks: HttpRequestChecks
    reader: RequestReader
    writer: ResponseWriter
    trusted: TrustedProxies
    cors: CorsByPath
    sampling: LogSampling | None


class _HeadFacts(msgspec.Struct, frozen=True):
    """What is known about a head. `owner` identifies the `DirectRequests` that found it out."""

    owner: object
    headers: Mapping[str, str]
    media_type: MediaType
    cors: Headers
    timeout: float
    client_path: ClientPath


class _NotUsual(msgspec.Struct, frozen=True):
    """The head belongs to a request for `GraphQLApp`."""

    owner: object


class _Begun(msgspec.Struct, frozen=True, eq=False):
    """A request that is being processed. `started` is the time when it arrived."""

    request: WholeRequest
    facts: _HeadFacts
    target: ResponseTarget
    ids: RequestIds
    started: float

    def log(self) -> None:
        self.target.log_line.write("POST", self.facts.headers, time.perf_counter() - self.started)

    def note_cancellation(self) -> None:
        log_line = self.target.log_line
        if self.request.disconnected:
            log_line.status = CLIENT_CLOSED_REQUEST
        else:
            log_line.status, log_line.code = 503, CUT_OFF  # the HTTP server sends 503 when it cancels a request


class DirectRequests:
    """Responds to usual requests. It is a `DirectHandler`."""

    def __init__(self, parts: HttpParts, execute: BatchExecution) -> None:
        self._parts = parts
        self._execute = execute
        # Heads refer to this object and not to `self`: otherwise, an idle connection would keep a replaced gateway.
        self._identity = object()

    def __call__(self, request: WholeRequest) -> DirectWork | None:
        """Return a coroutine that responds to the request, or None if the request is not usual."""
        head = request.head
        facts = head.facts
        if not isinstance(facts, _HeadFacts | _NotUsual) or facts.owner is not self._identity:
            facts = head.facts = self._facts_of(head)
        return self._respond(request, facts) if isinstance(facts, _HeadFacts) else None

    def _facts_of(self, head: HttpHead) -> _HeadFacts | _NotUsual:
        settings, path = self._parts.settings, head.path
        not_usual = _NotUsual(self._identity)
        if head.method != "POST" or path != settings.server.path or head.expects_continue:
            return not_usual
        headers = RepeatedHeaders(headers_by_name(head.fields))
        media_type = negotiate(headers.get("accept"))
        if media_type is None or "upgrade" in headers or not self._parts.checks.is_within_limits(head):
            return not_usual
        try:
            csrf.check(headers, settings.csrf)
            check_content_type(headers)
        except HttpRefusal:
            return not_usual
        timeout = request_deadline.timeout_of(
            headers.get(request_deadline.HEADER), limit=settings.traffic.request_timeout
        )
        cors = self._parts.cors.of(path).response_headers(headers.get("origin"))
        scope = {"client": head.connection.client, "headers": head.fields}
        client_path = client_address.path_of(scope, self._parts.trusted)
        return _HeadFacts(self._identity, headers, media_type, cors, timeout, client_path)

    async def _respond(self, request: WholeRequest, facts: _HeadFacts) -> WholeResponse | WriteResponse:
        waited = request.seconds_waited  # before the request was started
        started = time.perf_counter() - waited
        headers, log_line, body = facts.headers, LogLine(self._parts.sampling), request.body
        log_line.path, log_line.body_bytes = self._parts.settings.server.path, len(body)
        target = ResponseTarget(log_line, facts.cors, headers.get("accept"), headers.get("accept-encoding"))
        ids = RequestIds.from_headers(headers.get("x-request-id"), headers.get("traceparent"))
        request_ids.serve_in_task(ids)
        client_address.serve_in_task(facts.client_path)
        deadline = asyncio.get_running_loop().time() + facts.timeout - waited
        begun = _Begun(request, facts, target, ids, started)
        is_stream = False
        try:
            response = await self._response(begun, body, deadline)
            if isinstance(response, ResponseStream):
                is_stream = True
                return partial(self._stream, begun, response)
            return response.whole(b"x-request-id: %b\r\n" % ids.request_id.encode())
        except asyncio.CancelledError:
            begun.note_cancellation()
            raise
        finally:
            if not is_stream:
                begun.log()

    async def _response(self, begun: _Begun, body: bytes, deadline: float) -> HttpResponse | ResponseStream:
        parts, facts, target = self._parts, begun.facts, begun.target
        try:
            head = RequestHead(facts.headers, parts.ids, None, deadline)
            response = await self._execute(parts.reader.from_body(body, head, target.log_line.exceeds))
        except HttpRefusal as refusal:
            return await parts.writer.refusal(target, refusal, facts.media_type)
        if isinstance(response, ResponseStream):
            return response
        if isinstance(response, list):
            return await parts.writer.batch(target, response)
        return await parts.writer.graphql(target, response, facts.media_type)

    async def _stream(self, begun: _Begun, response: ResponseStream, send: Send) -> None:
        send_with_id = adding_header(send, b"x-request-id", begun.ids.request_id.encode())
        writer, target = self._parts.writer, begun.target
        try:
            await writer.stream(target, send_with_id, response)
        except HttpRefusal as refusal:
            await (await writer.refusal(target, refusal, begun.facts.media_type)).send(send_with_id)
        except asyncio.CancelledError:
            begun.note_cancellation()
            raise
        finally:
            begun.log()
