"""Slow queries are sent a second time, within a budget; the first response is used."""

from __future__ import annotations

import asyncio

import pytest

from router.errors import SubgraphUnreachable
from router.transport.layers.hedging import MAX_DURATIONS, MIN_DURATIONS, Durations, HedgeLayer, HedgeRule
from tests.router.transport.simulation import SimulatedSubgraph, fetch, load, simulate

RULE = HedgeRule(percentile=90, shortest_wait=0.001, budget_percent=10)


def test_with_five_percent_stragglers_p99_is_a_third_at_most() -> None:
    def straggling() -> SimulatedSubgraph:
        return SimulatedSubgraph(
            lambda _time, random: (0.5 if random.random() < 0.05 else 0.02 * random.uniform(0.5, 1.5), 200)
        )

    async def run() -> None:
        without = await load(straggling(), rate=50, seconds=30)
        subgraph = straggling()
        layer = HedgeLayer(subgraph, {"a": RULE})
        with_hedges = await load(layer, rate=50, seconds=30)
        assert with_hedges.percentile(99, since=5) <= without.percentile(99, since=5) / 3
        assert subgraph.requests["a"] <= len(with_hedges.results) * 1.101
        assert layer.second["a"] == subgraph.requests["a"] - len(with_hedges.results)
        assert subgraph.cancelled >= layer.second["a"] * 0.9

    simulate(run)


def test_a_subgraph_that_is_slow_for_all_gets_only_the_budget() -> None:
    async def run() -> None:
        subgraph = SimulatedSubgraph(lambda time, _random: (0.02 if time < 5 else 0.8, 200))
        layer = HedgeLayer(subgraph, {"a": RULE})
        outcomes = await load(layer, rate=50, seconds=20)
        assert subgraph.requests["a"] <= len(outcomes.results) * 1.101

    simulate(run)


def test_mutations_and_other_subgraphs_are_sent_once() -> None:
    async def run() -> None:
        subgraph = SimulatedSubgraph(lambda time, _random: (0.01 if time < 1 else 5.0, 200))
        layer = HedgeLayer(subgraph, {"a": RULE._replace(budget_percent=100)})
        await asyncio.gather(*(layer.send(fetch()) for _ in range(MIN_DURATIONS)))
        await asyncio.sleep(1)
        for request in (fetch(kind="mutation"), fetch("b")):
            await layer.send(request)
        assert subgraph.requests == {"a": MIN_DURATIONS + 1, "b": 1}
        await layer.send(fetch())
        assert subgraph.requests == {"a": MIN_DURATIONS + 3, "b": 1}

    simulate(run)


def test_a_failure_waits_for_the_second_query() -> None:
    async def run() -> None:
        results = iter([(0.01, 200)] * MIN_DURATIONS + [(0.5, None), (0.6, 200), (0.5, None), (0.6, None)])
        subgraph = SimulatedSubgraph(lambda _time, _random: next(results))
        layer = HedgeLayer(subgraph, {"a": RULE._replace(budget_percent=100)})
        for _ in range(MIN_DURATIONS):
            await layer.send(fetch())
        assert (await layer.send(fetch())).status == 200
        with pytest.raises(SubgraphUnreachable):
            await layer.send(fetch())

    simulate(run)


def test_if_the_caller_is_cancelled_both_queries_are() -> None:
    async def run() -> None:
        subgraph = SimulatedSubgraph(lambda time, _random: (0.01 if time < 1 else 60.0, 200))
        layer = HedgeLayer(subgraph, {"a": RULE._replace(budget_percent=100)})
        await asyncio.gather(*(layer.send(fetch()) for _ in range(MIN_DURATIONS)))
        await asyncio.sleep(1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await layer.send(fetch())
        await asyncio.sleep(0)
        assert subgraph.cancelled == 2

    simulate(run)


def test_percentiles_are_those_of_the_last_durations() -> None:
    durations = Durations()
    for _ in range(MIN_DURATIONS - 1):
        durations.add(9.0)
    assert durations.percentile(90) is None
    for number in range(MAX_DURATIONS):
        durations.add(number / MAX_DURATIONS)
    assert durations.percentile(50) == 0.5
    assert durations.percentile(100) == (MAX_DURATIONS - 1) / MAX_DURATIONS
