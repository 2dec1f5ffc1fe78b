from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from router.gateway import Gateway
from router.settings import read
from tests.router.server.asgi_client import AsgiClient
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from router.transport.interface import SubgraphRequest

ME = {"query": "{ me { name } }"}


class Busy:
    """A gateway whose every request waits until `release` is set."""

    def __init__(self, overload: str, more: str = "") -> None:
        self.release = asyncio.Event()
        self.waiting = 0
        settings = read(f"overload: {{{overload}}}\n{more}", {})
        gateway = Gateway.from_supergraph(SDL, settings, send=Shop(before={"people": self._wait}))
        self.overload, self.client = gateway.overload, AsgiClient(gateway.asgi)

    async def _wait(self, _request: SubgraphRequest) -> None:
        self.waiting += 1
        await self.release.wait()

    async def occupied(self, requests: int) -> list[asyncio.Task[int]]:
        """Requests in flight; each gives its status when it ends."""

        async def ask() -> int:
            return (await self.client.post(ME)).status

        tasks = [asyncio.create_task(ask()) for _ in range(requests)]
        async with asyncio.timeout(30):
            while self.waiting < requests:
                await asyncio.sleep(0)
        return tasks

    async def ready(self) -> int:
        response = await self.client.send("GET", "/health/ready")
        assert response is not None
        return response.status


async def test_requests_beyond_the_bound_are_refused_and_the_others_served() -> None:
    busy = Busy("max_requests: 2, retry_after: 3s")
    tasks = await busy.occupied(2)
    with capture_logs() as lines:
        response = await busy.client.post(ME, accept="application/graphql-response+json")
    assert (response.status, response.code, response.headers["retry-after"]) == (503, "ROUTER_OVERLOADED", "3")
    assert response.headers["content-type"].startswith("application/graphql-response+json")
    assert [(line["status"], line["code"]) for line in lines] == [(503, "ROUTER_OVERLOADED")]
    busy.release.set()
    assert await asyncio.gather(*tasks) == [200, 200]
    assert (await busy.client.post(ME)).status == 200


async def test_a_page_that_may_read_responses_may_read_that_one_too() -> None:
    busy = Busy("max_requests: 1, retry_after: 1500ms", "cors: {enabled: true, origins: ['https://app.example']}")
    tasks = await busy.occupied(1)
    page = {"origin": "https://app.example"}
    asked = await busy.client.send("OPTIONS", headers={**page, "access-control-request-method": "POST"})
    response = await busy.client.post(ME, **page)
    assert asked is not None
    assert (asked.status, response.status, response.headers["retry-after"]) == (204, 503, "2")
    assert [each.headers["access-control-allow-origin"] for each in (asked, response)] == ["https://app.example"] * 2
    assert "retry-after" in response.headers["access-control-expose-headers"]
    busy.release.set()
    await asyncio.gather(*tasks)


async def test_without_a_bound_nothing_is_refused() -> None:
    busy = Busy("max_requests: null")
    tasks = await busy.occupied(50)
    busy.release.set()
    assert await asyncio.gather(*tasks) == [200] * 50


@pytest.mark.parametrize(("settings", "expected"), [("unready_after: 3", 503), ("unready_after: 4", 200)])
async def test_many_refusals_in_a_short_time_make_it_unready(settings: str, expected: int) -> None:
    busy = Busy(f"max_requests: 1, {settings}")
    tasks = await busy.occupied(1)
    assert await busy.ready() == 200
    for _ in range(3):
        await busy.client.post(ME)
    assert await busy.ready() == expected
    busy.release.set()
    await asyncio.gather(*tasks)


async def test_it_is_ready_again_when_they_are_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Busy("max_requests: 1, unready_after: 1, window: 600s")
    tasks = await busy.occupied(1)
    await busy.client.post(ME)
    assert await busy.ready() == 503
    now = time.monotonic() + 601
    monkeypatch.setattr("router.server.overload_protection.time.monotonic", lambda: now)
    assert await busy.ready() == 200
    monkeypatch.undo()
    busy.release.set()
    await asyncio.gather(*tasks)


def test_the_settings_decide_when_requests_start() -> None:
    rules = Busy("max_requests: 3, busy_duration: 100ms, max_wait: 2s").overload
    assert (rules.max_requests, rules.busy_duration) == (3, 0.1)
    scope = {"method": "POST", "path": "/graphql", "headers": []}
    assert rules.max_wait(scope) == 2
    assert rules.max_wait({**scope, "headers": [(b"x-request-timeout-ms", b"1500")]}) == 1.5
    assert rules.client_timeout(scope) == math.inf
    assert rules.client_timeout({**scope, "headers": [(b"x-request-timeout-ms", b"9000")]}) == 9
    assert not rules.is_exempt(scope)
    assert rules.is_exempt({**scope, "path": "/health/live"})
    assert rules.is_exempt({**scope, "method": "OPTIONS"})
    assert Busy("busy_duration: null").overload.busy_duration is None
