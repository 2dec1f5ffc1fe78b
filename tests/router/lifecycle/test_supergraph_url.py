"""A supergraph at a URL. Covers `router/lifecycle/read_supergraph_from_file_or_url.py`."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from router.lifecycle.build_gateway import FileLocations
from router.lifecycle.supergraph_cache import SupergraphCache
from tests.router.lifecycle.harness import Live, running, sdl
from tests.router.transport.certificates import self_signed
from tests.router.transport.scripted_server import Peer, response, serving

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from pathlib import Path

    from router.supergraph import Supergraph


@dataclass
class Registry:
    """Serves one document with an ETag; `status` other than 200 is an answer without it."""

    text: str = field(default_factory=lambda: sdl(1))
    status: int = 200
    asked: list[str] = field(default_factory=list)
    silent: bool = False

    async def __call__(self, peer: Peer) -> None:
        while True:
            head = (await peer.reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head.lower())
            if self.silent:
                await peer.reader.read()
            etag = f'"{abs(hash(self.text))}"'
            if self.status != 200:
                await peer.reply(response(b"no", status=f"{self.status} Because"))
            elif f"if-none-match: {etag}" in head.lower():
                await peer.reply(f"HTTP/1.1 304 Not Modified\r\netag: {etag}\r\n\r\n".encode())
            else:
                await peer.reply(response(self.text.encode(), headers=(f"etag: {etag}",)))


@asynccontextmanager
async def polling(
    registry: Registry, folder: Path, settings: str = "poll_interval: 20ms", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Live]:
    async with serving(registry, tls=tls) as server:
        text = f"introspection: true\nsupergraph: {{url: '{server.url}', {settings}}}\n"
        (folder / "router.yaml").write_text(text)
        async with running(FileLocations(folder / "router.yaml", None, {})) as live:
            yield live


async def test_it_is_fetched_at_the_start_and_polled_with_its_etag(tmp_path: Path) -> None:
    registry = Registry()
    async with polling(registry, tmp_path) as live:
        await live.until(lambda status: status["ready"])
        assert await live.version() == "v1"
        while len(registry.asked) < 4:
            await asyncio.sleep(0.01)
        assert "if-none-match" not in registry.asked[0]
        assert "if-none-match" in registry.asked[3]
        assert (await live.status())["generation"] == 1
        registry.text = sdl(2)
        await live.until(lambda status: status["generation"] == 2)
        assert await live.version() == "v2"


async def test_the_router_is_not_ready_before_the_first_supergraph(tmp_path: Path) -> None:
    registry = Registry(status=500)
    async with polling(registry, tmp_path) as live:
        status = await live.until(lambda status: bool(status["last_reload"]))
        assert status["last_reload"]["result"] == "refused"
        assert "HTTP status 500" in status["last_reload"]["reason"]
        with capture_logs() as lines:
            answer = await live.client.post({"query": "{ __typename }"})
        assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "SUPERGRAPH_NOT_LOADED", "1")
        summaries = [line for line in lines if line["event"] == "request"]
        assert [(line["status"], line["code"]) for line in summaries] == [(503, "SUPERGRAPH_NOT_LOADED")]
        assert await live.ready() == 503
        registry.status = 200
        await live.until(lambda status: status["ready"])
        assert await live.ready() == 200


@pytest.mark.parametrize("broken", ["type Query {", "type Query { a: Int }"])
async def test_a_broken_supergraph_is_refused_and_the_old_one_kept(tmp_path: Path, broken: str) -> None:
    registry = Registry()
    async with polling(registry, tmp_path) as live:
        await live.until(lambda status: status["ready"])
        registry.text = broken
        status = await live.until(lambda status: status["last_reload"]["result"] == "refused")
        assert "INVALID_FEDERATION_SUPERGRAPH" in status["last_reload"]["reason"]
        assert (await live.version(), await live.ready()) == ("v1", 200)


async def test_a_broken_supergraph_polled_again_is_neither_loaded_nor_logged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, loaded, load = Registry(), list[str](), SupergraphCache.load

    def counting(cache: SupergraphCache, text: str) -> Supergraph:
        loaded.append(text)
        return load(cache, text)

    monkeypatch.setattr(SupergraphCache, "load", counting)
    async with polling(registry, tmp_path) as live:
        await live.until(lambda status: status["ready"])
        good, registry.text = registry.text, "type Query { a: Int }"
        with capture_logs() as lines:
            await live.until(lambda status: status["last_reload"]["result"] == "refused")
            asked = len(registry.asked)
            while len(registry.asked) < asked + 3:
                await asyncio.sleep(0.01)
            registry.text = good
            await live.until(lambda status: status["last_reload"]["result"] == "unchanged")
        assert loaded == [good, "type Query { a: Int }"]
        assert [line["result"] for line in lines if line["event"] == "reload"] == ["refused", "unchanged"]


async def test_the_poll_interval_is_a_setting(tmp_path: Path) -> None:
    registry = Registry()
    async with polling(registry, tmp_path, "poll_interval: 1m") as live:
        await live.until(lambda status: status["ready"])
        await asyncio.sleep(0.1)
        assert len(registry.asked) == 1


async def test_the_request_has_the_headers_of_the_settings(tmp_path: Path) -> None:
    registry = Registry()
    async with polling(registry, tmp_path, "headers: {Authorization: Bearer abc}") as live:
        await live.until(lambda status: status["ready"])
        assert "authorization: bearer abc\r\n" in registry.asked[0]


async def test_a_response_has_a_time_limit(tmp_path: Path) -> None:
    async with polling(Registry(silent=True), tmp_path, "timeout: 10ms") as live:
        status = await live.until(lambda status: bool(status["last_reload"]))
        assert status["last_reload"]["reason"].endswith("no complete response within 0.01 s")


@pytest.mark.parametrize("trusted", [True, False])
async def test_https_needs_a_trusted_certificate_authority(tmp_path: Path, trusted: bool) -> None:  # noqa: FBT001  (a column)
    context, authority = self_signed(tmp_path)
    settings = f"certificate_authority: {authority}" if trusted else "poll_interval: 10s"
    async with polling(Registry(), tmp_path, settings, context) as live:
        status = await live.until(lambda status: bool(status["last_reload"]))
        assert status["ready"] is trusted


async def test_a_url_where_nothing_listens_is_refused() -> None:
    async with running(FileLocations(None, "http://127.0.0.1:9/supergraph?secret=1", {})) as live:
        status = await live.until(lambda status: bool(status["last_reload"]))
        assert status["last_reload"]["reason"].startswith("http://127.0.0.1:9/supergraph: ")
        assert "secret" not in status["last_reload"]["reason"]


async def test_a_reload_can_change_the_source(tmp_path: Path) -> None:
    registry = Registry()
    async with polling(registry, tmp_path) as live:
        await live.until(lambda status: status["ready"])
        (tmp_path / "own.graphql").write_text(sdl(7))
        (tmp_path / "router.yaml").write_text(
            f"introspection: true\nsupergraph: {{file: {tmp_path / 'own.graphql'}}}\n"
        )
        (outcome,) = await live.router.reload()
        assert outcome["result"] == "reloaded"
        assert await live.version() == "v7"
