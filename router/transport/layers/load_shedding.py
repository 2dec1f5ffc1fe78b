"""Limits the concurrent requests to a subgraph. The limit adapts to what the subgraph can bear.

If a subgraph gets too many requests, they wait inside the subgraph, and all become slow. So the limit depends on the
mean duration of requests. The limit grows while this duration is at most `tolerance` times the shortest mean duration
that was measured, and shrinks while it is longer. A request above the limit fails at once, so that the other requests
are answered in time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from router.errors import TransportError
from router.transport.fetch_failures import overloaded
from router.transport.layers.classify_failed_attempts import is_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.transport.interface import SubgraphRequest, SubgraphResponse, Transport

_MIN_ROUND_LENGTH: Final = 10
_MAX_CUT: Final = 0.7
# After each round without a refused request, the shortest mean duration is raised a little. So it follows a subgraph
# that has become slower.
_DRIFT: Final = 1.01


class SheddingRule(NamedTuple):
    """How the limit of one subgraph may move.

    Attributes:
        initial: The limit at the start.
        smallest: The limit is never below this number.
        largest: The limit is never above this number.
        tolerance: The largest acceptable mean duration of a round, as a multiple of the shortest mean duration.
    """

    initial: int
    smallest: int
    largest: int
    tolerance: float


class AdaptiveLimit:
    """The limit of one subgraph. After each round of requests, the limit is adjusted.

    A round has about as many requests as the limit allows.
    """

    def __init__(self, rule: SheddingRule) -> None:
        self.rule = rule
        self._limit = float(rule.initial)
        self._typical: float | None = None
        self._sum, self._count, self._was_full = 0.0, 0, False
        self.in_flight = 0
        self.refused = 0

    @property
    def limit(self) -> int:
        """The largest number of concurrent requests."""
        return int(self._limit)

    def enter(self) -> bool:
        """Return whether another request may be sent, and count it."""
        if self.in_flight >= self.limit:
            self._was_full = True
            self.refused += 1
            return False
        self.in_flight += 1
        return True

    def leave(self, seconds: float | None) -> None:
        """Note that a request has ended after `seconds`; None for a failed request, whose duration does not count."""
        self.in_flight -= 1
        if seconds is None:
            return
        self._sum += seconds
        self._count += 1
        if self._count >= max(_MIN_ROUND_LENGTH, self._limit):
            self._adjust(self._sum / self._count)
            self._sum, self._count, self._was_full = 0.0, 0, False

    def _adjust(self, mean: float) -> None:
        if self._typical is None or self.limit <= self.rule.smallest:
            self._typical = mean  # with so few concurrent requests, no request waits inside the subgraph
        else:
            # If requests were refused, other requests may have waited inside the subgraph. Such a round does not raise
            # `_typical`.
            self._typical = min(mean, self._typical if self._was_full else self._typical * _DRIFT)
        bearable = self._typical * self.rule.tolerance
        if mean > bearable:
            self._limit *= max(_MAX_CUT, bearable / mean)
        elif self._was_full:
            self._limit += max(1.0, self._limit**0.5 / 2)
        self._limit = min(max(self._limit, self.rule.smallest), self.rule.largest)


class SheddingLayer:
    """A `Transport` with an adaptive limit for each subgraph in `rules`."""

    def __init__(self, inner: Transport, rules: Mapping[str, SheddingRule]) -> None:
        self._inner = inner
        self.limits = {name: AdaptiveLimit(rule) for name, rule in rules.items()}

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`. Above the limit, `SubgraphUnreachable` is raised at once."""
        limit = self.limits.get(request.subgraph)
        if limit is None:
            return await self._inner.send(request)
        if not limit.enter():
            raise overloaded(request.subgraph, f"it has {limit.in_flight} requests, as many as it can bear")
        clock = asyncio.get_running_loop().time
        started, seconds = clock(), None
        try:
            response = await self._inner.send(request)
            if not is_fault(response):
                seconds = clock() - started
            return response
        except TransportError as failure:
            if failure.code == "GATEWAY_TIMEOUT":
                seconds = clock() - started
            raise
        finally:
            limit.leave(seconds)

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await self._inner.aclose()

    def inherit(self, previous: SheddingLayer, kept: frozenset[str]) -> None:
        """Take over the limits of the subgraphs in `kept` from the layer before a reload."""
        for name in kept & self.limits.keys() & previous.limits.keys():
            if self.limits[name].rule == previous.limits[name].rule:
                self.limits[name] = previous.limits[name]

    def status(self) -> Mapping[str, object]:
        """Return the limit of each subgraph, and the number of its running and of its refused requests."""
        return {
            "shedding": {
                name: {"limit": each.limit, "in_flight": each.in_flight, "refused": each.refused}
                for name, each in self.limits.items()
            }
        }
