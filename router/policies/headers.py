"""Which headers of a client reach which subgraph.

Rules run in order, those for all subgraphs before those of the one; what they build up is the set of headers sent:

    propagate   adds a client's header, unless an earlier rule has set that name already (the first one wins)
    insert      sets a header, whatever an earlier rule made of it
    remove      takes headers out again

Headers that govern a connection or describe a body (`PROTOCOL_HEADERS`) are never matched by a pattern; a rule that
names one is refused with the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING

from router.settings.types import PROTOCOL_HEADERS

if TYPE_CHECKING:
    from router.settings.sections.headers import HeaderRule, Headers, Insert, Propagate, Remove

Incoming = Mapping[str, str]
_Step = Callable[[Incoming, MutableMapping[str, str]], None]


class HeaderPropagation:
    """Rules made ready once. Subgraphs without rules of their own share one result per request."""

    def __init__(self, headers: Headers, subgraphs: Iterable[str]) -> None:
        self._for_all = [_step(rule) for rule in headers.all.request]
        self._own = {name: [_step(rule) for rule in rules.request] for name, rules in headers.subgraphs.items()}
        self._subgraphs = tuple(subgraphs)

    def apply(self, incoming: Incoming) -> Mapping[str, Mapping[str, str]]:
        """By subgraph name, the headers it is sent. `incoming` has lower-case names."""
        common = _run(self._for_all, incoming, {})
        return {
            name: _run(own, incoming, dict(common)) if (own := self._own.get(name)) else common
            for name in self._subgraphs
        }


def _run(steps: Iterable[_Step], incoming: Incoming, outgoing: dict[str, str]) -> dict[str, str]:
    for step in steps:
        step(incoming, outgoing)
    return outgoing


def _step(rule: HeaderRule) -> _Step:
    if rule.insert is not None:
        return _insert(rule.insert)
    if rule.remove is not None:
        return _remove(rule.remove)
    if rule.propagate is not None:
        return _propagate(rule.propagate)
    raise ValueError("a header rule without an action")


def _propagate(rule: Propagate) -> _Step:
    if rule.matching is not None:
        pattern = re.compile(rule.matching, re.IGNORECASE)

        def propagate_matching(incoming: Incoming, outgoing: MutableMapping[str, str]) -> None:
            for name, value in incoming.items():
                if name not in PROTOCOL_HEADERS and pattern.fullmatch(name):
                    outgoing.setdefault(name, value)

        return propagate_matching

    source = str(rule.named)
    target, default = rule.rename or source, rule.default

    def propagate_named(incoming: Incoming, outgoing: MutableMapping[str, str]) -> None:
        value = incoming.get(source, default)
        if value is not None:
            outgoing.setdefault(target, value)

    return propagate_named


def _insert(rule: Insert) -> _Step:
    name, value = rule.name, rule.value.get_secret_value()

    def insert(_incoming: Incoming, outgoing: MutableMapping[str, str]) -> None:
        outgoing[name] = value

    return insert


def _remove(rule: Remove) -> _Step:
    pattern = re.compile(rule.matching if rule.matching is not None else re.escape(str(rule.named)), re.IGNORECASE)

    def remove(_incoming: Incoming, outgoing: MutableMapping[str, str]) -> None:
        for name in [name for name in outgoing if pattern.fullmatch(name)]:
            del outgoing[name]

    return remove
