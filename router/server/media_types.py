"""The media type of a response, and whether a body is JSON (GraphQL over HTTP, "Media Types"; RFC 9110 §12.5.1).

The two types differ in more than their name. With `application/json` the status of a well-formed request is 200, as any
other status may come from an intermediary. With `application/graphql-response+json` the status says how far it came.
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


# How specific a range is: RFC 9110 §12.5.1, "media ranges can be overridden by more specific ones".
_WILDCARDS = {"application/*": 1, "*/*": 0}
_EXACT = 2


def negotiate(accept: str | None) -> MediaType | None:
    """The media type of the response, None if the client accepts neither.

    Without `Accept` it is `application/json`, which every client understands. Among types that the client names with
    the same quality, it is the first one.
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
    """Quality, specificity and (negated) position of the most specific range that covers a type."""
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
    """Whether `Accept` names a media type, parameters aside; a wildcard does not."""
    return any(each.value == media_type and each.quality > 0 for each in parse_accept(accept))


def is_json(content_type: str | None) -> bool:
    """Whether a body with this `Content-Type` is JSON in UTF-8 (RFC 8259 §8.1 knows no other)."""
    if content_type is None:
        return False
    declared = parse_value(content_type)
    charset = declared.parameters.get("charset", "utf-8").strip('"').lower()
    return declared.value == "application/json" and charset in {"utf-8", "utf8"}
