"""`headers`: which headers of a client are sent to which subgraph."""

# ruff: noqa: TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr, field_validator, model_validator

from router.settings.section import Section
from router.settings.types import HeaderName, HeaderValue, Pattern, SettableHeader, check_header_value


class Propagate(Section):
    """Forward a client's header."""

    named: HeaderName | None = None
    """The one header with this name."""
    matching: Pattern | None = None
    """Every header whose name matches this regular expression from beginning to end."""
    rename: SettableHeader | None = None
    """The name of the header in the request to the subgraph."""
    default: HeaderValue | None = None
    """The value if the client did not send the header."""

    @model_validator(mode="after")
    def _has_one_selector(self) -> Propagate:
        if (self.named is None) == (self.matching is None):
            raise ValueError("give either `named` or `matching`")
        if self.matching is not None and (self.rename is not None or self.default is not None):
            raise ValueError("`rename` and `default` need `named`")
        return self


class Insert(Section):
    """Set a header to a fixed value, even if an earlier rule has set it."""

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
    """The one header with this name."""
    matching: Pattern | None = None
    """Every header whose name matches this regular expression from beginning to end."""

    @model_validator(mode="after")
    def _has_one_selector(self) -> Remove:
        if (self.named is None) == (self.matching is None):
            raise ValueError("give either `named` or `matching`")
        return self


class HeaderRule(Section):
    """A rule has exactly one of these keys."""

    propagate: Propagate | None = None
    """Forward a client's header."""
    insert: Insert | None = None
    """Set a header to a fixed value."""
    remove: Remove | None = None
    """Remove a header that an earlier rule has set."""

    @model_validator(mode="after")
    def _has_one_action(self) -> HeaderRule:
        if sum(action is not None for action in (self.propagate, self.insert, self.remove)) != 1:
            raise ValueError("a rule is exactly one of `propagate`, `insert` and `remove`")
        return self


class HeaderRules(Section):
    """Rules, applied in order."""

    request: tuple[HeaderRule, ...] = ()
    """Rules for the headers of requests to a subgraph."""


class Headers(Section):
    """Which headers of a client are sent to subgraphs. Without rules, no header is sent."""

    all: HeaderRules = HeaderRules()
    """Rules for every subgraph; they are applied first."""
    subgraphs: Mapping[str, HeaderRules] = {}
    """Rules for one subgraph, by its name."""
