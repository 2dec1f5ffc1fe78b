"""What a router has learned about its subgraphs survives a reload: connections, breakers, limits, durations.

Covers the method `inherit` of `router/transport/layered_transport.py` and of the layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from router.gateway_assembly import transport_for
from router.settings import read
from tests.router.lifecycle.harness import QUICK, Live, running, sdl, write
from tests.router.lifecycle.test_reload import ADA, ME, reloaded
from tests.router.shop import GRAPH
from tests.router.transport.certificates import self_signed
from tests.router.transport.scripted_server import Peer, response, serving

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from router.transport.layered_transport import LayeredTransport

ALL_LAYERS = "breaker: {enabled: true}, retry: {enabled: true}, hedge: {enabled: true}, shedding: {enabled: true}"
BREAKER = "traffic: {all: {breaker: {enabled: true, minimum_requests: 1, open_time: 10m}}}\n"


async def well(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.reply(ADA)


async def badly(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.reply(response(b"", status="500 Internal Server Error"))


async def reload(live: Live, folder: Path, version: int) -> None:
    """Load another supergraph, and wait until the one before is closed."""
    (folder / "supergraph.graphql").write_text(sdl(version))
    await live.until(lambda status: reloaded(status) and status["generation"] == version)


async def test_idle_connections_are_used_after_a_reload(tmp_path: Path) -> None:
    async with serving(well) as server:
        url = f"override_subgraph_url: {{people: '{server.url}'}}\n"
        async with running(write(tmp_path, 1, QUICK + url)) as live:
            for version in (1, 2, 3):
                if version > 1:
                    await reload(live, tmp_path, version)
                assert (await live.client.post(ME)).json == {"data": {"me": {"id": "1"}}}
            assert server.connections == 1


async def test_connections_to_another_url_are_closed(tmp_path: Path) -> None:
    async with serving(well) as old, serving(well) as new:
        settings = [f"{QUICK}override_subgraph_url: {{people: '{each.url}'}}\n" for each in (old, new)]
        async with running(write(tmp_path, 1, settings[0])) as live:
            await live.client.post(ME)
            (tmp_path / "router.yaml").write_text(settings[1])
            await live.until(reloaded)
            await live.client.post(ME)
            await old.closed_by_client.wait()
            assert (old.connections, new.connections) == (1, 1)


async def test_an_open_breaker_stays_open_and_is_visible(tmp_path: Path) -> None:
    async with serving(badly) as server:
        settings = f"{QUICK}{BREAKER}override_subgraph_url: {{people: '{server.url}'}}\n"
        async with running(write(tmp_path, 1, settings)) as live:
            assert await health(live) == {"status": "ready"}
            await live.client.post(ME)
            for version in (1, 2):
                if version > 1:
                    await reload(live, tmp_path, version)
                assert await health(live) == {"status": "ready", "open_circuit_breakers": 1}
                status = await live.status()
                assert status["open_circuit_breakers"] == ["people"]
                assert status["policies"]["breakers"]["people"]["state"] == "open"
                assert (await live.client.post(ME)).code == "SUBREQUEST_HTTP_ERROR"
            assert server.connections == 1, "an open breaker sends nothing"


async def health(live: Live) -> Any:
    result = await live.client.send("GET", "/health/ready")
    assert result is not None
    return result.json


def made(settings: str) -> LayeredTransport:
    return transport_for(GRAPH, read(settings, {}))[1]


def parts(traffic: LayeredTransport, subgraph: str) -> Mapping[str, object]:
    """The objects with the state of one subgraph, by layer and attribute."""
    found = {}
    for layer in traffic.layers:
        for name in ("breakers", "limits", "budgets", "_budgets", "_durations", "_pauses", "_servers"):
            kept = getattr(layer, name, {})
            if subgraph in kept:
                found[f"{type(layer).__name__}.{name}"] = kept[subgraph]
    return found


LEARNED = {
    "BreakerLayer.breakers",
    "SheddingLayer.limits",
    "RetryLayer.budgets",
    "HedgeLayer._budgets",
    "HedgeLayer._durations",
    "PauseLayer._pauses",
}


@pytest.mark.parametrize(
    ("url", "change", "lost"),
    [
        ("http://one.example/", "", set()),
        ("http://other.example/", "", LEARNED),
        ("http://one.example/", "breaker: {enabled: true, failures: 1}", {"BreakerLayer.breakers"}),
        ("http://one.example/", "shedding: {enabled: true, largest: 5}", {"SheddingLayer.limits"}),
        ("http://one.example/", "retry: {enabled: true, budget: 1}", {"RetryLayer.budgets"}),
        ("http://one.example/", "hedge: {enabled: true, budget: 1}", {"HedgeLayer._budgets"}),
        ("http://one.example/", "longest_retry_after: 1s", {"PauseLayer._pauses"}),
    ],
)
async def test_a_layer_keeps_its_state_unless_the_url_or_its_rule_changes(
    url: str, change: str, lost: set[str]
) -> None:
    def configured(url: str, change: str) -> LayeredTransport:
        traffic = f"traffic: {{all: {{{ALL_LAYERS}}}, subgraphs: {{people: {{{change}}}}}}}"
        return made(f"override_subgraph_url: {{people: '{url}'}}\n{traffic}")

    old, new = configured("http://one.example/", ""), configured(url, change)
    before = parts(old, "people")
    assert before.keys() == LEARNED
    new.inherit(old)
    after = parts(new, "people")
    assert {name for name in LEARNED if after[name] is not before[name]} == lost


async def test_servers_keep_their_ejections() -> None:
    text = "override_subgraph_url: {people: ['http://a.example/', 'http://b.example/']}"
    old, new, other = made(text), made(text), made(text.replace("b.example", "c.example"))
    new.inherit(old)
    other.inherit(old)
    assert parts(new, "people")["BalancingLayer._servers"] is parts(old, "people")["BalancingLayer._servers"]
    assert parts(other, "people")["BalancingLayer._servers"] is not parts(old, "people")["BalancingLayer._servers"]


async def test_a_changed_certificate_needs_new_connections(tmp_path: Path) -> None:
    self_signed(tmp_path)
    text = f"traffic: {{all: {{certificate_authority: '{tmp_path}/cert.pem'}}}}"
    text += "\noverride_subgraph_url: {people: 'https://127.0.0.1/'}"

    def pool(traffic: LayeredTransport) -> object:
        http: Any = traffic.layers[0]
        return http._targets["people"].pool  # noqa: SLF001

    old, same = made(text), made(text)
    same.inherit(old)
    assert pool(same) is pool(old)
    self_signed(tmp_path)
    changed = made(text)
    changed.inherit(same)
    assert pool(changed) is not pool(same)
