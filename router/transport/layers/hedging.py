"""Send a slow query a second time, and use the first response.

A query is slow if it takes longer than a percentile of the last queries to the subgraph. The slower of both queries is
cancelled. A budget limits the share of second queries.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from router.errors import TransportError
from router.transport.layers.classify_failed_attempts import is_fault
from router.transport.layers.repeated_request_budget import Budget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.transport.interface import SubgraphRequest, SubgraphResponse, Transport

MAX_DURATIONS: Final = 256
"""The number of durations from which the percentile is computed."""
MIN_DURATIONS: Final = 20
"""If fewer durations are known than this number, no query is sent twice."""


class HedgeRule(NamedTuple):
    """The conditions on which queries to one subgraph are sent a second time.

    Attributes:
        percentile: With 90, a query is slow if it takes longer than 90 % of the last queries.
        shortest_wait: A query is never slow before it has taken this time, in seconds.
        budget_percent: The largest share of second queries among all queries.
    """

    percentile: float
    shortest_wait: float
    budget_percent: float


class Durations:
    """The durations of the last successful queries in seconds, both in order of time and sorted by size."""

    __slots__ = ("_recent", "_sorted")

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, seconds: float) -> None:
        """Add a duration. The oldest is forgotten if there are more than `MAX_DURATIONS`."""
        if len(self._recent) >= MAX_DURATIONS:
            self._sorted.remove(self._recent.popleft())
        self._recent.append(seconds)
        insort(self._sorted, seconds)

    def percentile(self, percent: float) -> float | None:
        """Return the duration that `percent` % of the queries did not exceed; None if there are too few queries."""
        if len(self._sorted) < MIN_DURATIONS:
            return None
        return self._sorted[min(len(self._sorted) - 1, int(len(self._sorted) * percent / 100))]


class HedgeLayer:
    """A `Transport` that sends slow queries twice. `second` counts the second queries by subgraph."""

    def __init__(self, inner: Transport, rules: Mapping[str, HedgeRule]) -> None:
        self._inner = inner
        self._rules = rules
        self._durations = {name: Durations() for name in rules}
        self._budgets = {name: Budget(rule.budget_percent) for name, rule in rules.items()}
        self.second = dict.fromkeys(rules, 0)

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`. If both queries fail, the result of the first query is used."""
        rule = self._rules.get(request.subgraph)
        if rule is None or request.operation_kind != "query":
            return await self._inner.send(request)
        durations, budget = self._durations[request.subgraph], self._budgets[request.subgraph]
        budget.earn()
        slow = durations.percentile(rule.percentile)
        clock = asyncio.get_running_loop().time
        started = clock()
        if slow is None:
            response = await self._inner.send(request)
        else:
            response = await self._hedged(request, max(slow, rule.shortest_wait), budget)
        if not is_fault(response):
            durations.add(clock() - started)
        return response

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await self._inner.aclose()

    def inherit(self, previous: HedgeLayer, kept: frozenset[str]) -> None:
        """Take over durations, budgets and counts of the subgraphs in `kept` from the layer before a reload."""
        for name in kept & self._rules.keys() & previous._rules.keys():
            self._durations[name], self.second[name] = previous._durations[name], previous.second[name]
            if self._rules[name] == previous._rules[name]:
                self._budgets[name] = previous._budgets[name]

    def status(self) -> Mapping[str, object]:
        """Return the number of second queries by subgraph."""
        return {"hedged": dict(self.second)}

    async def _hedged(self, request: SubgraphRequest, wait: float, budget: Budget) -> SubgraphResponse:
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(self._result(request))]
        try:
            done, _ = await asyncio.wait(tasks, timeout=wait)
            if not done and budget.take():
                self.second[request.subgraph] += 1
                tasks.append(loop.create_task(self._result(request)))
            result = await _first_success(tasks)
        finally:
            for task in tasks:
                task.cancel()
        if isinstance(result, TransportError):
            raise result
        return result

    async def _result(self, request: SubgraphRequest) -> SubgraphResponse | TransportError:
        try:
            return await self._inner.send(request)
        except TransportError as failure:
            return failure


async def _first_success(
    tasks: list[asyncio.Task[SubgraphResponse | TransportError]],
) -> SubgraphResponse | TransportError:
    """Return the first result that is not a fault of the subgraph.

    If all results are faults, return the result of the first task.
    """
    pending = set(tasks)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task in done and not is_fault(task.result()):
                return task.result()
    return tasks[0].result()
