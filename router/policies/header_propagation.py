"""Decides which headers of a client's request are sent to which subgraph.

Without rules, a request to a subgraph has no header of the client. The rules for all subgraphs are applied first, then
the rules for one subgraph.

    propagate   adds a header of the client's request, unless an earlier rule has set a header with the same name
    insert      sets a header, even if an earlier rule has set a header with the same name
    remove      removes headers that earlier rules have set

The headers in `PROTOCOL_HEADERS` belong to one connection or describe a body, such as `content-length`. A pattern in
`propagate` never matches these headers, and the settings refuse a rule that would send a header with one of these
names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Final

from router.pipeline.stage import Stage
from router.request.repeated_headers import RepeatedHeaders, computed_once
from router.settings.types import PROTOCOL_HEADERS
from servicekit import client_address, request_ids

if TYPE_CHECKING:
    from router.pipeline.request_context import RequestContext
    from router.plan import QueryPlan
    from router.policies.policy_setup import PolicySetup
    from router.settings.sections.headers import HeaderRule, Headers, Insert, Propagate, Remove

ClientHeaders = Mapping[str, str]
"""The headers of a client's request. The names are in lower case."""

_CALLER_HEADERS: Final = frozenset({"traceparent", "x-forwarded-for", "x-request-id"})

_HeaderRule = Callable[[ClientHeaders, MutableMapping[str, str]], None]


class HeaderPropagation(Stage):
    """Applies the header rules to each request. All subgraphs without own rules get the same headers."""

    def __init__(self, headers: Headers, subgraphs: Iterable[str]) -> None:
        self._for_all = [_compile(rule) for rule in headers.all.request]
        self._own = {name: [_compile(rule) for rule in rules.request] for name, rules in headers.subgraphs.items()}
        self._subgraphs = tuple(subgraphs)
        rules = [*headers.all.request, *(rule for own in headers.subgraphs.values() for rule in own.request)]
        self._names_caller = any(map(_can_name_caller, rules))

    @classmethod
    def configured(cls, inputs: PolicySetup) -> HeaderPropagation | None:
        """Return the stage, or None if there are no rules."""
        headers = inputs.settings.headers
        if not headers.all.request and not any(rules.request for rules in headers.subgraphs.values()):
            return None
        return cls(headers, inputs.supergraph.subgraphs)

    async def on_plan(self, context: RequestContext, plan: QueryPlan) -> None:
        """Set the headers of fetches. A header that an earlier stage has set is not replaced."""
        del plan
        incoming = context.request.headers
        headers = self.apply(_as_router(incoming)) if self._names_caller else computed_once(self.apply, incoming)
        given = context.fetch_headers
        context.fetch_headers = (
            {name: {**own, **given.get(name, {})} for name, own in headers.items()} if given else headers
        )

    def apply(self, incoming: ClientHeaders) -> Mapping[str, Mapping[str, str]]:
        """Return the headers of fetches by subgraph name. `incoming` are the client's headers."""
        common = RepeatedHeaders(_run(self._for_all, incoming, {}))
        return {
            name: RepeatedHeaders(_run(own, incoming, dict(common))) if (own := self._own.get(name)) else common
            for name in self._subgraphs
        }


def _can_name_caller(rule: HeaderRule) -> bool:
    """Return whether the rule can send one of the headers that `_as_router` replaces."""
    sent = rule.propagate
    return sent is not None and (sent.matching is not None or str(sent.named).lower() in _CALLER_HEADERS)


def _as_router(headers: ClientHeaders) -> ClientHeaders:
    """Return the client's headers, but replace the headers that name the caller.

    The caller of a subgraph is the router. So the trace header names the router as the caller. In `X-Forwarded-For`,
    only the entries of trusted proxies are kept, and the peer of the connection is added.
    """
    own = {**request_ids.outgoing_headers(), **client_address.outgoing_headers()}
    return {**{name: value for name, value in headers.items() if name != "x-forwarded-for"}, **own}


def _run(rules: Iterable[_HeaderRule], incoming: ClientHeaders, outgoing: dict[str, str]) -> dict[str, str]:
    for rule in rules:
        rule(incoming, outgoing)
    return outgoing


def _compile(rule: HeaderRule) -> _HeaderRule:
    if rule.insert is not None:
        return _insert(rule.insert)
    if rule.remove is not None:
        return _remove(rule.remove)
    if rule.propagate is not None:
        return _propagate(rule.propagate)
    raise ValueError("a header rule without an action")


def _propagate(rule: Propagate) -> _HeaderRule:
    if rule.matching is not None:
        pattern = re.compile(rule.matching, re.IGNORECASE)

        def propagate_matching(incoming: ClientHeaders, outgoing: MutableMapping[str, str]) -> None:
            for name, value in incoming.items():
                if name not in PROTOCOL_HEADERS and pattern.fullmatch(name):
                    outgoing.setdefault(name, value)

        return propagate_matching

    source = str(rule.named)
    target, default = rule.rename or source, rule.default

    def propagate_named(incoming: ClientHeaders, outgoing: MutableMapping[str, str]) -> None:
        value = incoming.get(source, default)
        if value is not None:
            outgoing.setdefault(target, value)

    return propagate_named


def _insert(rule: Insert) -> _HeaderRule:
    name, value = rule.name, rule.value.get_secret_value()

    def insert(_incoming: ClientHeaders, outgoing: MutableMapping[str, str]) -> None:
        outgoing[name] = value

    return insert


def _remove(rule: Remove) -> _HeaderRule:
    pattern = re.compile(rule.matching if rule.matching is not None else re.escape(str(rule.named)), re.IGNORECASE)

    def remove(_incoming: ClientHeaders, outgoing: MutableMapping[str, str]) -> None:
        for name in [name for name in outgoing if pattern.fullmatch(name)]:
            del outgoing[name]

    return remove
