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
        """How much a client wants it, from 0 (not at all) to 1; 0 where `q` is not a number."""
        try:
            return min(max(float(self.parameters.get("q", "1")), 0.0), 1.0)
        except ValueError:
            return 0.0


def parse_value(text: str) -> ParameterizedValue:
    """One value; the names of parameters are in lower case, their values as sent."""
    value, *parameters = text.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return ParameterizedValue(value.strip().lower(), {key.strip().lower(): given.strip() for key, _, given in pairs})


def parse_accept(header: str | None) -> list[ParameterizedValue]:
    """The values of `Accept` or `Accept-Encoding` in their order, none without the header."""
    return [parse_value(part) for part in header.split(",") if part.strip()] if header else []
