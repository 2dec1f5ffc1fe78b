"""An event loop with a virtual clock, and a subgraph with a limited capacity: seconds pass without waiting.

The loop never sleeps: if nothing is ready, its clock jumps to the next timer. So a simulation of minutes takes a
second, and is the same each time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from router.errors import TransportError
from router.transport.fetch_failures import timed_out, unreachable
from router.transport.interface import OperationKind, SubgraphRequest, SubgraphResponse, Transport

T = TypeVar("T")


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only in jumps to the next timer."""

    def __init__(self) -> None:
        self.now = 1_000.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self.now


class _Jumping(selectors.DefaultSelector):
    """A selector that moves the clock of its loop instead of waiting."""

    def __init__(self, loop: VirtualClockLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("the simulation waits for something that never comes")
        ready = super().select(0)
        if not ready:
            self._loop.now += max(timeout, 0.0)
        return ready


def simulate(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `work` on a virtual clock and return its result."""
    loop = VirtualClockLoop()
    try:
        return loop.run_until_complete(work())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def fetch(
    subgraph: str = "a",
    kind: OperationKind = "query",
    *,
    headers: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> SubgraphRequest:
    """A request to a subgraph, with a deadline in `seconds`."""
    deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
    return SubgraphRequest(
        subgraph=subgraph, operation="{ a }", operation_kind=kind, headers=headers or {}, body=b"{}", deadline=deadline
    )


Behaviour = Callable[[float, Random], tuple[float, int | None]]
"""Given the time since the start and a source of randomness: the seconds that a request takes, and its status; None for
no connection."""


@dataclass
class SimulatedSubgraph:
    """A `Transport` that works on at most `workers` requests at once; others wait in order.

    `requests` counts the requests by subgraph. `timeout` is the time limit of a request in seconds.
    """

    behaviour: Behaviour = lambda _time, _random: (0.01, 200)
    workers: int = 1_000
    timeout: float = 30.0
    retry_after: str | None = None
    requests: dict[str, int] = field(default_factory=dict)
    cancelled: int = 0

    def __post_init__(self) -> None:
        self._random = Random(7)
        self._free = asyncio.Semaphore(self.workers)
        self._started: float | None = None

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Respond as `behaviour` says."""
        now = asyncio.get_running_loop().time()
        self._started = now if self._started is None else self._started
        self.requests[request.subgraph] = self.requests.get(request.subgraph, 0) + 1
        deadline = min(now + self.timeout, request.deadline if request.deadline is not None else float("inf"))
        try:
            async with asyncio.timeout_at(deadline), self._free:
                seconds, status = self.behaviour(asyncio.get_running_loop().time() - self._started, self._random)
                await asyncio.sleep(seconds)
        except TimeoutError:
            raise timed_out(request.subgraph, "simulated") from None
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if status is None:
            raise unreachable(request.subgraph, "simulated")
        headers = {} if self.retry_after is None else {"retry-after": self.retry_after}
        return SubgraphResponse(status=status, body=b"{}", headers=headers)

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass
class Outcomes:
    """The results of a load: (time since the start, duration, status or error code)."""

    results: list[tuple[float, float, int | str]] = field(default_factory=list)

    def durations(self, *, since: float = 0.0) -> list[float]:
        """The durations of the successful requests that began after `since`, sorted."""
        return sorted(duration for start, duration, result in self.results if result == 200 and start >= since)

    def percentile(self, percent: float, *, since: float = 0.0) -> float:
        """A percentile of `durations`."""
        durations = self.durations(since=since)
        return durations[min(len(durations) - 1, int(len(durations) * percent / 100))]

    def between(self, begin: float, end: float) -> list[int | str]:
        """The results of the requests that began in this time."""
        return [result for start, _, result in self.results if begin <= start < end]


async def load(
    transport: Transport, rate: float, seconds: float, request: Callable[[], SubgraphRequest] = fetch
) -> Outcomes:
    """Send `rate` requests a second at random moments, whether or not earlier ones have ended."""
    loop, random, outcomes = asyncio.get_running_loop(), Random(11), Outcomes()
    start = loop.time()

    async def one() -> None:
        began = loop.time()
        result: int | str
        try:
            result = (await transport.send(request())).status
        except TransportError as failure:
            result = failure.code
        outcomes.results.append((began - start, loop.time() - began, result))

    async with asyncio.TaskGroup() as group:
        while loop.time() < start + seconds:
            group.create_task(one())
            await asyncio.sleep(random.expovariate(rate))
    return outcomes
