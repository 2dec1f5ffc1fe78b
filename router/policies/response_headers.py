"""Decides which headers of subgraph responses a client gets.

Without rules, a client gets no header of a subgraph. The rules are applied to each subgraph response in the order of
arrival: those for all subgraphs first, then those for this subgraph.

    propagate   adds a header of the subgraph's response; `merge` says what happens if several responses have the header
    insert      sets a header
    remove      removes headers that earlier rules or responses have set

If `Cache-Control` is propagated, the client gets the strictest value of all subgraph responses. Caches may not store
the client's response if it has an error, or if a subgraph response may not be stored or has no `Cache-Control`. A rule
propagates `Set-Cookie` only by its name, not by a pattern, and each cookie has its own line. The headers in
`PROTOCOL_HEADERS` belong to one connection; no rule propagates or sets them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal

from router.pipeline.stage import Stage
from router.settings.types import PROTOCOL_HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.pipeline.request_context import RequestContext
    from router.policies.policy_setup import PolicySetup
    from router.request.request_and_response import GraphQLResponse
    from router.settings.sections.headers import Headers, PropagateResponse, Remove, ResponseHeaderRule

Merge = Literal["first", "last", "append", "most_restrictive"]

CACHE_CONTROL: Final = "cache-control"
SET_COOKIE: Final = "set-cookie"
NO_STORE: Final = "no-store"
# Headers that a rule cannot propagate by a pattern, because they are about one connection or one origin.
_NOT_BY_PATTERN: Final = PROTOCOL_HEADERS | {SET_COOKIE, "content-range", "date", "server", "strict-transport-security"}
_TIMES: Final = ("max-age", "s-maxage", "stale-while-revalidate", "stale-if-error")
_FLAGS: Final = (NO_STORE, "no-cache", "private", "must-revalidate", "proxy-revalidate", "no-transform")

_Values = dict[str, list[str]]
_Rule = Callable[[Mapping[str, str], _Values], None]


class ResponseHeaders(Stage):
    """Adds headers of subgraphs to responses."""

    def __init__(self, headers: Headers) -> None:
        self._for_all = [_compile(rule) for rule in headers.all.response]
        self._own = {name: [_compile(rule) for rule in rules.response] for name, rules in headers.subgraphs.items()}

    @classmethod
    def configured(cls, inputs: PolicySetup) -> ResponseHeaders | None:
        """Return the stage, or None if there are no rules."""
        headers = inputs.settings.headers
        has_rules = headers.all.response or any(rules.response for rules in headers.subgraphs.values())
        return cls(headers) if has_rules else None

    async def on_response(self, context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        """Add the headers to the response."""
        values = self.apply((head.subgraph, head.headers) for head in context.responses)
        if CACHE_CONTROL in values and "errors" in response.body:
            values[CACHE_CONTROL] = [NO_STORE]
        if not values:
            return response
        added = tuple((name, line) for name, lines in values.items() for line in lines)
        return response.with_headers(added)

    def apply(self, responses: Iterable[tuple[str, Mapping[str, str]]]) -> _Values:
        """Return the lines of each header. `responses` are subgraph names and headers, in the order of arrival."""
        values: _Values = {}
        for subgraph, headers in responses:
            for rule in (*self._for_all, *self._own.get(subgraph, ())):
                rule(headers, values)
        return values


def _compile(rule: ResponseHeaderRule) -> _Rule:
    if rule.insert is not None:
        name, value = rule.insert.name, rule.insert.value.get_secret_value()
        return lambda _headers, values: values.__setitem__(name, [value])
    if rule.remove is not None:
        return _remove(rule.remove)
    if rule.propagate is not None:
        return _propagate(rule.propagate)
    raise ValueError("a header rule without an action")


def _remove(rule: Remove) -> _Rule:
    pattern = re.compile(rule.matching if rule.matching is not None else re.escape(str(rule.named)), re.IGNORECASE)

    def remove(_headers: Mapping[str, str], values: _Values) -> None:
        for name in [name for name in values if pattern.fullmatch(name)]:
            del values[name]

    return remove


def _propagate(rule: PropagateResponse) -> _Rule:
    if rule.matching is not None:
        pattern = re.compile(rule.matching, re.IGNORECASE)

        def propagate_matching(headers: Mapping[str, str], values: _Values) -> None:
            for name, value in headers.items():
                if name not in _NOT_BY_PATTERN and pattern.fullmatch(name):
                    _add(values, name, value, rule.merge or _usual(name))

        return propagate_matching

    source = str(rule.named)
    target = rule.rename or source
    merge = rule.merge or _usual(source)

    def propagate_named(headers: Mapping[str, str], values: _Values) -> None:
        value = headers.get(source, rule.default)
        if value is None and merge == "most_restrictive":
            value = NO_STORE
        if value is not None:
            _add(values, target, value, merge)

    return propagate_named


def _usual(name: str) -> Merge:
    return "most_restrictive" if name == CACHE_CONTROL else "append" if name == SET_COOKIE else "last"


def _add(values: _Values, name: str, value: str, merge: Merge) -> None:
    # The HTTP client separates the cookies of one response by line breaks, because a cookie can contain commas.
    lines = value.split("\n") if name == SET_COOKIE else [value.replace("\n", ", ")]
    known = values.get(name)
    if known is None or merge == "last":
        values[name] = lines
    elif merge == "append":
        values[name] = [*known, *lines] if name == SET_COOKIE else [", ".join((*known, *lines))]
    elif merge == "most_restrictive":
        values[name] = [most_restrictive(known[0], lines[0])]


def most_restrictive(first: str, second: str) -> str:
    """Return the `Cache-Control` of a response that contains parts with `first` and `second` (RFC 9111 §5.2.2)."""
    both = [_directives(first), _directives(second)]
    if any(NO_STORE in each or not each for each in both):
        return NO_STORE
    merged = [flag for flag in _FLAGS if any(flag in each for each in both)]
    for name in _TIMES:
        seconds = [each[name] for each in both if name in each]
        # Only a response with a `stale-*` time may be used when stale. So both responses need this time. A response
        # without `max-age` or `s-maxage` sets no limit, so the value of the other response counts.
        if len(seconds) == len(both) or (seconds and name in {"max-age", "s-maxage"}):
            merged.append(f"{name}={min(map(_seconds, seconds))}")
    if all("public" in each for each in both):
        merged.insert(0, "public")
    return ", ".join(merged) or NO_STORE


def _directives(value: str) -> dict[str, str]:
    parts = (part.strip().lower().partition("=") for part in value.split(","))
    return {name: seconds.strip('"') for name, _, seconds in parts if name}


def _seconds(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
