"""A subgraph gets as many requests at once as it can bear; the others fail at once."""

from __future__ import annotations

import pytest

from router.errors import SubgraphUnreachable
from router.transport.layers.load_shedding import AdaptiveLimit, SheddingLayer, SheddingRule
from tests.router.transport.simulation import SimulatedSubgraph, fetch, load, simulate

RULE = SheddingRule(initial=20, smallest=4, largest=1_000, tolerance=1.5)
WORKERS, SECONDS = 10, 0.05
CAPACITY = WORKERS / SECONDS


@pytest.mark.parametrize("initial", [4, 200])
def test_at_three_times_the_capacity_nearly_all_of_it_is_used_in_time(initial: int) -> None:
    def subgraph() -> SimulatedSubgraph:
        return SimulatedSubgraph(lambda _time, random: (SECONDS * random.uniform(0.5, 1.5), 200), workers=WORKERS)

    async def run() -> None:
        unloaded = await load(subgraph(), rate=CAPACITY / 4, seconds=10)
        layer = SheddingLayer(subgraph(), {"a": RULE._replace(initial=initial)})
        await load(layer, rate=CAPACITY / 4, seconds=5)  # a typical duration is known from quieter times
        outcomes = await load(layer, rate=3 * CAPACITY, seconds=15)
        served = outcomes.durations(since=5)
        assert len(served) / 10 >= 0.9 * CAPACITY
        assert outcomes.percentile(99, since=5) <= 2 * unloaded.percentile(99)
        quiet = await load(layer, rate=CAPACITY / 4, seconds=5)
        assert {result for _, _, result in quiet.results} == {200}

    simulate(run)


def test_a_subgraph_that_becomes_slower_is_used_as_far_as_it_bears() -> None:
    def slower(time: float, _random: object) -> tuple[float, int | None]:
        return (SECONDS if time < 10 else 4 * SECONDS), 200

    async def run() -> None:
        layer = SheddingLayer(SimulatedSubgraph(slower, workers=WORKERS), {"a": RULE})
        outcomes = await load(layer, rate=CAPACITY, seconds=40)
        assert len(outcomes.durations(since=20)) / 20 >= 0.8 * CAPACITY / 4

    simulate(run)


def test_without_shedding_all_requests_become_slow() -> None:
    async def run() -> None:
        subgraph = SimulatedSubgraph(lambda _time, _random: (SECONDS, 200), workers=WORKERS, timeout=2)
        outcomes = await load(subgraph, rate=3 * CAPACITY, seconds=10)
        assert outcomes.percentile(99) > 10 * SECONDS

    simulate(run)


def test_a_request_above_the_limit_fails_at_once() -> None:
    async def run() -> None:
        layer = SheddingLayer(SimulatedSubgraph(), {"a": RULE})
        limit = layer.limits["a"]
        for _ in range(20):
            assert limit.enter()
        with pytest.raises(SubgraphUnreachable) as caught:
            await layer.send(fetch())
        assert caught.value.retry_after == 1
        assert (await layer.send(fetch("b"))).status == 200
        assert layer.status() == {"shedding": {"a": {"limit": 20, "in_flight": 20, "refused": 1}}}

    simulate(run)


def test_the_limit_keeps_within_its_bounds() -> None:
    limit = AdaptiveLimit(RULE._replace(smallest=10, largest=30))
    for seconds in (0.01, 9.0):
        for _ in range(2_000):
            taken = 0
            while limit.enter():
                taken += 1
            assert 10 <= limit.limit <= 30
            for _ in range(taken):
                limit.leave(seconds)


def test_failures_say_nothing_about_the_duration() -> None:
    async def run() -> None:
        layer = SheddingLayer(SimulatedSubgraph(lambda _time, _random: (0.0, 500)), {"a": RULE})
        for _ in range(100):
            await layer.send(fetch())
        assert (layer.limits["a"].limit, layer.limits["a"].in_flight) == (20, 0)

    simulate(run)
