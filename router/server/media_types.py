"""Chooses the media type of a response (GraphQL over HTTP, "Media Types"; RFC 9110 §12.5.1).

The HTTP status depends on the media type too. If an `application/json` response has an error status, a client cannot
tell whether it comes from the router or from a proxy. So the response to an invalid document has the status 200 with
`application/json`, but 400 with `application/graphql-response+json`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from servicekit.accept import parse_accept, parse_value
from servicekit.results_for_short_texts import ResultsForShortTexts

if TYPE_CHECKING:
    from servicekit.accept import ParameterizedValue


class MediaType(Enum):
    """The media types that a response can have. `header` is the value of the header `Content-Type`."""

    GRAPHQL_RESPONSE = "application/graphql-response+json"
    JSON = "application/json"

    def __init__(self, value: str) -> None:
        self.header = f"{value}; charset=utf-8".encode()

    # The method of `Enum` is Python code, and each member is one object.
    __hash__ = object.__hash__


# A media range with a higher number overrides a range with a lower number (RFC 9110 §12.5.1, "more specific").
_WILDCARDS = {"application/*": 1, "*/*": 0}
_EXACT = 2


def negotiate(accept: str | None) -> MediaType | None:
    """Return the media type of the response, or None if the client accepts neither type.

    Without an `Accept` header, the media type is `application/json`, which every client understands. If both types have
    the same quality, the more specific media range decides, then the type that the header names first.
    """
    if accept is None:
        return MediaType.JSON
    return _choices(accept)


def _negotiated(accept: str) -> MediaType | None:
    if not accept.strip():
        return MediaType.JSON
    ranges = parse_accept(accept)
    best: tuple[float, int, int] | None = None
    chosen: MediaType | None = None
    for media_type in (MediaType.JSON, MediaType.GRAPHQL_RESPONSE):
        found = _match(media_type, ranges)
        if found is not None and found[0] > 0 and (best is None or found > best):
            best, chosen = found, media_type
    return chosen


_choices: Final = ResultsForShortTexts(_negotiated)


def _match(media_type: MediaType, ranges: list[ParameterizedValue]) -> tuple[float, int, int] | None:
    """Find the most specific media range that includes `media_type`.

    Return the quality, the specificity and the negative position of this range; None if there is no such range. The
    media type with the largest result is the preferred one. The position in the header is negative, so that an earlier
    range has a larger result.
    """
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
    """Return whether the header `Accept` contains `media_type`, with any parameters. `*/*` does not count."""
    return any(each.value == media_type and each.quality > 0 for each in parse_accept(accept))


def is_json(content_type: str | None) -> bool:
    """Return whether the header `Content-Type` means JSON in UTF-8. JSON has no other encoding (RFC 8259 §8.1)."""
    if content_type is None:
        return False
    declared = parse_value(content_type)
    charset = declared.parameters.get("charset", "utf-8").strip('"').lower()
    return declared.value == "application/json" and charset in {"utf-8", "utf8"}
