"""Reads `Accept`, `Accept-Encoding` and `Content-Type`: values with parameters (RFC 9110 §5.6.6, §12.4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from servicekit.results_for_short_texts import ResultsForShortTexts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

C = TypeVar("C", bound=str)


class ParameterizedValue(msgspec.Struct, frozen=True):
    """A media type, a media range or a content coding, in lower case, with its parameters."""

    value: str
    parameters: Mapping[str, str]

    @property
    def quality(self) -> float:
        """How much the client prefers the value, from 0 (not acceptable) to 1.

        If `q` is not a number, the result is 0.
        """
        try:
            return min(max(float(self.parameters.get("q", "1")), 0.0), 1.0)
        except ValueError:
            return 0.0


def parse_value(text: str) -> ParameterizedValue:
    """Parse one value. Convert the names of its parameters to lower case, but not the values of the parameters."""
    return _values(text)


def _parsed(text: str) -> ParameterizedValue:
    value, *parameters = text.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return ParameterizedValue(value.strip().lower(), {key.strip().lower(): given.strip() for key, _, given in pairs})


_values: Final = ResultsForShortTexts(_parsed)


def parse_accept(header: str | None) -> list[ParameterizedValue]:
    """Return the values of `Accept` or `Accept-Encoding` in their order. Without the header, return no values."""
    return [parse_value(part) for part in header.split(",") if part.strip()] if header else []


def preferred_coding(accept_encoding: str | None, offered: Iterable[C]) -> C | None:
    """Return the content coding of `offered` that the client prefers; None if the body is to be sent uncompressed.

    `accept_encoding` is the value of the client's header `Accept-Encoding` (RFC 9110 §12.5.3). If the client prefers
    several codings equally, the first of these codings in `offered` is returned.
    """
    qualities = {each.value: each.quality for each in parse_accept(accept_encoding)}
    best: C | None = None
    best_quality = 0.0
    for coding in offered:
        quality = qualities.get(coding, qualities.get("*", 0.0))
        if quality > best_quality:
            best, best_quality = coding, quality
    return best if best_quality >= qualities.get("identity", 0.0) else None
