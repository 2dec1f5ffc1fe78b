"""A router process that has too many requests, on real sockets: who waits, and what a refusal looks like."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from structlog.testing import capture_logs

from servicekit.http_limits import ConnectionLimits
from tests.router.lifecycle.harness import QUICK, running, write
from tests.router.transport.scripted_server import Peer, response, serving
from tests.servicekit.raw_http import SECONDS, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.router.lifecycle.harness import Live
    from tests.servicekit.raw_http import Client

QUERY = json.dumps({"query": "{ me { name } }"}).encode()
DATA = {"data": {"me": {"name": "Ada"}}}
ADA = response(json.dumps(DATA).encode())
PAGE = b"origin: https://app.example\r\n"


def post(headers: bytes = b"") -> bytes:
    return b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n%s" % (
        headers,
        len(QUERY),
        QUERY,
    )


class Busy:
    """A router with one request in a subgraph, which responds after `release`."""

    def __init__(self, live: Live, connect: Callable[[], Awaitable[Client]], release: asyncio.Event) -> None:
        self.live, self.connect, self.release = live, connect, release

    async def send(self, request: bytes) -> Client:
        client = await self.connect()
        await client.say(request)
        return client

    async def until(self, **expected: int | None) -> None:
        def holds(status: Any) -> bool:
            return bool({**status["admission"], **expected} == status["admission"])

        await self.live.until(holds)


@asynccontextmanager
async def busy(folder: Path, settings: str) -> AsyncIterator[Busy]:
    release = asyncio.Event()

    async def slow(peer: Peer) -> None:
        while True:
            await peer.request()
            await release.wait()
            await peer.reply(ADA)

    async with serving(slow) as subgraph:
        files = write(folder, 1, f"{QUICK}override_subgraph_url: {{people: '{subgraph.url}'}}\n{settings}\n")
        async with running(files) as live:
            router = live.router
            async with served(ConnectionLimits(), router.asgi, router.admission) as connect:
                each = Busy(live, connect, release)
                await each.send(post())
                await each.until(running=1)
                yield each
                release.set()
                await each.until(running=0)


async def received(client: Client) -> tuple[int, dict[str, str], Any]:
    status_line, *lines = (await client.head()).decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if line)
    async with asyncio.timeout(SECONDS):
        body = await client.reader.readexactly(int(headers["content-length"]))
    return int(status_line.split()[1]), headers, json.loads(body)


async def test_a_request_that_waits_too_long_is_refused_as_the_client_can_read_it(tmp_path: Path) -> None:
    settings = (
        "overload: {max_requests: 1, max_wait: 50ms, retry_after: 3s, unready_after: 1}\n"
        "cors: {enabled: true, origins: ['https://app.example']}"
    )
    async with busy(tmp_path, settings) as router:
        with capture_logs() as lines:
            client = await router.send(post(PAGE + b"accept: application/graphql-response+json\r\n"))
            status, headers, body = await received(client)
        assert (status, body["errors"][0]["extensions"]["code"]) == (503, "ROUTER_OVERLOADED")
        assert headers["content-type"].startswith("application/graphql-response+json")
        assert headers["retry-after"] == "3"
        assert headers["access-control-allow-origin"] == "https://app.example"
        assert "request" not in {line["event"] for line in lines}
        refused = (await router.live.status())["refused"]
        assert (refused, await router.live.ready()) == (1, 503)
        router.release.set()
        await client.say(post())
        assert (await received(client))[2] == DATA


async def test_a_preflight_and_a_health_probe_do_not_wait(tmp_path: Path) -> None:
    settings = "overload: {max_requests: 1, max_wait: 60s}\ncors: {enabled: true, origins: ['https://app.example']}"
    async with busy(tmp_path, settings) as router:
        asked = b"OPTIONS /graphql HTTP/1.1\r\nhost: x\r\n" + PAGE + b"access-control-request-method: POST\r\n\r\n"
        assert b" 204 " in await (await router.send(asked)).head()
        assert b" 200 " in await (await router.send(b"GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n")).head()


async def test_a_reload_that_raises_the_limit_starts_requests_that_wait(tmp_path: Path) -> None:
    async with busy(tmp_path, "overload: {max_requests: 1, max_wait: 60s}") as router:
        await router.send(post())
        await router.until(waiting=1)
        write(tmp_path, 1, (tmp_path / "router.yaml").read_text().replace("max_requests: 1", "max_requests: 2"))
        await router.live.router.reload()
        await router.until(running=2, waiting=0)


async def test_a_request_waits_no_longer_than_its_client(tmp_path: Path) -> None:
    async with busy(tmp_path, "overload: {max_requests: 1, max_wait: 60s}") as router:
        hasty = await router.send(post(b"x-request-timeout-ms: 50\r\n"))
        assert (await received(hasty))[0] == 503


async def test_the_time_that_a_request_has_waited_counts_for_its_deadline_and_its_log_line(tmp_path: Path) -> None:
    async with busy(tmp_path, "overload: {max_requests: 1, max_wait: 60s}") as router:
        client = await router.send(post(b"x-request-timeout-ms: 60000\r\n"))
        await router.until(waiting=1)
        await asyncio.sleep(0.2)
        with capture_logs() as lines:
            router.release.set()
            assert (await received(client))[0] == 200
            await router.until(running=0)
        durations = [line["ms"] for line in lines if line["event"] == "request"]
        assert len(durations) == 2
        assert min(durations) >= 200
