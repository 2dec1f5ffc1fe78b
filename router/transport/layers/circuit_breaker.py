"""Stop sending requests to a subgraph that fails, and find out carefully when it works again.

    closed ── too large a share of requests failed ──> open ── after `open_time` ──> half-open
      ^                                                 ^                              │
      └────────── all probes succeeded ─────────────────┼──────────────────────────────┤
                                                        └───── a probe failed ─────────┘

In the state half-open, a few requests are sent as probes; all others fail at once, as in the state open.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from router.errors import TransportError
from router.request.security_events import SecurityEvent, report
from router.transport.fetch_failures import not_sent
from router.transport.layers.classify_failed_attempts import is_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.transport.interface import SubgraphRequest, SubgraphResponse, Transport

_SLICES: Final = 10

State = Literal["closed", "open", "half-open"]


class BreakerRule(NamedTuple):
    """The conditions on which a breaker opens and closes.

    Attributes:
        failure_percent: The share of failed requests in `window` seconds at which the breaker opens.
        minimum_requests: The breaker opens only if `window` has at least this number of requests.
        window: A time in seconds.
        open_time: How long an open breaker sends nothing, in seconds.
        probes: How many requests are sent in the state half-open.
    """

    failure_percent: float
    minimum_requests: int
    window: float
    open_time: float
    probes: int


class _Slice(NamedTuple):
    """The number of requests in a slice of time. A slice begins at `start` and lasts a tenth of the window."""

    start: float
    requests: int
    failures: int


class CircuitBreaker:
    """The breaker of one subgraph. All times are on the event loop's clock."""

    def __init__(self, rule: BreakerRule) -> None:
        self.rule = rule
        self._slices: deque[_Slice] = deque()
        self._retry_at = 0.0
        self._probing = 0
        self._succeeded = 0
        self.state: State = "closed"
        self.refused = 0

    def refusal(self, now: float) -> float | None:
        """Return None if a request may be sent now; otherwise the seconds until the next probe.

        If the breaker is half-open, the request counts as a probe until `note` or `forget` is called.
        """
        if self.state == "closed":
            return None
        if self.state == "open":
            if now < self._retry_at:
                self.refused += 1
                return self._retry_at - now
            self.state, self._probing, self._succeeded = "half-open", 0, 0
        if self._probing + self._succeeded >= self.rule.probes:
            self.refused += 1
            return self.rule.open_time
        self._probing += 1
        return None

    def note(self, now: float, *, failed: bool) -> State | None:
        """Note the result of a request. Return the new state if the result changes it."""
        if self.state == "half-open":
            self._probing = max(0, self._probing - 1)
            if failed:
                return self._open(now)
            self._succeeded += 1
            if self._succeeded >= self.rule.probes:
                self.state = "closed"
                self._slices.clear()
                return self.state
            return None
        if self.state == "open":
            return None  # the request was sent before the breaker opened
        self._count(now, failed=failed)
        requests = sum(each.requests for each in self._slices)
        failures = sum(each.failures for each in self._slices)
        if requests >= self.rule.minimum_requests and failures * 100 >= requests * self.rule.failure_percent:
            return self._open(now)
        return None

    def forget(self) -> None:
        """Note that a request ended without a result, because its caller was cancelled."""
        self._probing = max(0, self._probing - 1)

    def _open(self, now: float) -> State:
        self.state = "open"
        self._retry_at = now + self.rule.open_time
        return self.state

    def _count(self, now: float, *, failed: bool) -> None:
        slices, window = self._slices, self.rule.window
        while slices and slices[0].start <= now - window:
            slices.popleft()
        if slices and now - slices[-1].start < window / _SLICES:
            start, requests, failures = slices.pop()
            slices.append(_Slice(start, requests + 1, failures + failed))
        else:
            slices.append(_Slice(now, 1, int(failed)))


class BreakerLayer:
    """A `Transport` with a circuit breaker for each subgraph in `rules`."""

    def __init__(self, inner: Transport, rules: Mapping[str, BreakerRule]) -> None:
        self._inner = inner
        self.breakers = {name: CircuitBreaker(rule) for name, rule in rules.items()}

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`. If the breaker is open, `SubgraphUnreachable` is raised at once."""
        breaker = self.breakers.get(request.subgraph)
        if breaker is None:
            return await self._inner.send(request)
        clock = asyncio.get_running_loop().time
        wait = breaker.refusal(clock())
        if wait is not None:
            failure = not_sent(request.subgraph, "its circuit breaker is open")
            failure.retry_after = max(1, math.ceil(wait))
            raise failure
        failed: bool | None = None
        try:
            response = await self._inner.send(request)
            failed = is_fault(response)
            return response
        except TransportError as failure:
            failed = is_fault(failure)
            raise
        finally:
            if failed is None:
                breaker.forget()
            else:
                changed = breaker.note(clock(), failed=failed)
                if changed is not None:
                    event = SecurityEvent.BREAKER_OPEN if changed == "open" else SecurityEvent.BREAKER_CLOSED
                    report(event, subgraph=request.subgraph)

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await self._inner.aclose()

    def inherit(self, previous: BreakerLayer, kept: frozenset[str]) -> None:
        """Take over the breakers of the subgraphs in `kept` from the layer before a reload."""
        for name in kept & self.breakers.keys() & previous.breakers.keys():
            if self.breakers[name].rule == previous.breakers[name].rule:
                self.breakers[name] = previous.breakers[name]

    def status(self) -> Mapping[str, object]:
        """Return the state of each breaker and the number of requests that it has refused."""
        return {
            "breakers": {
                name: {"state": breaker.state, "refused": breaker.refused} for name, breaker in self.breakers.items()
            }
        }
