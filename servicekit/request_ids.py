"""The ids of the current request: its request id and its position in a W3C trace, in a context variable."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar

import msgspec

from servicekit.value_in_context import ValueInContext

# The accepted values of X-Request-Id. Any other value is replaced, so that it cannot forge log lines.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
# The pattern of `traceparent` (W3C Trace Context, section 3.2): version, trace-id, parent-id and flags. Later versions
# may append fields.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

# The ids of one request have 32, 16 and 24 digits.
_DIGITS_PER_REQUEST = 72
_REQUESTS_PER_BLOCK = 100


class RequestIds(msgspec.Struct, frozen=True, gc=False):
    """The ids of one request.

    Attributes:
        request_id: the id that the client sent; if it is missing or malformed, `req_` and 24 random hex digits.
        trace_id: 32 hex digits.
        span_id: 16 hex digits that identify this process's part of the trace.
        flags: two hex digits.
    """

    request_id: str
    trace_id: str
    span_id: str
    flags: str = "01"

    @property
    def traceparent(self) -> str:
        """The value of the `traceparent` header for requests to other processes."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    @classmethod
    def from_headers(cls, request_id: str | None, traceparent: str | None) -> RequestIds:
        """Continue the trace of a well-formed `traceparent` header. Without such a header, start a new trace."""
        valid = request_id is not None and _REQUEST_ID.fullmatch(request_id) is not None
        random = _random.next()
        trace_id, flags = _parse_traceparent(traceparent) or (random[:32], "01")
        return cls(
            request_id=request_id if valid and request_id else f"req_{random[48:]}",
            trace_id=trace_id,
            span_id=random[32:48],
            flags=flags,
        )


class _RandomDigits:
    """Hexadecimal digits for the ids of requests. One system call yields the digits of many requests."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Use no digit of those that are left."""
        self._digits, self._at = "", 0

    def next(self) -> str:
        """Return the digits of all ids of one request."""
        start, self._at = self._at, self._at + _DIGITS_PER_REQUEST
        if self._at > len(self._digits):
            self._digits, start, self._at = (
                os.urandom(_DIGITS_PER_REQUEST * _REQUESTS_PER_BLOCK // 2).hex(),
                0,
                _DIGITS_PER_REQUEST,
            )
        return self._digits[start : self._at]


_random = _RandomDigits()
# A forked process would otherwise use the digits of its parent a second time.
os.register_at_fork(after_in_child=_random.forget)


def _parse_traceparent(header: str | None) -> tuple[str, str] | None:
    match = _TRACEPARENT.fullmatch(header) if header else None
    if match is None:
        return None
    version, trace_id, parent_id, flags, rest = match.groups()
    malformed = (version == "00" and rest) or set(trace_id) == {"0"} or set(parent_id) == {"0"}
    return None if malformed else (trace_id, flags)


_current: ContextVar[RequestIds | None] = ContextVar("request_ids", default=None)


def current() -> RequestIds | None:
    """Return the ids of the request that the current task serves, or None outside a request."""
    return _current.get()


def serving(ids: RequestIds) -> ValueInContext[RequestIds | None]:
    """Make `ids` current inside the block, for this task and the tasks that it starts."""
    return ValueInContext(_current, ids)


def serve_in_task(ids: RequestIds) -> None:
    """Make `ids` current until the end of this task, and in the tasks that it starts."""
    _current.set(ids)


def outgoing_headers() -> dict[str, str]:
    """Return the headers that send the ids of the current request to another process."""
    ids = current()
    return {} if ids is None else {"x-request-id": ids.request_id, "traceparent": ids.traceparent}
