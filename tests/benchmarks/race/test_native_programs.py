"""`replay` and `load`, compiled and running: benchmarks/race/native."""

from __future__ import annotations

import os
import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from benchmarks.race import native_programs
from benchmarks.race.http_request import send
from benchmarks.race.native_programs import Arrivals, Recorded, Replay, load, write_recording, write_requests
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(os.environ.get("CI") != "true" and shutil.which("cc") is None, reason="no C compiler"),
    pytest.mark.xdist_group("native programs"),
]
RECORDS = [
    Recorded("/products", b'{"query":"{ a }"}', 200, b'{"data":{"a":"1\\u00e9\\n"}}'),
    Recorded("/products", b'{"query":"{ b }"}', 200, b"x" * 300_000),
    Recorded("/reviews", b'{"query":"{ a }"}', 503, b"{}"),
    Recorded("/reviews", b"v" * 200_000, 200, b'{"data":{}}'),
]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    write_recording(tmp_path / "recording", RECORDS)
    return tmp_path / "recording"


@pytest.fixture
def replay(recording: Path) -> Iterator[Replay]:
    with Replay.start(free_port(), recording) as running:
        yield running


def test_recorded_requests_are_answered_as_recorded(replay: Replay) -> None:
    for each in RECORDS:
        assert send(replay.port, each.path, each.body) == (each.status, each.answer)
    assert replay.counts() == (len(RECORDS), 0)


def test_a_request_that_was_not_recorded_is_counted(replay: Replay) -> None:
    assert send(replay.port, "/inventory", RECORDS[0].body).status == 500
    assert send(replay.port, "/products", RECORDS[0].body + b" ").status == 500
    assert replay.counts() == (2, 2)


def test_chunked_and_pipelined_requests(replay: Replay) -> None:
    body = RECORDS[0].body
    head = b"POST /products HTTP/1.1\r\nhost: x\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    chunked += b"5\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (body[:5], len(body) - 5, body[5:])
    plain = head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    with socket.create_connection(("127.0.0.1", replay.port)) as connection:
        connection.sendall(chunked + plain)
        received = b""
        while received.count(RECORDS[0].answer) < 2:
            received += connection.recv(65_536)
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert replay.counts() == (2, 0)


def test_answers_are_delayed(recording: Path) -> None:
    first = RECORDS[0]
    with Replay.start(free_port(), recording, delay_ms=5) as replay:
        assert send(replay.port, first.path, first.body).body == first.answer
    head = f"POST {first.path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(first.body)}\r\n\r\n"
    with (
        Replay.start(free_port(), recording, delay_ms=3_600_000) as replay,
        socket.create_connection(("127.0.0.1", replay.port)) as connection,
    ):
        connection.sendall(head.encode() + first.body)
        while replay.counts().requests == 0:
            pass
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)


def test_load_sends_requests_in_turn_until_the_limit(replay: Replay, tmp_path: Path) -> None:
    write_requests(tmp_path / "requests", "/products", [each.body for each in RECORDS[:2]])
    found = load(replay.port, tmp_path / "requests", Arrivals(connections=4, seconds=60, limit=100))
    assert (found.responses, found.failed, found.broken) == (100, 0, 0)
    assert found.bytes == 50 * (len(RECORDS[0].answer) + len(RECORDS[1].answer))
    assert replay.counts() == (100, 0)
    assert 0 < found.p50 <= found.p99 <= found.longest


def test_load_counts_responses_with_another_status(replay: Replay, tmp_path: Path) -> None:
    write_requests(tmp_path / "requests", "/reviews", [RECORDS[2].body])
    assert load(replay.port, tmp_path / "requests", Arrivals(2, 60, limit=10)).failed == 10


def test_load_at_a_rate_begins_requests_at_that_rate(replay: Replay, tmp_path: Path) -> None:
    write_requests(tmp_path / "requests", "/products", [RECORDS[0].body])
    found = load(replay.port, tmp_path / "requests", Arrivals(8, 0.5, rate=400))
    assert found.responses == pytest.approx(200, rel=0.15)
    assert found.failed == 0


def test_a_changed_source_is_compiled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "native"
    shutil.copytree(native_programs.SOURCES, sources)
    monkeypatch.setattr(native_programs, "SOURCES", sources)
    monkeypatch.setattr(native_programs, "CACHE", tmp_path / "cache")
    first = native_programs.built("load")
    assert native_programs.built("load") == first
    with (sources / "load.c").open("a") as file:
        file.write("/* changed */\n")
    second = native_programs.built("load")
    assert second != first
    assert first.exists()
    assert second.exists()
