"""The calls to a real subgraph behind toxiproxy, which delays, resets, throttles and swallows responses.

These tests measure times, so they run by hand and at night only: `make misbehaving-subgraphs`. The same behaviour is
tested on a virtual clock in `layers/`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import click
import pytest

from router.composition import Subgraph, compose
from router.gateway import Gateway
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from tests.router.server.live import serving
from tests.servers import running
from tests.tools.toxiproxy import Toxiproxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from servicekit.asgi import Receive, Scope, Send

SDL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
type Query { text: String }
type Mutation { change: String }
"""
QUERY, MUTATION = "{ text }", "mutation { change }"
TEXT = "x" * 50_000


@pytest.fixture(autouse=True)
def _by_hand_only(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--misbehaving-subgraphs"):
        pytest.skip("measures times: make misbehaving-subgraphs")


@dataclass
class SmallSubgraph:
    """An ASGI application that works on at most `workers` requests at once, half to one and a half of `seconds` each.

    It closes each connection after a response: toxiproxy decides for each connection whether it disturbs it.
    """

    seconds: float = 0.0
    workers: int = 1_000
    received: Counter[str] = field(default_factory=Counter)
    free: asyncio.Semaphore | None = None
    random: Random = field(default_factory=lambda: Random(3))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            return await send({"type": "lifespan.shutdown.complete"})
        body = (await receive())["body"]
        name = "change" if b"mutation" in body else "text"
        self.received[name] += 1
        self.free = self.free or asyncio.Semaphore(self.workers)
        async with self.free:
            await asyncio.sleep(self.seconds * self.random.uniform(0.5, 1.5))
        content = json.dumps({"data": {name: TEXT}}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})
        return None


@pytest.fixture
def toxiproxy(tmp_path: Path) -> Iterator[Toxiproxy]:
    with running(Toxiproxy(tmp_path)) as server:
        yield server


@asynccontextmanager
async def gateway(toxiproxy: Toxiproxy, subgraph: SmallSubgraph, traffic: str) -> AsyncIterator[Gateway]:
    """A gateway in front of `subgraph` behind the proxy, with the settings `traffic.all`."""
    with serving(subgraph) as url:
        address = toxiproxy.proxy(url.removeprefix("http://"))
        composition = compose([Subgraph("small", f"http://{address}/graphql", SDL)])
        assert composition.supergraph_sdl is not None
        settings = read(f"traffic: {{all: {{share_queries: false, {traffic}}}}}", {})
        made = Gateway.from_supergraph(composition.supergraph_sdl, settings)
        try:
            yield made
        finally:
            await made.aclose()


@dataclass
class Results:
    """(duration, error code or "ok") of each request."""

    found: list[tuple[float, str]] = field(default_factory=list)

    def percentile(self, percent: float, code: str = "ok") -> float:
        durations = sorted(duration for duration, result in self.found if result == code)
        return durations[min(len(durations) - 1, int(len(durations) * percent / 100))]

    @property
    def codes(self) -> Counter[str]:
        return Counter(code for _, code in self.found)


async def ask(gateway: Gateway, query: str = QUERY) -> tuple[float, str]:
    began = time.perf_counter()
    body: Any = (await gateway.execute(GraphQLRequest(query=query))).body
    code = body["errors"][0]["extensions"]["code"] if "errors" in body else "ok"
    if code == "ok":
        assert next(iter(body["data"].values())) == TEXT
    return time.perf_counter() - began, code


async def load(gateway: Gateway, rate: float, seconds: float, query: str = QUERY) -> Results:
    """Send `rate` requests a second at random moments, whether or not earlier ones have ended."""
    random, results, end = Random(5), Results(), time.perf_counter() + seconds

    async def one() -> None:
        results.found.append(await ask(gateway, query))

    async with asyncio.TaskGroup() as group:
        while time.perf_counter() < end:
            group.create_task(one())
            await asyncio.sleep(random.expovariate(rate))
    return results


async def test_with_five_percent_stragglers_hedging_cuts_p99_to_a_third(toxiproxy: Toxiproxy) -> None:
    figures, sent = [], []
    for hedge in ("false", "true"):
        subgraph = SmallSubgraph()
        async with gateway(toxiproxy, subgraph, f"hedge: {{enabled: {hedge}}}") as router:
            await load(router, rate=40, seconds=3)  # the usual duration is learnt
            toxiproxy.disturb("latency", 0.05, latency=1_500)
            results = await load(router, rate=40, seconds=15)
            assert results.codes.keys() == {"ok"}
            figures.append(results.percentile(99))
            sent.append(subgraph.received["text"])
        toxiproxy.delete()
    click.echo(
        f"p99 with 5 % stragglers: {figures[0] * 1000:.0f} ms, with hedging {figures[1] * 1000:.0f} ms; sent {sent}"
    )
    assert figures[1] <= figures[0] / 3


async def test_reset_connections_are_retried_and_no_mutation_is_sent_twice(toxiproxy: Toxiproxy) -> None:
    subgraph = SmallSubgraph()
    retry = "retry: {enabled: true, attempts: 4, wait: 10ms, budget: 100}"
    async with gateway(toxiproxy, subgraph, retry) as router:
        toxiproxy.disturb("reset_peer", 0.2, timeout=0)
        results = await load(router, rate=40, seconds=8)
        queries, sent = len(results.found), subgraph.received["text"]
        mutations = await load(router, rate=40, seconds=4, query=MUTATION)
    click.echo(f"20 % resets: {results.codes} of {queries} queries, {sent} sent; mutations {mutations.codes}")
    assert results.codes["ok"] >= 0.99 * queries
    # A reset can come before or after the subgraph has got the request, so fewer may have arrived, and never more.
    assert subgraph.received["change"] <= len(mutations.found)
    assert mutations.codes["ok"] >= 0.6 * len(mutations.found)


async def test_a_response_does_not_wait_for_a_slow_close(toxiproxy: Toxiproxy) -> None:
    async with gateway(toxiproxy, SmallSubgraph(), "timeout: 20s") as router:
        toxiproxy.disturb("slow_close", delay=3_000)
        results = await load(router, rate=20, seconds=3)
    click.echo(f"slow close of 3 s: p99 {results.percentile(99) * 1000:.0f} ms")
    assert results.codes.keys() == {"ok"}
    assert results.percentile(99) < 2


async def test_a_throttled_response_arrives_whole_or_ends_in_time(toxiproxy: Toxiproxy) -> None:
    for timeout, code, least, most in (("20s", "ok", 1.0, 10.0), ("500ms", "GATEWAY_TIMEOUT", 0.4, 1.5)):
        async with gateway(toxiproxy, SmallSubgraph(), f"timeout: {timeout}") as router:
            toxiproxy.disturb("bandwidth", rate=25)  # 25 KB a second, for 50 KB
            seconds, got = await ask(router)
        toxiproxy.delete()
        click.echo(f"25 KB/s, timeout {timeout}: {got} after {seconds:.2f} s")
        assert got == code
        assert least <= seconds <= most


async def test_a_silent_subgraph_opens_the_breaker_and_is_used_again_within_one_window(toxiproxy: Toxiproxy) -> None:
    subgraph = SmallSubgraph()
    breaker = "timeout: 300ms, breaker: {enabled: true, open_time: 2s, window: 5s}"
    async with gateway(toxiproxy, subgraph, breaker) as router:
        await load(router, rate=40, seconds=1)
        toxiproxy.swallow_requests()
        silent = await load(router, rate=40, seconds=8)
        toxiproxy.reset()
        began = time.perf_counter()
        while (await ask(router))[1] != "ok":
            await asyncio.sleep(0.02)
        recovery = time.perf_counter() - began
        after = await load(router, rate=40, seconds=3)
    fast = silent.percentile(90, "SUBREQUEST_HTTP_ERROR")
    click.echo(
        f"silent: {silent.codes}, refused in {fast * 1000:.1f} ms; recovery {recovery:.2f} s; then {after.codes}"
    )
    assert silent.codes.keys() == {"GATEWAY_TIMEOUT", "SUBREQUEST_HTTP_ERROR"}
    assert silent.codes["SUBREQUEST_HTTP_ERROR"] > 0.5 * len(silent.found)
    assert fast < 0.1
    assert recovery <= 2 + 0.5
    assert after.codes.keys() == {"ok"}


async def test_at_three_times_the_capacity_of_a_subgraph_its_capacity_is_used(toxiproxy: Toxiproxy) -> None:
    workers, seconds = 10, 0.1
    capacity = workers / seconds
    async with gateway(toxiproxy, SmallSubgraph(seconds, workers), "shedding: {enabled: true, initial: 10}") as router:
        unloaded = await load(router, rate=capacity / 4, seconds=5)
        await load(router, rate=3 * capacity, seconds=4)  # the limit adapts
        overloaded = await load(router, rate=3 * capacity, seconds=15)
    goodput = overloaded.codes["ok"] / 15
    p99 = unloaded.percentile(99), overloaded.percentile(99)
    click.echo(f"3x overload: goodput {goodput / capacity:.0%}, p99 {p99[0] * 1000:.0f} -> {p99[1] * 1000:.0f} ms")
    assert goodput >= 0.9 * capacity
    assert p99[1] <= 2 * p99[0]
