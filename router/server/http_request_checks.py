"""Checks HTTP requests before they are read: path, method, and the limits of URL, headers, body and batch."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from router.server.http_refusals import HttpRefusal
from router.server.request_body import BodyLimits, read_body
from router.server.response_writing import ALLOW, METHODS
from servicekit.logged_paths import UNKNOWN_PATH

if TYPE_CHECKING:
    from collections.abc import Sized

    from router.policies.limit_checker import LimitChecker
    from router.server.find_document_id import DocumentIds
    from router.server.http_request import HttpRequest
    from router.settings.model import RouterSettings
    from router.settings.sections.limits import LimitName
    from servicekit.http_server.messages import RequestHead

_TOO_LARGE = "PAYLOAD_TOO_LARGE"


class HttpRequestChecks:
    """Refuses HTTP requests with a wrong path or method, and requests above an enforced limit."""

    def __init__(self, settings: RouterSettings, limits: LimitChecker, ids: DocumentIds) -> None:
        self._settings = settings
        self._limits = limits
        self._ids = ids

    def logged_path(self, http_request: HttpRequest) -> str:
        """Return a path for the log. The path contains no text that the client has chosen."""
        path = self._settings.server.path
        if http_request.path == path:
            return path
        is_document = self._ids.in_path(http_request.path) is not None
        return f"{path.rstrip('/')}/:documentId" if is_document else UNKNOWN_PATH

    def check_head(self, http_request: HttpRequest) -> None:
        """Check path, method, URL and headers, and refuse a client that wants a WebSocket.

        Raises:
            HttpRefusal: the request is refused.
        """
        path = self._settings.server.path
        if http_request.path != path and self._ids.in_path(http_request.path) is None:
            raise HttpRefusal("NOT_FOUND", f"GraphQL is served under {path}.")
        self._check_size(http_request)
        if http_request.scope["method"] not in METHODS:
            raise HttpRefusal("METHOD_NOT_ALLOWED", f"Use one of {', '.join(METHODS)}.", headers=ALLOW)
        if "websocket" in http_request.headers.get("upgrade", "").lower():
            raise HttpRefusal(
                "SUBSCRIPTIONS_NOT_ENABLED",
                "This server accepts no WebSocket, because it runs no subscriptions. Send other operations with POST.",
            )

    def _check_size(self, http_request: HttpRequest) -> None:
        scope = http_request.scope
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope["query_string"]
        if self._exceeds(http_request.exceeds, "url_bytes", len(raw_path) + len(query) + bool(query)):
            limit = self._settings.limits.url_bytes
            raise HttpRefusal("URI_TOO_LONG", f"A path with its query string has at most {limit} bytes; use POST.")
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if self._exceeds(http_request.exceeds, "header_bytes", size):
            limit = self._settings.limits.header_bytes
            raise HttpRefusal("HEADERS_TOO_LARGE", f"The headers of a request have at most {limit} bytes.")
        if self._exceeds(http_request.exceeds, "header_count", len(scope["headers"])):
            raise HttpRefusal(
                "HEADERS_TOO_LARGE", f"A request has at most {self._settings.limits.header_count} headers."
            )

    def is_within_limits(self, head: RequestHead) -> bool:
        """Return whether URL, headers and announced body are within all limits. Nothing is counted."""
        if head.content_length is None:
            return False
        limits, query = self._settings.limits, head.query_string
        sizes = (
            (limits.url_bytes, len(head.raw_path) + len(query) + bool(query)),
            (limits.header_bytes, sum(len(name) + len(value) for name, value in head.fields)),
            (limits.header_count, len(head.fields)),
            (limits.body_bytes, head.content_length),
        )
        return all(size <= most for most, size in sizes)

    def check_batch(self, exceeds: list[LimitName], entries: Sized) -> None:
        """Raise `HttpRefusal` if batches are off, or if the batch is empty or too large."""
        if not self._settings.batching.enabled:
            raise HttpRefusal("BATCHING_NOT_ENABLED", "This server accepts one operation per request.")
        if not entries:
            raise HttpRefusal("BAD_REQUEST", "The batch is empty.")
        if self._exceeds(exceeds, "batch_size", len(entries)):
            limit = self._settings.limits.batch_size
            raise HttpRefusal("BATCH_LIMIT_EXCEEDED", f"A batch has at most {limit} operations.")

    async def limited_body(self, http_request: HttpRequest) -> bytes:
        """Read the body up to the limit `body_bytes`.

        Raises:
            HttpRefusal: The body exceeds the limit, or is not complete at the deadline.
            ClientGone: The client closed the connection before the body was complete.
        """
        limits = self._settings.limits
        size = limits.body_bytes if limits.enforces("body_bytes") else sys.maxsize
        bounds = BodyLimits(size, http_request.deadline)
        try:
            body = await read_body(http_request.receive, http_request.headers.get("content-length"), bounds)
        except HttpRefusal as refusal:
            if refusal.code == _TOO_LARGE:
                self._limits.count(("body_bytes",))
            raise
        self._exceeds(http_request.exceeds, "body_bytes", len(body))
        return body

    def _exceeds(self, exceeds: list[LimitName], name: LimitName, counted: int) -> bool:
        """Return whether the request exceeds the limit `name` and the limit is enforced.

        If the request exceeds the limit, but the limit is in measure mode, add `name` to `exceeds`.
        """
        if self._limits.within(name, counted):
            return False
        if self._settings.limits.enforces(name):
            return True
        exceeds.append(name)
        return False
