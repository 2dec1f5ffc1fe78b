"""Defines `HttpRefusal`, which refuses an HTTP request before its GraphQL request is run.

Each code has a status:

METHOD_NOT_ALLOWED         405    NOT_ACCEPTABLE              406
NOT_FOUND                  404    UNSUPPORTED_MEDIA_TYPE      415
PAYLOAD_TOO_LARGE          413    URI_TOO_LONG                414
HEADERS_TOO_LARGE          431    REQUEST_TIMEOUT             408
CSRF_BLOCKED, BAD_REQUEST, BATCHING_NOT_ENABLED, BATCH_LIMIT_EXCEEDED, PERSISTED_QUERY_NOT_SUPPORTED     400
SUBSCRIPTIONS_NOT_ENABLED  400
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUS: Mapping[str, int] = {
    "BAD_REQUEST": 400,
    "BATCHING_NOT_ENABLED": 400,
    "BATCH_LIMIT_EXCEEDED": 400,
    "CSRF_BLOCKED": 400,
    "HEADERS_TOO_LARGE": 431,
    "METHOD_NOT_ALLOWED": 405,
    "NOT_ACCEPTABLE": 406,
    "NOT_FOUND": 404,
    "PAYLOAD_TOO_LARGE": 413,
    "PERSISTED_QUERY_NOT_SUPPORTED": 400,
    "REQUEST_TIMEOUT": 408,
    "SUBSCRIPTIONS_NOT_ENABLED": 400,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "URI_TOO_LONG": 414,
}


class HttpRefusal(Exception):
    """The HTTP request is refused. The response has one error with `message` and `code`, and the headers `headers`."""

    def __init__(self, code: str, message: str, *, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = STATUS[code]
        self.headers = headers

    @property
    def body(self) -> dict[str, object]:
        """The body of the response, as a JSON object with one error."""
        return {"errors": [{"message": self.message, "extensions": {"code": self.code}}]}
