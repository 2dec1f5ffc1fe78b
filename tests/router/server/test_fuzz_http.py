"""Thousands of malformed requests: never a 5xx, nothing leaks, the next client is served.

The sample has a fixed seed. `--http-fuzz-requests=50000` is the long run, by hand.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.router.cli.test_cli import Running, serving
from tests.router.server.http_fuzz import BODY_LIMIT, GOOD, Case, draw
from tests.router.shop import SDL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEED = 20_261_124
# How long the server may be silent before the next request goes out; what it would say later is about this one.
SILENCE = 0.02
SECONDS = 20
SETTINGS = f"""
server: {{port: 0, http_server: SERVER, head_timeout: 2s}}
introspection: true
limits: {{body_bytes: {BODY_LIMIT}}}
traffic: {{request_timeout: 2s}}
batching: {{enabled: true}}
"""


@pytest.fixture(params=["built_in", "uvicorn"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "supergraph.graphql").write_text(SDL)
    (tmp_path / "router.yaml").write_text(SETTINGS.replace("SERVER", request.param))
    with serving(tmp_path, "--config", "router.yaml") as running:
        yield running


class Wire:
    """A client without manners, and beside it one with."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def said_to(self, case: Case) -> bytes:
        """What the server says to a case, until it closes or falls silent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        received = b""
        try:
            for part in case.parts:
                if writer.transport.is_closing():
                    break  # the server has heard enough
                writer.write(part)
                if len(case.parts) > 1:
                    await asyncio.sleep(0)
            await writer.drain()
            if case.closes == "at once":
                return b""
            if case.closes == "half":
                writer.write_eof()
            async with asyncio.timeout(SECONDS):
                while data := await asyncio.wait_for(reader.read(1 << 16), SILENCE):
                    received += data
        except (TimeoutError, OSError):
            pass  # silence and a reset are responses too
        finally:
            await closed(writer)
        return received

    async def serves(self) -> bool:
        """Whether a good request gets a response on a new connection."""
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(GOOD)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(len(b'{"data":{"__typename":"Query"}}'))
            await closed(writer)
        return head.startswith(b"HTTP/1.1 200 ") and body == b'{"data":{"__typename":"Query"}}'

    async def hang(self) -> asyncio.StreamWriter:
        """Begin a request and never end it."""
        _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(GOOD[: random.randrange(1, len(GOOD))])  # the test seeded it
        return writer


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


async def test_bad_requests_break_nothing_and_leak_nothing(running: Running, pytestconfig: pytest.Config) -> None:
    count: int = pytestconfig.getoption("http_fuzz_requests")
    random.seed(SEED)
    source = random.Random(SEED)
    wire = Wire(int(str(running.event("listening")["port"])))
    process = psutil.Process(running.process.pid)

    async def many(cases: int) -> None:
        for number in range(cases):
            case = draw(source)
            received = await wire.said_to(case)
            assert b"HTTP/1.1 5" not in received, (number, case.sent[:2_000], received[:2_000])
            assert b"Traceback" not in received, (number, case.sent[:2_000])
            assert await wire.serves(), (number, case.sent[:2_000])

    await many(100)  # everything was done once: caches have entries, pools have memory
    descriptors, memory = process.num_fds(), process.memory_info().rss
    hanging = [await wire.hang() for _ in range(20)]
    await many(count)
    for writer in hanging:
        await closed(writer)

    async with asyncio.timeout(SECONDS):
        while process.num_fds() > descriptors:
            await asyncio.sleep(0.05)
    assert process.memory_info().rss < memory + 15_000_000
    assert running.process.poll() is None
    broken = [line for line in logged(running) if line.get("level") == "error" or "exception" in line]
    assert not broken, (len(broken), broken[0])


def logged(running: Running) -> list[dict[str, object]]:
    """Every line until now."""
    lines = []
    while not running.lines.empty():
        lines.append(running.lines.get())
    return lines


async def test_clients_that_trickle_or_stop_midway_hold_nobody_up_and_are_let_go(running: Running) -> None:
    wire = Wire(int(str(running.event("listening")["port"])))
    process = psutil.Process(running.process.pid)
    assert await wire.serves()
    before = process.num_fds()
    hanging = [await wire.hang() for _ in range(50)]
    assert await wire.serves()
    async with asyncio.timeout(SECONDS):
        while process.num_fds() > before:
            await asyncio.sleep(0.05)
    for writer in hanging:
        await closed(writer)
