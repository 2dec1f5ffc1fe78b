"""Which media type an answer has, and whether a body is JSON (GraphQL over HTTP, "Media Types"; RFC 9110 §12.5.1).

The two types differ in more than their name: under `application/json` a well-formed request is always answered 200,
since an intermediary may have written any other status; under `application/graphql-response+json` the status tells.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class MediaType(Enum):
    """What an answer can be, most general last."""

    GRAPHQL_RESPONSE = "application/graphql-response+json"
    JSON = "application/json"

    @property
    def header(self) -> bytes:
        """The value of `Content-Type`."""
        return f"{self.value}; charset=utf-8".encode()


class _Range(NamedTuple):
    type: str
    parameters: dict[str, str]

    @property
    def quality(self) -> float:
        try:
            return min(max(float(self.parameters.get("q", "1")), 0.0), 1.0)
        except ValueError:
            return 0.0


# How closely a range names a type: RFC 9110 §12.5.1, "media ranges can be overridden by more specific ones".
_WILDCARDS = {"application/*": 1, "*/*": 0}
_EXACT = 2


def negotiate(accept: str | None) -> MediaType | None:
    """The type of the answer, None when the client takes neither.

    Without a preference stated it is `application/json`, which every client ever written understands. Of types
    the client names and likes equally, the one it names first.
    """
    if accept is None or not accept.strip():
        return MediaType.JSON
    ranges = [_parse(part) for part in accept.split(",") if part.strip()]
    best: tuple[float, int, int] | None = None
    chosen: MediaType | None = None
    for media_type in (MediaType.JSON, MediaType.GRAPHQL_RESPONSE):
        found = _match(media_type, ranges)
        if found is not None and found[0] > 0 and (best is None or found > best):
            best, chosen = found, media_type
    return chosen


def _match(media_type: MediaType, ranges: list[_Range]) -> tuple[float, int, int] | None:
    """Quality, specificity and (negated) position of the most specific range that covers a type."""
    covering = [
        (_EXACT if candidate.type == media_type.value else _WILDCARDS[candidate.type], -position, candidate.quality)
        for position, candidate in enumerate(ranges)
        if candidate.type == media_type.value or candidate.type in _WILDCARDS
    ]
    if not covering:
        return None
    specificity, position, quality = max(covering)
    return quality, specificity, position


def accepts(accept: str | None, media_type: str) -> bool:
    """Whether `Accept` names a media type, parameters aside; a wildcard does not."""
    ranges = (_parse(part) for part in (accept or "").split(","))
    return any(each.type == media_type and each.quality > 0 for each in ranges)


def is_json(content_type: str | None) -> bool:
    """Whether a body with this `Content-Type` is JSON in UTF-8 (RFC 8259 §8.1 knows no other)."""
    if content_type is None:
        return False
    declared = _parse(content_type)
    charset = declared.parameters.get("charset", "utf-8").strip('"').lower()
    return declared.type == "application/json" and charset in {"utf-8", "utf8"}


def _parse(text: str) -> _Range:
    name, *parameters = text.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return _Range(name.strip().lower(), {key.strip().lower(): value.strip() for key, _, value in pairs})
