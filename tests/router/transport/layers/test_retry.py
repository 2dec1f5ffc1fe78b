"""Requests are repeated if another attempt may pass, within a budget and the time of one request.

Covers `router/transport/layers/classify_failed_attempts.py` and
`router/transport/layers/repeated_request_budget.py` too.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from router.errors import SubgraphTimeout, SubgraphUnreachable
from router.transport.fetch_failures import malformed, not_sent, overloaded
from router.transport.layers.retry import RetryLayer, RetryRule
from tests.router.transport.simulation import SimulatedSubgraph, fetch, load, simulate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.errors import TransportError
    from router.transport.interface import OperationKind, SubgraphRequest, SubgraphResponse

RULE = RetryRule(attempts=2, wait=0.1, longest_wait=1.0, budget_percent=100.0, timeout=30.0)


class Script(SimulatedSubgraph):
    """Responds with one status after the other, then 200. None stands for no connection."""

    def __init__(self, *statuses: int | None, retry_after: str | None = None) -> None:
        pending = list(statuses)
        super().__init__(lambda _time, _random: (0.01, pending.pop(0) if pending else 200), retry_after=retry_after)


@pytest.mark.parametrize(
    ("statuses", "kind", "headers", "sent", "result"),
    [
        ((503,), "query", {}, 2, 200),
        ((502, 504), "query", {}, 3, 200),
        ((None,), "query", {}, 2, 200),
        ((503, 503, 503), "query", {}, 3, 503),
        ((500,), "query", {}, 1, 500),
        ((429,), "query", {}, 1, 429),
        ((503,), "mutation", {}, 1, 503),
        ((503,), "mutation", {"idempotency-key": "a"}, 2, 200),
    ],
)
def test_what_is_repeated(
    statuses: tuple[int | None, ...], kind: OperationKind, headers: Mapping[str, str], sent: int, result: int
) -> None:
    async def run() -> None:
        subgraph = Script(*statuses)
        layer = RetryLayer(subgraph, {"a": RULE})
        layer.budgets["a"].left = 5
        response = await layer.send(fetch("a", kind, headers=headers))
        assert (response.status, subgraph.requests["a"]) == (result, sent)
        assert layer.status() == {"repeated": {"a": sent - 1}}

    simulate(run)


def test_the_last_failure_is_raised() -> None:
    async def run() -> None:
        subgraph = Script(None, None, None)
        layer = RetryLayer(subgraph, {"a": RULE})
        layer.budgets["a"].left = 5
        with pytest.raises(SubgraphUnreachable):
            await layer.send(fetch())
        assert subgraph.requests["a"] == 3

    simulate(run)


@pytest.mark.parametrize("failure", [overloaded("a", "full"), malformed("a", "no JSON")])
def test_failures_that_would_come_again_are_not_repeated(failure: TransportError) -> None:
    class Failing(SimulatedSubgraph):
        async def send(self, request: SubgraphRequest) -> SubgraphResponse:
            await SimulatedSubgraph.send(self, request)
            raise failure

    async def run() -> None:
        subgraph = Failing()
        with pytest.raises(type(failure)):
            await RetryLayer(subgraph, {"a": RULE}).send(fetch())
        assert subgraph.requests["a"] == 1

    simulate(run)


@pytest.mark.parametrize(("retry_after", "sent", "waited"), [("1", 2, 1.0), ("2", 1, 0.0)])
def test_a_retry_after_is_respected_or_too_long(retry_after: str, sent: int, waited: float) -> None:
    async def run() -> None:
        subgraph = Script(503, retry_after=retry_after)
        loop = asyncio.get_running_loop()
        started = loop.time()
        await RetryLayer(subgraph, {"a": RULE}).send(fetch())
        assert subgraph.requests["a"] == sent
        assert loop.time() - started == pytest.approx(waited + sent * 0.01, abs=0.001)

    simulate(run)


def test_a_mutation_that_was_not_sent_is_repeated() -> None:
    class Unconnected(SimulatedSubgraph):
        async def send(self, request: SubgraphRequest) -> SubgraphResponse:
            response = await SimulatedSubgraph.send(self, request)
            if self.requests["a"] == 1:
                raise not_sent("a", "no connection")
            return response

    async def run() -> None:
        layer = RetryLayer(Unconnected(), {"a": RULE})
        assert (await layer.send(fetch("a", "mutation"))).status == 200
        assert layer.repeated == {"a": 1}

    simulate(run)


def test_all_attempts_together_have_the_time_of_one_request() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        subgraph = SimulatedSubgraph(lambda _time, _random: (0.7, 503))
        layer = RetryLayer(subgraph, {"a": RULE._replace(timeout=1.0, wait=0.001)})
        layer.budgets["a"].left = 5
        started = loop.time()
        with pytest.raises(SubgraphTimeout):
            await layer.send(fetch(seconds=20))
        assert loop.time() - started == pytest.approx(1.0, abs=0.01)
        # A deadline of the client that is earlier holds.
        started = loop.time()
        with pytest.raises(SubgraphTimeout):
            await layer.send(fetch(seconds=0.5))
        assert loop.time() - started == pytest.approx(0.5, abs=0.01)

    simulate(run)


def test_a_retry_storm_adds_at_most_ten_percent() -> None:
    async def run() -> None:
        subgraph = SimulatedSubgraph(lambda _time, _random: (0.005, 503))
        layer = RetryLayer(subgraph, {"a": RULE._replace(budget_percent=10.0)})
        outcomes = await load(layer, rate=200, seconds=30)
        added = subgraph.requests["a"] / len(outcomes.results) - 1
        assert 0.08 < added <= 0.1001

    simulate(run)


def test_a_subgraph_that_fails_now_and_then_seems_to_work() -> None:
    async def run() -> None:
        subgraph = SimulatedSubgraph(lambda _time, random: (0.005, 503 if random.random() < 0.03 else 200))
        layer = RetryLayer(subgraph, {"a": RULE._replace(budget_percent=10.0)})
        outcomes = await load(layer, rate=200, seconds=30)
        failed = sum(result != 200 for _, _, result in outcomes.results)
        assert failed / len(outcomes.results) < 0.001

    simulate(run)
