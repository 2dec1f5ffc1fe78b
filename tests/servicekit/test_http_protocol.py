"""Bytes on real sockets, against uvicorn with our protocol.

Covers `servicekit/http_protocol.py` and `servicekit/http_limits.py`.
"""

from __future__ import annotations

import asyncio
import tomllib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from servicekit.http_limits import MAX_DISCARDED, MAX_PIPELINED, ConnectionLimits
from tests.reference_cycles import reference_cycles
from tests.servicekit.processes import ROOT
from tests.servicekit.raw_http import BIG, GOOD, HOLD, SECONDS, SHORT, Holding, served

if TYPE_CHECKING:
    from tests.servicekit.raw_http import Client

pytestmark = pytest.mark.usefixtures("each_server")


@pytest.mark.parametrize(("sent", "status"), [(GOOD[:10], 408), (b"GET /" + b"x" * 300, 431)])
async def test_a_refused_head_is_logged(sent: bytes, status: int) -> None:
    async with served(ConnectionLimits(head_seconds=SHORT, head_bytes=200)) as connect:
        client = await connect()
        with capture_logs() as lines:
            await client.say(sent)
            await client.rest()
    assert [(line["event"], line["status"]) for line in lines] == [("request refused", status)]


async def test_a_head_that_does_not_end_gets_408() -> None:
    async with served(ConnectionLimits(head_seconds=SHORT)) as connect:
        client = await connect()
        await client.say(GOOD[:-2])
        response = await client.rest()
        assert response.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b"connection: close" in response


async def test_slow_bytes_do_not_extend_the_time() -> None:
    async with served(ConnectionLimits(head_seconds=2 * SHORT)) as connect:
        client = await connect()
        response = asyncio.ensure_future(client.rest())
        while not response.done():
            client.writer.write(b"x")
            await asyncio.wait([response], timeout=SHORT / 5)
        assert response.result().startswith(b"HTTP/1.1 4")


async def test_a_later_head_on_the_same_connection_is_limited_too() -> None:
    async with served(ConnectionLimits(head_seconds=SHORT)) as connect:
        client = await connect()
        await client.say(GOOD)
        assert b" 200 " in await client.head()
        await client.say(b"GET /")
        assert (await client.rest()).startswith(b"HTTP/1.1 408 ")


async def test_an_unused_connection_is_closed_without_a_response() -> None:
    async with served(ConnectionLimits(head_seconds=SHORT)) as connect:
        assert await (await connect()).rest() == b""


async def test_a_head_in_time_gets_a_response_and_stays_connected() -> None:
    async with served(ConnectionLimits(head_seconds=SHORT)) as connect:
        client = await connect()
        await client.say(GOOD[:10])
        await client.say(GOOD[10:])
        assert b" 200 " in await client.head()
        await asyncio.sleep(2 * SHORT)  # longer than a head may take, because idle time has its own limit
        await client.say(GOOD)
        assert b" 200 " in await client.head()


async def test_a_body_may_take_longer_than_a_head() -> None:
    async with served(ConnectionLimits(head_seconds=SHORT)) as connect:
        client = await connect()
        await client.say(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\na")
        await asyncio.sleep(2 * SHORT)
        await client.say(b"b")
        assert b" 200 " in await client.head()
        assert await client.reader.readexactly(2) == b"ab"


async def test_half_a_head_after_a_request_does_not_change_its_response() -> None:
    async with served(ConnectionLimits(head_seconds=SHORT)) as connect:
        client = await connect()
        await client.say(GOOD.replace(b"/ ", b"/slow "))
        await client.say(b"GET / HT")
        response = await client.rest()
        assert response.startswith(b"HTTP/1.1 200 ")
        assert response.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("parts", [1, 7])
@pytest.mark.parametrize("where", ["url", "header", "headers", "endless"])
async def test_a_head_that_is_too_large_gets_431(parts: int, where: str) -> None:
    much = b"a" * 3_000
    head = {
        "url": GOOD.replace(b"/ ", b"/" + much + b" "),
        "header": GOOD.replace(b"host: x", b"host: x\r\na: " + much),
        "headers": GOOD.replace(b"host: x", b"host: x" + b"\r\na: bcdefgh" * 200),
        "endless": GOOD[:-2] + b"a: " + much,
    }[where]
    async with served(ConnectionLimits(head_bytes=1_000)) as connect:
        client = await connect()
        size = len(head) // parts + 1
        for start in range(0, len(head), size):
            await client.say(head[start : start + size])
        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


async def test_the_size_of_a_body_does_not_count_for_the_head() -> None:
    async with served(ConnectionLimits(head_bytes=1_000)) as connect:
        client = await connect()
        for _ in range(3):
            await client.say(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n" + b"b" * 5_000)
            assert b" 200 " in await client.head()
            assert len(await client.reader.readexactly(5_000)) == 5_000


async def test_an_endless_head_after_a_request_does_not_change_its_response() -> None:
    app = Holding()
    async with served(ConnectionLimits(head_bytes=1_000), app) as connect:
        client = await connect()
        await client.say(HOLD)
        await app.holds(1)
        await client.say(b"GET /" + b"a" * 2_000)
        await asyncio.sleep(SHORT)  # in which the server reads it
        app.release.set()
        response = await client.rest()
        assert response.startswith(b"HTTP/1.1 200 ")
        assert response.count(b"HTTP/1.1") == 1


async def test_bytes_that_are_not_http_after_a_request_do_not_change_its_response() -> None:
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        await client.say(GOOD.replace(b"/ ", b"/slow ") + b"\x16\x03\x01\r\n\r\n")
        response = await client.rest()
        assert response.startswith(b"HTTP/1.1 200 ")
        assert response.count(b"HTTP/1.1") == 1


async def test_a_malformed_body_gets_400() -> None:
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        await client.say(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")


async def test_an_idle_connection_is_closed() -> None:
    async with served(ConnectionLimits(keep_alive_seconds=SHORT)) as connect:
        client = await connect()
        await client.say(GOOD)
        assert b" 200 " in await client.head()
        assert await client.rest() == b""


async def test_a_connection_is_closed_after_a_number_of_requests() -> None:
    async with served(ConnectionLimits(keep_alive_requests=2)) as connect:
        client = await connect()
        await client.say(GOOD)
        assert b"connection: close" not in await client.head()
        await client.say(GOOD)
        assert b"connection: close" in await client.head()
        assert await client.rest() == b""


async def test_a_response_that_the_client_does_not_read_is_discarded() -> None:
    async with served(ConnectionLimits(keep_alive_seconds=SHORT)) as connect:
        client = await connect()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # the loop's transports can
        await client.say(GOOD.replace(b"/ ", b"/big "))
        await asyncio.sleep(5 * SHORT)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above
        async with asyncio.timeout(SECONDS):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await client.reader.readexactly(BIG)


POST = b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"


async def test_a_body_has_one_deadline_with_its_head() -> None:
    """A byte now and then does not extend the time: a slow body held a connection without end."""
    async with served(ConnectionLimits(request_seconds=3 * SHORT)) as connect:
        client = await connect()
        await client.say(POST % (b"/", 1_000_000))
        response = asyncio.ensure_future(client.rest())
        while not response.done():
            client.writer.write(b"x")
            await asyncio.wait([response], timeout=SHORT / 5)
        assert response.result().startswith(b"HTTP/1.1 408 ")


async def test_the_application_learns_that_the_time_of_a_body_is_over() -> None:
    gone: list[str] = []

    async def app(_scope: object, receive: Any, _send: object) -> None:
        while (message := await receive())["type"] == "http.request":
            pass
        gone.append(message["type"])

    async with served(ConnectionLimits(request_seconds=SHORT), app) as connect:
        client = await connect()
        await client.say(POST % (b"/", 10))
        assert (await client.rest()).startswith(b"HTTP/1.1 408 ")
        assert gone == ["http.disconnect"]


async def test_a_body_after_an_early_response_has_the_same_deadline() -> None:
    async with served(ConnectionLimits(request_seconds=3 * SHORT)) as connect:
        client = await connect()
        await client.say(POST % (b"/early", 1_000_000))
        assert b" 404 " in await client.head()
        end = asyncio.ensure_future(client.rest_before_reset())
        while not end.done():
            client.writer.write(b"x")
            await asyncio.wait([end], timeout=SHORT / 5)
        assert end.result() == b""


async def test_a_body_after_an_early_response_is_discarded_up_to_a_limit() -> None:
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        await client.say(POST % (b"/early", 1_000) + b"x" * 1_000 + GOOD)
        assert b" 404 " in await client.head()
        assert b" 200 " in await client.head()
        await client.say(POST % (b"/early", 10 * MAX_DISCARDED))
        assert b" 404 " in await client.head()
        await client.say_until_closed(b"x" * 65_536)


async def test_a_connection_is_idle_after_a_body_that_followed_its_response() -> None:
    async with served(ConnectionLimits(keep_alive_seconds=2 * SHORT)) as connect:
        client = await connect()
        await client.say(POST % (b"/early", 10))
        assert b" 404 " in await client.head()
        await client.say(b"x" * 10)
        assert await client.rest() == b""


async def test_a_client_gets_the_refusal_of_what_it_still_sends() -> None:
    """The server reads on for a while; closing with unread input would discard the response in the client's system."""
    async with served(ConnectionLimits(head_bytes=1_000)) as connect:
        client = await connect()
        await client.say(b"GET /" + b"a" * 2_000)
        for _ in range(20):
            await client.say(b"a" * 20_000)
        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("first", [b"", GOOD])
async def test_empty_lines_do_not_keep_a_connection_open(first: bytes) -> None:
    """An empty line stopped the idle timer, and no other timer began."""
    async with served(ConnectionLimits(head_seconds=2 * SHORT, keep_alive_seconds=2 * SHORT)) as connect:
        client = await connect()
        await client.say(first)
        end = asyncio.ensure_future(client.rest_before_reset())
        while not end.done():
            client.writer.write(b"\r\n")
            await asyncio.wait([end], timeout=SHORT / 5)
        assert end.result().count(b"HTTP/1.1") == (1 if first else 0)


async def test_endless_empty_lines_are_limited_in_size() -> None:
    async with served(ConnectionLimits(head_bytes=1_000)) as connect:
        client = await connect()
        await client.say(b"\r\n" * 2_000)
        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


async def test_few_requests_wait_on_a_connection() -> None:
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        await client.say(GOOD.replace(b"/ ", b"/slow ") + GOOD * MAX_PIPELINED)
        for _ in range(1 + MAX_PIPELINED):
            assert b" 200 " in await client.head()
        await client.say(GOOD.replace(b"/ ", b"/slow ") + GOOD * 1_000)
        assert (await client.rest()).count(b"HTTP/1.1") <= 1 + MAX_PIPELINED


async def test_no_more_is_read_while_requests_wait() -> None:
    """A request that asks for messages resumed reading, and so others queued without limit."""
    running = asyncio.Event()

    async def app(_scope: object, receive: Any, send: Any) -> None:
        running.set()
        for _ in range(2):
            await receive()  # the second one waits until the client disconnects
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async with served(ConnectionLimits(), app) as connect:
        client = await connect()
        await client.say(GOOD + GOOD)
        await running.wait()
        head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n"
        with pytest.raises(TimeoutError):  # the buffers of the sockets are full
            await asyncio.wait_for(client.say(head + b"x" * 50_000_000), 1)


async def test_all_requests_of_a_connection_learn_that_the_client_left() -> None:
    """uvicorn tells only the last request of a pipeline."""
    gone = asyncio.Event()

    async def app(_scope: object, receive: Any, _send: object) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    async with served(ConnectionLimits(), app) as connect:
        client = await connect()
        await client.say(GOOD + GOOD[:20])
        client.writer.transport.abort()
        async with asyncio.timeout(SECONDS):
            await gone.wait()


async def test_a_response_that_is_never_read_is_discarded_whatever_the_client_sends() -> None:
    async with served(ConnectionLimits(keep_alive_seconds=3 * SHORT)) as connect:
        client = await connect()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # the loop's transports can
        await client.say(GOOD.replace(b"/ ", b"/big "))
        await client.say_until_closed(b"\r\n", pause=SHORT / 5)


async def test_a_closing_connection_does_not_wait_for_its_client() -> None:
    async with served(ConnectionLimits(keep_alive_seconds=3 * SHORT, keep_alive_requests=1)) as connect:
        client = await connect()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # the loop's transports can
        await client.say(GOOD.replace(b"/ ", b"/big "))
        await asyncio.sleep(10 * SHORT)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above
        async with asyncio.timeout(SECONDS):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await client.reader.readexactly(BIG)


async def test_the_client_that_is_silent_for_the_longest_time_makes_room_for_a_new_one() -> None:
    async with served(ConnectionLimits(max_connections=3)) as connect:
        silent: list[Client] = [await connect() for _ in range(3)]
        for _ in range(10):
            honest = await connect()
            await honest.say(GOOD)
            assert b" 200 " in await honest.head()
        for client in silent:
            with suppress(ConnectionError):
                assert await client.rest() == b""


async def test_a_new_client_is_refused_while_all_others_are_served() -> None:
    app = Holding()
    async with served(ConnectionLimits(max_connections=2), app) as connect:
        busy = [await connect() for _ in range(2)]
        for client in busy:
            await client.say(HOLD)
        await app.holds(2)
        response = await (await connect()).rest()
        assert response.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in response
        app.release.set()
        for client in busy:
            assert b" 200 " in await client.head()


async def test_a_client_of_http_1_0_gets_no_interim_response() -> None:
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        await client.say(b"POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\na")
        assert (await client.rest()).startswith(b"HTTP/1.1 200 ")


def test_uvicorn_has_an_upper_bound() -> None:
    """Its protocol class, which this project extends, is private."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (requirement,) = (each for each in project["dependencies"] if each.startswith("uvicorn"))
    assert "<" in requirement


async def test_a_closed_connection_leaves_no_reference_cycles() -> None:
    async with served(ConnectionLimits()) as connect:
        with reference_cycles("servicekit.", "uvicorn.", "httptools.") as left:
            client = await connect()
            await client.say(GOOD.replace(b"host: x\r\n", b"host: x\r\nconnection: close\r\n"))
            assert (await client.rest()).startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(0)  # the event loop reports the end of the connection in its next step
        assert left == {}
