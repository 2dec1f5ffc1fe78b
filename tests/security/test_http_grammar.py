"""Hostile HTTP on all five ports: never a 5xx, nothing smuggled, memory flat, honest clients are served.

The sample has a fixed seed. `--hostile-requests=50000` is the long run, by hand.
"""

from __future__ import annotations

import asyncio
import gzip
import random
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.e2e.platform import start_platform
from tests.security.hostile_http import GRAPHQL_BODY, SMUGGLED, Case, HostileRequests, statuses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from tests.e2e.platform import Person, Platform

SEED = 20_261_129
# Above this number of requests, the run is one by hand, on a machine that does nothing else.
BY_HAND = 10_000
# How long a server may be silent before the next request is sent.
SILENCE = 0.03
SECONDS = 20
AT_ONCE = 3
MEMORY_GROWTH = 20_000_000
PATHS: Mapping[str, bytes] = {
    "AUTH_PORT": b"/graphql",
    "ACCOUNT_PORT": b"/graphql",
    "TRANSACTION_PORT": b"/graphql",
    "ROUTER_PORT": b"/graphql",
    "REST_PORT": b"/api/auth/login",
}
PORTS = tuple(PATHS)
REST_PATHS = (
    b"/api/auth/login",
    b"/api/auth/refresh",
    b"/api/auth/me",
    b"/api/accounts",
    b"/api/accounts?limit=2&cursor=%ff",
    b"/api/transactions",
    b"/api/transactions/transfer",
    b"/api/accounts/6560d1b2c3d4e5f601234567",
    b"/openapi.json",
)
SERVED: Mapping[str, tuple[bytes, ...]] = {
    "AUTH_PORT": (b"/graphql", b"/.well-known/jwks.json"),
    "ACCOUNT_PORT": (b"/graphql", b"/internal/postings", b"/internal/parties"),
    "TRANSACTION_PORT": (b"/graphql",),
    "ROUTER_PORT": (b"/graphql",),
    "REST_PORT": REST_PATHS,
}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = start_platform(tmp_path_factory.mktemp("attacked"), SUBGRAPH_SIGNATURES="off")
    yield platform
    assert platform.stop() == 0, "\n".join(platform.lines[-20:])


@pytest.fixture(scope="module")
def person(attacked: Platform) -> Person:
    return attacked.register()


pytestmark = pytest.mark.xdist_group("hostile-http")


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def answer(port: int, *parts: bytes, closes: str = "whole", silence: float = SECONDS) -> tuple[bytes, bool]:
    """What a port sends until it closes the connection or falls silent, and whether the answer may be cut."""
    received = b""
    async with connected(port) as (reader, writer):
        try:
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0)
            await writer.drain()
            if closes == "at once":
                return b"", True
            if closes == "half":
                writer.write_eof()
            while data := await asyncio.wait_for(reader.read(1 << 16), silence):
                received += data
        except (TimeoutError, OSError):
            return received, True
    return received, closes == "half"


def request(path: bytes, *lines: bytes, body: bytes = GRAPHQL_BODY, host: bytes = b"host: x\r\n") -> bytes:
    fields = b"".join(line + b"\r\n" for line in (b"connection: close", b"content-type: application/json", *lines))
    return b"POST %s HTTP/1.1\r\n%s%scontent-length: %d\r\n\r\n%s" % (path, host, fields, len(body), body)


class Honest:
    """Sends an honest request to a port again and again, and keeps the longest time to a response."""

    def __init__(self, port: int, sent: bytes) -> None:
        self._port, self._sent = port, sent
        self.longest = 0.0
        self.count = 0

    async def run(self) -> None:
        while True:
            began = time.perf_counter()
            received, _ = await answer(self._port, self._sent)
            assert received.startswith(b"HTTP/1.1 200 "), received[:300]
            self.longest = max(self.longest, time.perf_counter() - began)
            self.count += 1
            await asyncio.sleep(0.1)


async def test_hostile_requests_break_nothing(attacked: Platform, person: Person, pytestconfig: pytest.Config) -> None:
    count: int = pytestconfig.getoption("hostile_requests")
    ports = {name: attacked.ports[name] for name in PORTS}
    token = person.headers["authorization"].encode()
    me = b"GET /api/auth/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: " + token + b"\r\n\r\n"
    honest = {name: Honest(port, me if name == "REST_PORT" else request(PATHS[name])) for name, port in ports.items()}
    seen: dict[str, int] = {}

    async def attack(name: str, seed: int, cases: int) -> None:
        requests = HostileRequests(random.Random(seed), SERVED[name], token)
        for _ in range(cases):
            case = requests.draw()
            check(name, case, *await answer(ports[name], *case.parts, closes=case.closes, silence=SILENCE))

    def check(name: str, case: Case, received: bytes, cut: bool) -> None:  # noqa: FBT001  (the result of `answer`)
        is_head = b"HEAD" in case.sent
        for status in statuses(received, may_be_cut=cut or is_head):
            assert status < 500, (name, case.kind, case.sent[:2_000], received[:2_000])
            seen[f"{status // 100}xx"] = seen.get(f"{status // 100}xx", 0) + 1
        assert SMUGGLED.encode() not in received.lower(), (name, case.kind, case.sent[:2_000], received[:2_000])
        assert b"Traceback" not in received

    async def attack_all(seed: int, cases: int) -> None:
        each = -(-cases // len(ports) // AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for index, name in enumerate(ports):
                for worker in range(AT_ONCE):
                    tasks.create_task(attack(name, seed + 100 * index + worker, each))

    await attack_all(SEED, max(300, count // 10))  # everything was done once: caches have entries, pools have memory
    before = memory(attacked)
    probes = [asyncio.create_task(each.run()) for each in honest.values()]
    await attack_all(SEED + 1_000, count)
    for probe in probes:
        probe.cancel()
    for result in await asyncio.gather(*probes, return_exceptions=True):
        assert isinstance(result, asyncio.CancelledError), result
    after = memory(attacked)
    growth = {process: round((after[process] - size) / 1e6, 1) for process, size in before.items()}
    longest = {name: round(each.longest, 3) for name, each in honest.items()}
    print(seen, growth, longest)  # noqa: T201  (figures of a run by hand)
    assert max(growth.values()) * 1e6 < MEMORY_GROWTH, growth
    assert all(each.count for each in honest.values())
    # Otherwise, the other tests decide how long a request takes, and the time limit of `answer` is enough.
    assert count < BY_HAND or max(longest.values()) <= 1.0, longest
    lines = list(attacked.lines)
    assert not [line for line in lines if SMUGGLED in line]
    assert not [line for line in lines if '"level": "error"' in line or "Traceback" in line]
    assert not [line for line in lines if "ann@example.com" in line or "forged" in line]


def memory(platform: Platform) -> dict[int, int]:
    """The resident memory of each process in bytes."""
    return {child.pid: child.memory_info().rss for child in psutil.Process(platform.process.pid).children()}


@pytest.mark.parametrize("name", PORTS)
@pytest.mark.parametrize(
    ("host", "lines", "status"),
    [
        pytest.param(b"", (), 400, id="no Host"),
        pytest.param(b"host: x\r\nhost: x\r\n", (), 400, id="two Hosts"),
        pytest.param(b"host: a b\r\n", (), 400, id="an invalid Host"),
        pytest.param(b"host: x\r\n", (b"authorization: Bearer a", b"authorization: Bearer a"), 400, id="two tokens"),
        pytest.param(b"host: x\r\n", (b"content-encoding: gzip",), 415, id="a content coding"),
    ],
)
async def test_every_port_refuses(
    attacked: Platform, name: str, host: bytes, lines: tuple[bytes, ...], status: int
) -> None:
    body = gzip.compress(GRAPHQL_BODY) if status == 415 else GRAPHQL_BODY
    received, _ = await answer(attacked.ports[name], request(PATHS[name], *lines, body=body, host=host))
    assert statuses(received, may_be_cut=False) == [status], received[:300]


@pytest.mark.parametrize("name", PORTS)
@pytest.mark.parametrize("value", [b"Bearer \xc3\xa9", b"Bearer \xff", b"\xff", b"Bearer a.\xe9.c", b"Basic \xe9"])
async def test_a_token_that_is_not_ascii_is_no_token(attacked: Platform, name: str, value: bytes) -> None:
    """It was 500."""
    line = b"authorization: " + value
    if name == "REST_PORT":
        sent = b"GET /api/auth/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + line + b"\r\n\r\n"
    else:
        sent = request(PATHS[name], line)
    received, _ = await answer(attacked.ports[name], sent)
    assert statuses(received, may_be_cut=False) == [401 if name == "REST_PORT" else 200]


async def test_a_token_in_a_trailer_is_no_token(attacked: Platform, person: Person) -> None:
    """Trailers were merged into the headers."""
    token = person.headers["authorization"].encode()
    head = b"GET /api/auth/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    received, _ = await answer(attacked.ports["REST_PORT"], head + b"0\r\nauthorization: " + token + b"\r\n\r\n")
    assert statuses(received, may_be_cut=False) == [401]


@pytest.mark.parametrize("name", PORTS)
async def test_trailers_without_end_are_refused(attacked: Platform, name: str) -> None:
    """Router and REST layer grew by 1.5 GB in two seconds on one connection."""
    before = memory(attacked)
    # Without a media type the answer could be 415 before the trailers are read.
    lines = b"host: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    head = b"POST " + PATHS[name] + b" HTTP/1.1\r\n" + lines + b"0\r\n"
    received, _ = await answer(attacked.ports[name], head, *(b"x: " + b"y" * 60_000 + b"\r\n",) * 100)
    assert received == b"" or statuses(received, may_be_cut=False) == [431]
    after = memory(attacked)
    assert all(after[process] - size < MEMORY_GROWTH for process, size in before.items())


async def test_silent_connections_hold_nobody_up(attacked: Platform) -> None:
    for name in PORTS:
        silent = [await asyncio.open_connection("127.0.0.1", attacked.ports[name]) for _ in range(150)]
        for index, (_, writer) in enumerate(silent):
            writer.write(request(PATHS[name])[: index % 60])
        async with asyncio.timeout(SECONDS):
            received, _ = await answer(attacked.ports[name], request(PATHS[name]))
        assert statuses(received, may_be_cut=False)[0] < 500
        for _, writer in silent:
            writer.transport.abort()
