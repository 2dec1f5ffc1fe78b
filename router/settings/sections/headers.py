"""`headers`: which headers of a client are sent to subgraphs, and which headers of subgraphs are sent to the client."""

# ruff: noqa: TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import SecretStr, field_validator, model_validator

from router.settings.section import Section
from router.settings.types import PROTOCOL_HEADERS, HeaderName, HeaderValue, Pattern, SettableHeader, check_header_value


class Propagate(Section):
    """Forward a header of the client's request to the subgraph."""

    named: HeaderName | None = None
    """Forward the header with this name. A header of the connection or of the body, such as `host` or `content-length`,
    can only be forwarded under another name (`rename`)."""
    matching: Pattern | None = None
    """Forward every header whose whole name matches this regular expression. Headers of the connection and of the body
    never match."""
    rename: SettableHeader | None = None
    """The name of the forwarded header in the request to the subgraph."""
    default: HeaderValue | None = None
    """The value of the header in the request to the subgraph if the client did not send the header."""

    @model_validator(mode="after")
    def _has_one_selector(self) -> Propagate:
        if (self.named is None) == (self.matching is None):
            raise ValueError("give either `named` or `matching`")
        if self.matching is not None and (self.rename is not None or self.default is not None):
            raise ValueError("`rename` and `default` need `named`")
        if self.named in PROTOCOL_HEADERS and self.rename is None:
            raise ValueError(
                f"`{self.named}` belongs to the connection; it is forwarded only with another name (`rename`)"
            )
        return self


class Insert(Section):
    """Set a header to a fixed value, even if an earlier rule has set the header."""

    name: SettableHeader
    """The name of the header."""
    value: SecretStr
    """The value of the header; never printed."""

    @field_validator("value")
    @classmethod
    def _is_a_header_value(cls, value: SecretStr) -> SecretStr:
        check_header_value(value.get_secret_value())
        return value


class Remove(Section):
    """Remove a header that an earlier rule has set."""

    named: HeaderName | None = None
    """Remove the header with this name."""
    matching: Pattern | None = None
    """Remove every header whose whole name matches this regular expression."""

    @model_validator(mode="after")
    def _has_one_selector(self) -> Remove:
        if (self.named is None) == (self.matching is None):
            raise ValueError("give either `named` or `matching`")
        return self


class HeaderRule(Section):
    """A rule for the headers of requests. It has exactly one of the keys `propagate`, `insert` and `remove`."""

    propagate: Propagate | None = None
    """Forward a header of the client's request to the subgraph."""
    insert: Insert | None = None
    """Set a header to a fixed value."""
    remove: Remove | None = None
    """Remove a header that an earlier rule has set."""

    @model_validator(mode="after")
    def _has_one_action(self) -> HeaderRule:
        if sum(action is not None for action in (self.propagate, self.insert, self.remove)) != 1:
            raise ValueError("a rule is exactly one of `propagate`, `insert` and `remove`")
        return self


class PropagateResponse(Section):
    """Forward a header of the subgraph's response to the client."""

    named: HeaderName | None = None
    """Forward the header with this name. A header of the connection or of the body can only be forwarded under another
    name (`rename`)."""
    matching: Pattern | None = None
    """Forward every header whose whole name matches this regular expression. `Set-Cookie` and headers of the connection
    and of the body never match."""
    rename: SettableHeader | None = None
    """The name of the header in the response to the client."""
    default: HeaderValue | None = None
    """The value of the header if the subgraph did not send it."""
    merge: Literal["first", "last", "append", "most_restrictive"] | None = None
    """What happens if the responses of several fetches have the header: the `first` or `last` value counts, or values
    are joined (`append`). `most_restrictive` is only for `Cache-Control`. Defaults: `most_restrictive` for
    `Cache-Control`, `append` for `Set-Cookie`, and `last` for other headers."""

    @model_validator(mode="after")
    def _has_one_selector(self) -> PropagateResponse:
        if (self.named is None) == (self.matching is None):
            raise ValueError("give either `named` or `matching`")
        if self.matching is not None and (self.rename is not None or self.default is not None):
            raise ValueError("`rename` and `default` need `named`")
        if self.named in PROTOCOL_HEADERS and self.rename is None:
            raise ValueError(
                f"`{self.named}` belongs to the connection; it is forwarded only with another name (`rename`)"
            )
        if self.merge == "most_restrictive" and (self.named != "cache-control" or self.rename is not None):
            raise ValueError("`most_restrictive` is only for `cache-control`")
        return self


class ResponseHeaderRule(Section):
    """A rule for the headers of responses. It has exactly one of the keys `propagate`, `insert` and `remove`."""

    propagate: PropagateResponse | None = None
    """Forward a header of the subgraph's response to the client."""
    insert: Insert | None = None
    """Set a header of the response to a fixed value."""
    remove: Remove | None = None
    """Remove a header that an earlier rule or another subgraph has set."""

    @model_validator(mode="after")
    def _has_one_action(self) -> ResponseHeaderRule:
        if sum(action is not None for action in (self.propagate, self.insert, self.remove)) != 1:
            raise ValueError("a rule is exactly one of `propagate`, `insert` and `remove`")
        return self


class HeaderRules(Section):
    """Rules for the headers of requests to subgraphs, and rules for the headers of the responses."""

    request: tuple[HeaderRule, ...] = ()
    """Rules for the headers of requests to a subgraph. They are applied in this order."""
    response: tuple[ResponseHeaderRule, ...] = ()
    """Rules for the headers that a client gets from a subgraph's responses. They are applied in this order."""


class Headers(Section):
    """Which headers of a client are sent to subgraphs, and which headers of subgraphs are sent to the client.

    Without rules, no header is sent on.
    """

    all: HeaderRules = HeaderRules.model_construct()
    """Rules for every subgraph. They are applied before the rules in `subgraphs`."""
    subgraphs: Mapping[str, HeaderRules] = {}
    """For each subgraph name, rules for this subgraph."""
