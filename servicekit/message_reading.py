"""What our two HTTP protocols do alike while they read a request: they count its fields, and refuse too many.

`servicekit.http_requests` has the protocol with uvicorn, and `servicekit.http_server.request_parsing` our own.
"""

from __future__ import annotations

import http
from typing import ClassVar, Final, Generic, TypeVar

from servicekit.http_framing import FramingBudget
from servicekit.http_limits import ConnectionLimits

R = TypeVar("R")

BAD_REQUEST: Final = http.HTTPStatus.BAD_REQUEST
TOO_LARGE: Final = http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
TIMEOUT: Final = http.HTTPStatus.REQUEST_TIMEOUT
UNAVAILABLE: Final = http.HTTPStatus.SERVICE_UNAVAILABLE


class TooManyHeaders(Exception):
    """Raised in a callback to stop the parser. The parser then raises `httptools.HttpParserError`."""


class MessageReading(Generic[R]):
    """The state of the message that a connection reads. `R` is the type of a request.

    The subclass calls `_begin_reading` when the connection is created, and has the callbacks of the HTTP parser.
    """

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()

    def _begin_reading(self) -> None:
        self._framing = FramingBudget(self.limits.head_bytes)
        self._framing_line = b""
        self._refusal: tuple[http.HTTPStatus, str] | None = None
        self._is_replaying_head = False
        self._ignores_input = False
        self._expect_head()

    def _expect_head(self) -> None:
        self._in_head = True
        self._received: R | None = None  # the request whose body is being received
        self._began: float | None = None
        self._head_begun = False
        self._head_size = self._field_count = self._field_size = 0

    def _is_receiving(self) -> bool:
        """Return whether a part of a request has still to be received."""
        return not self._in_head or self._ignores_input

    def _count_field(self, name: bytes, value: bytes) -> None:
        """Count a field of a head or a trailer.

        Raises:
            TooManyHeaders: the fields are too many or too large.
        """
        self._field_count += 1
        self._field_size += len(name) + len(value) + len(b": \r\n")
        if self._field_count > self.limits.head_fields or self._field_size > self.limits.head_bytes:
            self._refusal = TOO_LARGE, "too many header or trailer fields"
            raise TooManyHeaders

    def _check_head_size(self, url: bytes) -> None:
        """Check the size of a head that is complete.

        Raises:
            TooManyHeaders: the head is too large.
        """
        if len(url) + self._field_size > self.limits.head_bytes:
            self._refusal = TOO_LARGE, "the head is too large"
            raise TooManyHeaders

    def _replayed_head(self) -> bytes:
        """Return the head that a new parser gets before the body of a request (`servicekit.http_requests`)."""
        return b"POST / HTTP/1.1\r\nhost: x\r\n" + self._framing_line + b"\r\n\r\n"

    # The following methods are implemented where the connection is.

    def refuse(self, status: http.HTTPStatus, reason: str) -> None:
        """Refuse the request that the client is sending, and close the connection."""
        raise NotImplementedError

    def _discard(self, size: int) -> None:
        """Called when `size` received bytes of a body are dropped, because no application reads them."""
        raise NotImplementedError

    # The parser calls the following method.

    def on_chunk_header(self) -> None:
        self._framing.chunk()


def refusal(status: http.HTTPStatus, reason: str) -> bytes:
    """Return the response to a request that no application gets. The connection is closed afterwards."""
    text = f"{status.phrase}: {reason}"
    retry = "retry-after: 1\r\n" if status is UNAVAILABLE else ""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(text)}\r\n{retry}connection: close\r\n\r\n"
    )
    return (head + text).encode("ascii")
