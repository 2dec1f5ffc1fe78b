from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from structlog.testing import capture_logs

from servicekit import health
from servicekit.errors import StoreFailure
from servicekit.health import HealthEndpoints, NotReady

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from servicekit.asgi import Receive, Scope, Send


async def teapot(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def passes() -> None:
    await asyncio.sleep(0)


async def fails() -> None:
    raise OSError("disk on fire at /var/secret")


async def hangs() -> None:
    await asyncio.Event().wait()


async def request(method: str, path: str, **checks: Callable[[], Awaitable[object]]) -> httpx.Response:
    app = HealthEndpoints(teapot, checks)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.request(method, path)


async def test_liveness_ignores_the_checks() -> None:
    response = await request("GET", "/health/live", store=fails)
    assert (response.status_code, response.json()) == (200, {"status": "live"})
    assert response.headers["cache-control"] == "no-store"


async def test_ready_when_every_check_passes() -> None:
    response = await request("GET", "/health/ready", store=passes, bus=passes)
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


async def test_details_are_shown_beside_the_result() -> None:
    async def details() -> dict[str, object]:
        return {"queue": 3}

    for check, expected in ((passes, {"status": "ready"}), (fails, {"status": "not ready", "failing": ["store"]})):
        app = HealthEndpoints(teapot, {"store": check}, details)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            assert (await client.get("/health/ready")).json() == {**expected, "queue": 3}


async def test_not_ready_names_the_failing_checks_and_logs_the_reason() -> None:
    with capture_logs() as lines:
        response = await request("GET", "/health/ready", store=fails, bus=passes)
    assert (response.status_code, response.json()) == (503, {"status": "not ready", "failing": ["store"]})
    assert [line["check"] for line in lines] == ["store"]


async def test_a_check_that_hangs_counts_as_failing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.01)
    response = await request("GET", "/health/ready", store=hangs)
    assert (response.status_code, response.json()["failing"]) == (503, ["store"])


async def test_head_has_the_headers_of_get_and_no_body() -> None:
    response = await request("HEAD", "/health/live")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) == len('{"status": "live"}')


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_other_methods_are_refused(path: str) -> None:
    response = await request("POST", path)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", "/health", "/health/live/", "/graphql"])
async def test_everything_else_reaches_the_application(path: str) -> None:
    assert (await request("GET", path)).status_code == 418


async def test_a_check_that_knows_its_reason_leaves_no_traceback() -> None:
    async def drains() -> None:
        raise NotReady("two of three are away")

    with capture_logs() as lines:
        assert (await request("GET", "/health/ready", fleet=drains)).status_code == 503
    assert [(line["check"], line["reason"], "exc_info" in line) for line in lines] == [
        ("fleet", "two of three are away", False)
    ]


async def test_probes_at_the_same_time_share_one_run_of_the_checks() -> None:
    """A check may write to a disk, so a flood of probes must not."""
    runs, gate = 0, asyncio.Event()

    async def store() -> None:
        nonlocal runs
        runs += 1
        await gate.wait()

    endpoints, arrived = HealthEndpoints(teapot, {"store": store}), 0

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        nonlocal arrived
        arrived += 1
        await endpoints(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=counted), base_url="http://x") as client:
        probes = [asyncio.ensure_future(client.get("/health/ready")) for _ in range(20)]
        while arrived < 20:
            await asyncio.sleep(0)
        gate.set()
        assert {(await probe).status_code for probe in probes} == {200}
        assert runs == 1
        assert (await client.get("/health/ready")).status_code == 200
        assert runs == 2


async def test_a_store_that_fails_is_explained_in_the_log_only() -> None:
    async def store() -> None:
        raise StoreFailure("the database /data/x.sqlite3 is damaged")

    with capture_logs() as lines:
        response = await request("GET", "/health/ready", store=store)
    assert response.json() == {"status": "not ready", "failing": ["store"]}
    assert [line["reason"] for line in lines] == ["the database /data/x.sqlite3 is damaged"]
