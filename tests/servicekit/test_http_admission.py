"""Requests that wait or are refused before the application gets them: bytes on real sockets.

Covers `servicekit/http_admission.py` with `servicekit/request_admission.py` and `servicekit/http_protocol.py`.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from servicekit.http_limits import ConnectionLimits
from servicekit.request_admission import Refusal, RequestAdmission
from tests.servicekit.raw_http import GOOD, HOLD, SECONDS, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from servicekit.asgi import Scope
    from tests.servicekit.raw_http import Client

pytestmark = pytest.mark.usefixtures("each_server")

POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n"


class Rules:
    """One request runs, and others wait for a very short time."""

    max_requests: int | None = 1
    busy_duration: float | None = None
    wait = 0.01

    def is_exempt(self, scope: Scope) -> bool:
        return bool(scope["path"] == "/health/live")

    def max_wait(self, scope: Scope) -> float:
        del scope
        return self.wait

    def client_timeout(self, scope: Scope) -> float:
        del scope
        return math.inf

    def refuse(self, scope: Scope) -> Refusal:
        del scope
        return Refusal(BUSY, b"busy")


class Application:
    """Responds with the path. A request for /hold runs until `release` is set."""

    def __init__(self) -> None:
        self.begun, self.release = asyncio.Event(), asyncio.Event()
        self.paths: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["path"])
        while (await receive())["more_body"]:
            pass
        if scope["path"] == "/hold":
            self.begun.set()
            await self.release.wait()
        body = scope["path"].encode()
        length = str(len(body)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": body})


class Served:
    """A server whose only request, that of `holder`, is held."""

    def __init__(
        self, app: Application, admission: RequestAdmission, connect: Callable[[], Awaitable[Client]], holder: Client
    ) -> None:
        self.app, self.admission, self.connect, self.holder = app, admission, connect, holder

    async def waiting(self, count: int) -> None:
        async with asyncio.timeout(SECONDS):
            while self.admission.status()["waiting"] != count:
                await asyncio.sleep(0.001)


@asynccontextmanager
async def held(rules: Rules, limits: ConnectionLimits | None = None) -> AsyncIterator[Served]:
    app, admission = Application(), RequestAdmission(lambda: rules, max_waiting=10)
    async with served(limits or ConnectionLimits(), app, admission) as connect:
        holder = await connect()
        await holder.say(HOLD)
        async with asyncio.timeout(SECONDS):
            await app.begun.wait()
        yield Served(app, admission, connect, holder)
        app.release.set()


class Patient(Rules):
    """Requests wait until the test ends the one that runs."""

    wait = SECONDS


async def refused(client: Client, *, closes: bool = False) -> None:
    end = b"connection: close\r\n\r\n" if closes else b"\r\n"
    assert await client.head() == BUSY + end
    assert await client.reader.readexactly(4) == b"busy"


async def test_a_refused_request_does_not_reach_the_application_and_keeps_the_connection() -> None:
    async with held(Rules()) as server:
        client = await server.connect()
        for sent in (GOOD, POST + b"body", GOOD):
            await client.say(sent)
            await refused(client)
        await client.say(GOOD.replace(b"GET", b"HEAD"))
        assert await client.head() == BUSY + b"\r\n"
        server.app.release.set()
        assert b" 200 " in await server.holder.head()
        await client.say(GOOD)
        assert b" 200 " in await client.head()
        assert server.app.paths == ["/hold", "/"]


async def test_the_body_of_a_refused_request_is_not_the_next_request() -> None:
    async with held(Rules()) as server:
        client = await server.connect()
        await client.say(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(HOLD))
        await refused(client)
        await client.say(HOLD + GOOD)
        await refused(client)
        assert server.app.paths == ["/hold"]


@pytest.mark.parametrize(
    "sent",
    [
        GOOD.replace(b"host", b"connection: close\r\nhost"),
        GOOD.replace(b"1.1", b"1.0"),
        POST.replace(b"host", b"expect: 100-continue\r\nhost"),
    ],
)
async def test_the_connection_of_a_refused_request_is_closed_if_it_has_to_be(sent: bytes) -> None:
    async with held(Rules()) as server:
        client = await server.connect()
        await client.say(sent)
        await refused(client, closes=True)
        assert await client.rest() == b""


async def test_the_number_of_requests_of_a_connection_includes_refused_ones() -> None:
    async with held(Rules(), ConnectionLimits(keep_alive_requests=2)) as server:
        client = await server.connect()
        await client.say(GOOD)
        await refused(client)
        await client.say(GOOD)
        await refused(client, closes=True)


async def test_pipelined_requests_are_admitted_one_after_the_other() -> None:
    async with held(Rules()) as server:
        client = await server.connect()
        await client.say(GOOD * 3)
        for _ in range(3):
            await refused(client)


async def test_a_request_that_waits_is_served_with_its_body() -> None:
    async with held(Patient()) as server:
        client = await server.connect()
        await client.say(POST + b"bo")
        await server.waiting(1)
        await client.say(b"dy")
        server.app.release.set()
        assert b" 200 " in await client.head()
        assert server.admission.running == 0


async def test_a_health_probe_does_not_wait() -> None:
    async with held(Patient()) as server:
        client = await server.connect()
        await client.say(GOOD.replace(b"/ ", b"/health/live "))
        assert b" 200 " in await client.head()


async def test_a_request_whose_client_has_gone_is_not_run() -> None:
    async with held(Patient()) as server:
        gone, client = await server.connect(), await server.connect()
        await gone.say(GOOD.replace(b"/ ", b"/gone "))
        await server.waiting(1)
        gone.writer.close()
        await server.waiting(0)
        await client.say(GOOD)
        await server.waiting(1)
        server.app.release.set()
        assert b" 200 " in await client.head()
        assert server.app.paths == ["/hold", "/"]


async def test_a_body_that_does_not_arrive_in_time_is_refused_while_the_request_waits() -> None:
    async with held(Patient(), ConnectionLimits(request_seconds=0.1)) as server:
        client = await server.connect()
        await client.say(POST + b"bo")
        assert (await client.rest()).startswith(b"HTTP/1.1 408 ")
        assert server.admission.status()["waiting"] == 0
