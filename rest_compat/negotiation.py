"""Media types: what the client accepts, and what it sent. RFC 9110, sections 8.3, 8.4 and 12.5.1."""

from __future__ import annotations

from email.message import Message
from typing import Final

JSON: Final = "application/json"
PROBLEM_JSON: Final = "application/problem+json"
# A client that names problem+json alone has said how it wants its errors, not that it wants no successes.
_SATISFIED_BY: Final = (JSON, PROBLEM_JSON, "application/*", "*/*")
_ACCEPTED_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii"})


def _accepted(accept: str) -> dict[str, float]:
    """Media range -> quality; a quality that is not a number counts as zero."""
    ranges: dict[str, float] = {}
    for part in accept.split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((p.removeprefix("q=") for p in parameters if p.startswith("q=")), "1")
        try:
            ranges[media_range] = float(quality)
        except ValueError:
            ranges[media_range] = 0.0
    return ranges


def accepts_json(accept: str | None) -> bool:
    """Whether an answer in JSON is welcome; the most specific range that fits decides."""
    if accept is None or not accept.strip():
        return True
    ranges = _accepted(accept)
    return next((ranges[name] > 0 for name in _SATISFIED_BY if name in ranges), False)


def wants_problem_json(accept: str | None) -> bool:
    """Whether errors shall be RFC 9457's: only for clients that name its media type."""
    return accept is not None and _accepted(accept).get(PROBLEM_JSON, 0) > 0


def is_json(content_type: str | None, content_encoding: str | None) -> bool:
    """Whether a body is sent as plain JSON in UTF-8."""
    message = Message()
    message["content-type"] = content_type or ""
    encoding = (content_encoding or "identity").strip().lower()
    charset = str(message.get_param("charset") or "utf-8").lower()
    # `get_content_type` answers text/plain for what it cannot parse.
    return message.get_content_type() == JSON and charset in _ACCEPTED_CHARSETS and encoding == "identity"
