"""Chooses the media type of a response (GraphQL over HTTP, "Media Types"; RFC 9110 §12.5.1).

The media type also decides on the HTTP status. If the document is not valid, the status is 400 with
`application/graphql-response+json`, but 200 with `application/json`, where another status may come from a proxy.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from servicekit.accept import parse_accept, parse_value

if TYPE_CHECKING:
    from servicekit.accept import ParameterizedValue


class MediaType(Enum):
    """The media types of responses."""

    GRAPHQL_RESPONSE = "application/graphql-response+json"
    JSON = "application/json"

    @property
    def header(self) -> bytes:
        """The value of `Content-Type`."""
        return f"{self.value}; charset=utf-8".encode()


# The precedence of media ranges: RFC 9110 §12.5.1, "media ranges can be overridden by more specific media ranges".
_WILDCARDS = {"application/*": 1, "*/*": 0}
_EXACT = 2


def negotiate(accept: str | None) -> MediaType | None:
    """Return the media type of the response, or None if the client accepts neither type.

    Without an `Accept` header, the result is `application/json`, which every client understands. If both types have the
    same quality, the result is the type that the header names first.
    """
    if accept is None or not accept.strip():
        return MediaType.JSON
    ranges = parse_accept(accept)
    best: tuple[float, int, int] | None = None
    chosen: MediaType | None = None
    for media_type in (MediaType.JSON, MediaType.GRAPHQL_RESPONSE):
        found = _match(media_type, ranges)
        if found is not None and found[0] > 0 and (best is None or found > best):
            best, chosen = found, media_type
    return chosen


def _match(media_type: MediaType, ranges: list[ParameterizedValue]) -> tuple[float, int, int] | None:
    """Return quality, specificity and negated position of the most specific range that matches, or None."""
    covering = [
        (_EXACT if candidate.value == media_type.value else _WILDCARDS[candidate.value], -position, candidate.quality)
        for position, candidate in enumerate(ranges)
        if candidate.value == media_type.value or candidate.value in _WILDCARDS
    ]
    if not covering:
        return None
    specificity, position, quality = max(covering)
    return quality, specificity, position


def accepts(accept: str | None, media_type: str) -> bool:
    """Return whether `Accept` names a media type, with any parameters. A wildcard such as `*/*` does not count."""
    return any(each.value == media_type and each.quality > 0 for each in parse_accept(accept))


def is_json(content_type: str | None) -> bool:
    """Return whether `Content-Type` means JSON in UTF-8, the only encoding of JSON (RFC 8259 §8.1)."""
    if content_type is None:
        return False
    declared = parse_value(content_type)
    charset = declared.parameters.get("charset", "utf-8").strip('"').lower()
    return declared.value == "application/json" and charset in {"utf-8", "utf8"}
