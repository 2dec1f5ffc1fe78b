"""Reloads: a router gets a new supergraph or configuration while it serves.

Covers `router/lifecycle/reloading.py`, `router/lifecycle/build_gateway.py`, `router/lifecycle/router_process.py`,
`router/lifecycle/gateway_generations.py` and `router/lifecycle/reload_on_change.py`.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from router.pipeline.finish_mutations_after_disconnect import MUTATION_GRACE_SECONDS
from servicekit.errors import StartupError
from tests.router.lifecycle.harness import QUICK, Live, running, sdl, write
from tests.router.transport.scripted_server import Peer, response, serving

if TYPE_CHECKING:
    from pathlib import Path

    from router.gateway import Gateway

GUARDED = sdl(2).replace(
    "{ query: Query", '@link(url: "https://specs.example/guard/v0.1", for: SECURITY)\n{ query: Query', 1
)
"""A supergraph with a specification for security that the router does not know."""

ADA = response(b'{"data":{"me":{"id":"1"}}}')
ME = {"query": "{ me { id } }"}


def reloaded(status: dict[str, dict[str, object]]) -> bool:
    return bool(status["last_reload"] and status["last_reload"]["result"] == "reloaded")


def refused(status: dict[str, dict[str, object]]) -> bool:
    return bool(status["last_reload"] and status["last_reload"]["result"] == "refused")


async def test_a_changed_supergraph_is_loaded(tmp_path: Path) -> None:
    async with running(write(tmp_path, 1)) as live:
        assert await live.version() == "v1"
        (tmp_path / "supergraph.graphql").write_text(sdl(2))
        status = await live.until(reloaded)
        assert await live.version() == "v2"
        assert (status["generation"], status["last_reload"]["cause"]) == (2, "file")


async def test_a_supergraph_that_changes_during_the_start_is_loaded(tmp_path: Path) -> None:
    origin = write(tmp_path, 1)
    async with running(origin, lambda: (tmp_path / "supergraph.graphql").write_text(sdl(2))) as live:
        await live.until(reloaded)
        assert await live.version() == "v2"


async def test_a_changed_configuration_is_loaded(tmp_path: Path) -> None:
    async with running(write(tmp_path, 1)) as live:
        (tmp_path / "router.yaml").write_text(QUICK + "limits: {depth: 1}\n")
        await live.until(reloaded)
        assert (await live.client.post({"query": "{ me { name } }"})).code == "MAX_DEPTH_LIMIT"


async def test_a_file_that_is_replaced_by_another_with_the_same_text_changes_nothing(tmp_path: Path) -> None:
    async with running(write(tmp_path, 1)) as live:
        (tmp_path / "new").write_text(sdl(1))
        (tmp_path / "new").rename(tmp_path / "supergraph.graphql")
        status = await live.until(lambda status: bool(status["last_reload"]))
        assert (status["last_reload"]["result"], status["generation"]) == ("unchanged", 1)


@pytest.mark.parametrize("settings", ["reload: {watch: false, watch_interval: 1ms}", "reload: {watch_interval: 1m}"])
async def test_files_are_watched_as_the_settings_say(tmp_path: Path, settings: str) -> None:
    async with running(write(tmp_path, 1, settings)) as live:
        (tmp_path / "supergraph.graphql").write_text(sdl(2))
        await asyncio.sleep(0.1)
        assert (await live.status())["last_reload"] is None


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("supergraph.graphql", "type Query { a: Int }", "supergraph.graphql: INVALID_FEDERATION_SUPERGRAPH"),
        ("supergraph.graphql", "type Query {", "supergraph.graphql: INVALID_FEDERATION_SUPERGRAPH"),
        ("supergraph.graphql", "\udcff", "supergraph.graphql: is not UTF-8 text"),
        ("supergraph.graphql", GUARDED, "supergraph.graphql: UNSUPPORTED_LINKED_FEATURE"),
        (
            "router.yaml",
            "introspection: true\nserver:\n  prot: 1\n",
            "router.yaml:3: server.prot: unknown key; did you",
        ),
        ("router.yaml", "headers: {subgraphs: {nobody: {}}}\n", "router.yaml:1: headers.subgraphs.nobody: the superg"),
    ],
)
async def test_broken_files_are_refused_with_the_reason_and_the_old_ones_kept(
    tmp_path: Path, file: str, text: str, reason: str
) -> None:
    async with running(write(tmp_path, 1)) as live:
        good = (tmp_path / file).read_text()
        with capture_logs() as lines:
            (tmp_path / file).write_bytes(text.encode("utf-8", "surrogateescape"))
            status = await live.until(refused)
        assert reason in status["last_reload"]["reason"]
        assert [line["reason"] for line in lines if line["event"] == "reload"] == [status["last_reload"]["reason"]]
        assert (await live.version(), await live.ready()) == ("v1", 200)
        (tmp_path / file).write_text(good + "\n")
        await live.until(lambda status: not refused(status))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("introspection: true\nserver: {prot: 1}\n", "router.yaml:2: server.prot: unknown key"),
        ("introspection: [", "router.yaml:1: not YAML"),
        ("headers: {subgraphs: {nobody: {}}}\n", "router.yaml:1: headers.subgraphs.nobody: the supergraph has no such"),
    ],
)
async def test_a_broken_configuration_does_not_hold_back_a_new_supergraph(
    tmp_path: Path, text: str, reason: str
) -> None:
    """Issue: a broken router.yaml must not block a new supergraph."""
    async with running(write(tmp_path, 1, "reload: {watch: false}\nintrospection: true\n")) as live:
        (tmp_path / "router.yaml").write_text(text)
        (tmp_path / "supergraph.graphql").write_text(sdl(2))
        with capture_logs() as lines:
            (outcome,) = await live.router.reload()
        assert outcome["result"] == "reloaded"
        assert f"the previous configuration stays in use: {tmp_path}/{reason}" in str(outcome["reason"])
        assert [line["log_level"] for line in lines if line["event"] == "reload"] == ["warning"]
        assert await live.version() == "v2"
        # Without a new supergraph, the broken configuration is refused, and the router continues as it is.
        (outcome,) = await live.router.reload()
        assert (outcome["result"], await live.version()) == ("refused", "v2")


async def test_a_start_with_broken_files_is_refused(tmp_path: Path) -> None:
    origin = write(tmp_path, 1, "introspection: perhaps")
    with pytest.raises(StartupError, match="introspection"):
        async with running(origin):
            pass


async def test_a_running_request_finishes_on_the_supergraph_it_started_with(tmp_path: Path) -> None:
    begun, answer = asyncio.Event(), asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.request()
        begun.set()
        await answer.wait()
        await peer.reply(ADA)
        await peer.request()
        await peer.reply(ADA)
        await peer.request()

    async with serving(slow) as subgraph:
        origin = write(tmp_path, 1, QUICK + f"override_subgraph_url: {{people: '{subgraph.url}'}}\n")
        async with running(origin) as live:
            request = asyncio.create_task(live.client.post(ME))
            await begun.wait()
            (tmp_path / "supergraph.graphql").write_text(sdl(2))
            await live.until(reloaded)
            assert await live.version() == "v2"
            assert not request.done()
            answer.set()
            assert (await request).json == {"data": {"me": {"id": "1"}}}
            # Then the new generation uses the connection.
            assert (await live.client.post(ME)).json == {"data": {"me": {"id": "1"}}}
            assert subgraph.connections == 1


async def test_a_mutation_whose_client_left_finishes_on_the_supergraph_it_started_with(tmp_path: Path) -> None:
    begun, answer, left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.request()
        begun.set()
        await answer.wait()
        await peer.reply(response(b'{"data":{"rename":{"id":"1"}}}'))
        await peer.request()

    async with serving(slow) as subgraph:
        origin = write(tmp_path, 1, QUICK + f"override_subgraph_url: {{people: '{subgraph.url}'}}\n")
        async with running(origin) as live:
            body = [b'{"query":"mutation { rename(name: \\"x\\") { id } }"}']
            headers = {"content-type": "application/json"}
            request = asyncio.create_task(live.client.send("POST", headers=headers, body=body, leaves=left))
            await begun.wait()
            left.set()
            assert await request is None
            (outcome,) = await live.router.reload()
            assert outcome["result"] == "reloaded"
            # Longer than a gateway that is closed for good waits for it.
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(subgraph.closed_by_client.wait(), MUTATION_GRACE_SECONDS + 0.5)
            answer.set()
        # The connection stays open for the new generation, until the router ends.
        await asyncio.wait_for(subgraph.closed_by_client.wait(), 30)


async def test_reloads_under_load_drop_no_request_and_free_the_old_supergraph(tmp_path: Path) -> None:
    async def respond(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.reply(ADA)

    async with serving(respond) as subgraph:
        own = f"override_subgraph_url: {{people: '{subgraph.url}'}}\nwarm_up: {{rate: 1000}}\n"
        origin = write(tmp_path, 1, f"introspection: true\nreload: {{watch: false}}\n{own}")
        async with running(origin) as live:
            over, answers = asyncio.Event(), 0

            async def ask() -> None:
                nonlocal answers
                while not over.is_set():
                    assert (await live.client.post(ME)).json == {"data": {"me": {"id": "1"}}}
                    answers += 1

            clients = [asyncio.create_task(ask()) for _ in range(4)]
            replaced: list[weakref.ref[Gateway]] = []
            for version in range(2, 12):
                replaced.append(weakref.ref(current_gateway(live)))
                (tmp_path / "supergraph.graphql").write_text(sdl(version))
                (outcome,) = await live.router.reload()
                assert outcome["result"] == "reloaded"
                assert await live.version() == f"v{version}"
            over.set()
            await asyncio.gather(*clients)
            assert answers > 10
            async with asyncio.timeout(30):
                while any(gateway() is not None for gateway in replaced):
                    await asyncio.sleep(0.01)


def current_gateway(live: Live) -> Gateway:
    current = live.router._rollover.current  # noqa: SLF001  (to see it die, one must have seen it)
    assert current is not None
    return current.gateway


async def test_settings_that_a_reload_cannot_change_are_named(tmp_path: Path) -> None:
    async with running(write(tmp_path, 1)) as live:
        with capture_logs() as lines:
            (tmp_path / "router.yaml").write_text(QUICK + "server: {port: 1, workers: 3}\nadmin: {enabled: true}\n")
            await live.until(reloaded)
        named = [line["key"] for line in lines if line["event"] == "this setting takes effect at the next start"]
        assert named == ["server.port", "server.workers", "admin"]


async def test_refusals_and_exceeded_limits_are_counted_over_reloads(tmp_path: Path) -> None:
    async def slow(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await release.wait()
        await peer.reply(ADA)

    asked, release = asyncio.Event(), asyncio.Event()
    async with serving(slow) as server:
        settings = (
            f"override_subgraph_url: {{people: '{server.url}'}}\noverload: {{max_requests: 1, unready_after: 1}}\n"
            "limits: {depth: 1, measure: [depth]}\nwarm_up: {rate: 1000}\n"
        )
        async with running(write(tmp_path, 1, settings)) as live:
            answer = asyncio.create_task(live.client.post(ME))
            await asked.wait()
            assert (await live.client.post(ME)).status == 503
            await live.router.reload()
            status = await live.status()
            assert (status["refused"], status["limits_exceeded"]) == (1, {"depth": 1})
            assert not status["ready"]
            release.set()
            await answer


async def test_a_limit_fixed_for_connections_is_named_when_it_is_raised(tmp_path: Path) -> None:
    async with running(write(tmp_path, 1)) as live:
        with capture_logs() as lines:
            (tmp_path / "router.yaml").write_text(QUICK + "limits: {url_bytes: 40000, header_bytes: 100}\n")
            await live.until(reloaded)
        assert [line["key"] for line in lines if "full effect" in line["event"]] == ["limits.url_bytes"]
