"""A subgraph that fails gets no requests for a while, and is used again soon after it works."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from structlog.testing import capture_logs

from router.errors import SubgraphUnreachable
from router.transport.layers.circuit_breaker import BreakerLayer, BreakerRule, CircuitBreaker
from tests.router.transport.simulation import SimulatedSubgraph, fetch, load, simulate

RULE = BreakerRule(failure_percent=50, minimum_requests=20, window=10, open_time=5, probes=3)


def note(breaker: CircuitBreaker, now: float, *results: bool) -> list[str | None]:
    return [breaker.note(now, failed=not success) for success in results]


def test_it_opens_at_the_share_of_failures_and_not_below_the_smallest_number() -> None:
    breaker = CircuitBreaker(RULE)
    assert note(breaker, 0, *[False] * 9, *[True] * 10) == [None] * 19
    assert note(breaker, 0, False) == ["open"]
    breaker = CircuitBreaker(RULE)
    assert "open" not in note(breaker, 0, *[True] * 20, *[False] * 19)
    assert note(breaker, 0, False) == ["open"]


def test_old_requests_do_not_count() -> None:
    breaker = CircuitBreaker(RULE)
    note(breaker, 0, *[False] * 19)
    assert "open" not in note(breaker, 10.5, *[False] * 19)
    assert note(breaker, 10.5, False) == ["open"]


def test_after_the_open_time_probes_decide() -> None:
    breaker = CircuitBreaker(RULE)
    note(breaker, 0, *[False] * 20)
    assert breaker.refusal(1) == 4
    assert [breaker.refusal(5) for _ in range(4)] == [None, None, None, 5]
    assert breaker.state == "half-open"
    assert note(breaker, 5, True, True, True) == [None, None, "closed"]
    assert breaker.refusal(5) is None
    assert "open" not in note(breaker, 5, *[False] * 19)  # it begins anew


def test_a_failed_probe_opens_it_again() -> None:
    breaker = CircuitBreaker(RULE)
    note(breaker, 0, *[False] * 20)
    assert breaker.refusal(5) is None
    assert note(breaker, 6, False) == ["open"]
    assert breaker.refusal(10.9) == pytest.approx(0.1)


def test_a_cancelled_probe_leaves_its_place() -> None:
    breaker = CircuitBreaker(RULE._replace(probes=1))
    note(breaker, 0, *[False] * 20)
    assert breaker.refusal(5) is None
    assert breaker.refusal(5) is not None
    breaker.forget()
    assert breaker.refusal(5) is None


def test_a_request_from_before_does_not_count_as_a_probe() -> None:
    breaker = CircuitBreaker(RULE)
    note(breaker, 0, *[False] * 20)
    assert note(breaker, 1, True, False) == [None, None]
    assert breaker.state == "open"


def test_a_subgraph_that_is_down_for_twenty_seconds() -> None:
    async def run() -> None:
        subgraph = SimulatedSubgraph(lambda time, _random: (0.01, None if 10 <= time < 30 else 200))
        layer = BreakerLayer(subgraph, {"a": RULE})
        with capture_logs() as lines:
            outcomes = await load(layer, rate=100, seconds=60)
        assert set(outcomes.between(0, 10)) == {200}
        down = Counter(outcomes.between(16, 30))
        assert down.keys() == {"SUBREQUEST_HTTP_ERROR"}
        # It works again at 30 s; the breaker finds out within one open time.
        assert set(outcomes.between(30 + RULE.open_time + 0.2, 60)) == {200}
        sent = subgraph.requests["a"]
        assert sent < len(outcomes.results) - 100 * 13  # nearly nothing was sent from 16 s to 30 s
        events = [line["event"] for line in lines]
        assert events[0] == "circuit breaker open"
        assert events[-1] == "circuit breaker closed"
        status = layer.status()["breakers"]
        assert isinstance(status, dict)
        assert status["a"]["state"] == "closed"

    simulate(run)


def test_an_open_breaker_fails_at_once_and_says_for_how_long() -> None:
    async def run() -> None:
        subgraph = SimulatedSubgraph(lambda _time, _random: (0.0, 500))
        layer = BreakerLayer(subgraph, {"a": RULE})
        for _ in range(20):
            assert (await layer.send(fetch())).status == 500
        with pytest.raises(SubgraphUnreachable) as caught:
            await layer.send(fetch())
        assert caught.value.retry_after == 5
        assert (await layer.send(fetch("other"))).status == 500
        assert subgraph.requests == {"a": 20, "other": 1}

    simulate(run)


def test_a_client_that_leaves_says_nothing_about_the_subgraph() -> None:
    async def run() -> None:
        layer = BreakerLayer(SimulatedSubgraph(lambda _time, _random: (5.0, 200)), {"a": RULE})
        for _ in range(30):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await layer.send(fetch())
        assert layer.breakers["a"].state == "closed"

    simulate(run)
