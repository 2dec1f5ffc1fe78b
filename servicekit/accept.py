"""Reads `Accept`, `Accept-Encoding` and `Content-Type`: values with parameters (RFC 9110 §5.6.6, §12.4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class ParameterizedValue(NamedTuple):
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
    """Parse one value. The names of parameters become lower case, their values do not change."""
    value, *parameters = text.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return ParameterizedValue(value.strip().lower(), {key.strip().lower(): given.strip() for key, _, given in pairs})


def parse_accept(header: str | None) -> list[ParameterizedValue]:
    """Return the values of `Accept` or `Accept-Encoding` in their order. Without the header, return no values."""
    return [parse_value(part) for part in header.split(",") if part.strip()] if header else []
