"""Send a request again if it failed and another attempt may pass.

A request is repeated only if it is a query, a mutation with an `Idempotency-Key` header, or a mutation that the
subgraph has not received because there was no connection. All attempts together have the timeout of one request. The
waits between attempts are random ("full jitter"), so that the routers of a deployment do not repeat their requests at
the same time. A `Retry-After` of the subgraph is respected. A budget bounds the share of repeated requests, so a
failing subgraph gets only a little more load.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from router.errors import TransportError
from router.transport.layers.classify_failed_attempts import is_repeatable, may_pass
from router.transport.layers.repeated_request_budget import Budget
from router.transport.retry_after import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.transport.interface import SubgraphRequest, SubgraphResponse, Transport


class RetryRule(NamedTuple):
    """How requests to one subgraph are repeated.

    Attributes:
        attempts: The largest number of repetitions of one request.
        wait: The longest wait before the first repetition, in seconds. This limit doubles for each further repetition.
        longest_wait: The longest wait before any repetition, in seconds.
        budget_percent: The largest share of repetitions among all requests.
        timeout: The time limit for all attempts together, in seconds.
    """

    attempts: int
    wait: float
    longest_wait: float
    budget_percent: float
    timeout: float


class RetryLayer:
    """A `Transport` that repeats requests. `repeated` counts the repetitions by subgraph."""

    def __init__(self, inner: Transport, rules: Mapping[str, RetryRule], random: Random | None = None) -> None:
        self._inner = inner
        self._rules = rules
        self.budgets = {name: Budget(rule.budget_percent) for name, rule in rules.items()}
        self._random = random or Random()  # noqa: S311  (the duration of a wait is not a secret)
        self.repeated = dict.fromkeys(rules, 0)

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`. The result of the last attempt is used."""
        rule = self._rules.get(request.subgraph)
        if rule is None:
            return await self._inner.send(request)
        budget = self.budgets[request.subgraph]
        budget.earn()
        deadline = asyncio.get_running_loop().time() + rule.timeout
        if request.deadline is None or deadline < request.deadline:
            request = replace(request, deadline=deadline)
        repetition = 0
        while True:
            result = await self._attempt(request)
            wait = self._wait(rule, repetition, request, result)
            if wait is None or not budget.take():
                if isinstance(result, TransportError):
                    raise result
                return result
            repetition += 1
            self.repeated[request.subgraph] += 1
            await asyncio.sleep(wait)

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await self._inner.aclose()

    def inherit(self, previous: RetryLayer, kept: frozenset[str]) -> None:
        """Take over budgets and counts of the subgraphs in `kept` from the layer before a reload."""
        for name in kept & self._rules.keys() & previous._rules.keys():
            self.repeated[name] = previous.repeated[name]
            if self._rules[name] == previous._rules[name]:
                self.budgets[name] = previous.budgets[name]

    def status(self) -> Mapping[str, object]:
        """Return the number of repetitions by subgraph."""
        return {"repeated": dict(self.repeated)}

    async def _attempt(self, request: SubgraphRequest) -> SubgraphResponse | TransportError:
        try:
            return await self._inner.send(request)
        except TransportError as failure:
            return failure

    def _wait(
        self, rule: RetryRule, repetition: int, request: SubgraphRequest, result: SubgraphResponse | TransportError
    ) -> float | None:
        """Return the seconds to wait before the next attempt; None if there is no next attempt."""
        if repetition >= rule.attempts or not may_pass(result) or not is_repeatable(request, result):
            return None
        longest = min(rule.wait * 2**repetition, rule.longest_wait)
        wait = self._random.uniform(0, longest)
        asked = result.retry_after if isinstance(result, TransportError) else retry_after(result.status, result.headers)
        if asked is not None:
            if asked > rule.longest_wait:
                return None
            wait = max(wait, float(asked))
        assert request.deadline is not None  # noqa: S101 - `send` has set it
        return wait if asyncio.get_running_loop().time() + wait < request.deadline else None
