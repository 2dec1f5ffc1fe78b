"""Negotiates the media types that the client accepts and sends (RFC 9110 §8.3, §8.4 and §12.5.1)."""

from __future__ import annotations

from email.message import Message
from typing import Final

from servicekit.accept import parse_accept

JSON: Final = "application/json"
PROBLEM_JSON: Final = "application/problem+json"
CSV: Final = "text/csv"
# A client that accepts only problem+json still gets successful responses as JSON: this `Accept` affects only errors.
_SATISFIED_BY: Final = (JSON, PROBLEM_JSON, "application/*", "*/*")
_ACCEPTED_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii"})


def _accepted(accept: str) -> dict[str, float]:
    """Return the accepted media ranges with their quality."""
    return {each.value: each.quality for each in parse_accept(accept)}


def accepts_json(accept: str | None) -> bool:
    """Whether the client accepts JSON. The most specific matching media range decides."""
    if accept is None or not accept.strip():
        return True
    ranges = _accepted(accept)
    return next((ranges[name] > 0 for name in _SATISFIED_BY if name in ranges), False)


def prefers_csv(accept: str | None) -> bool:
    """Whether the client accepts CSV and prefers it to JSON."""
    ranges = _accepted(accept or "")
    as_csv, as_json = (
        next((ranges[name] for name in names if name in ranges), 0.0)
        for names in ((CSV, "text/*", "*/*"), _SATISFIED_BY)
    )
    return as_csv > as_json


def wants_problem_json(accept: str | None) -> bool:
    """Whether errors are sent as problem documents (RFC 9457): the client must name this media type in `Accept`."""
    return accept is not None and _accepted(accept).get(PROBLEM_JSON, 0) > 0


def is_json(content_type: str | None, content_encoding: str | None) -> bool:
    """Whether a body is sent as JSON in UTF-8, without a content coding."""
    message = Message()
    message["content-type"] = content_type or ""
    encoding = (content_encoding or "identity").strip().lower()
    charset = str(message.get_param("charset") or "utf-8").lower()
    # For a malformed header, `get_content_type` returns text/plain, so the result is False.
    return message.get_content_type() == JSON and charset in _ACCEPTED_CHARSETS and encoding == "identity"
