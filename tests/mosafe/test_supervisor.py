"""The supervisor with real child processes: readiness, death, stopping, output."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

import psutil
import pytest

from mosafe.supervisor import ChildDied, ChildSpec, Supervisor
from tests.e2e.platform import clean_environment
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER = """
    import http.server, signal, sys
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200); self.end_headers()
        def log_message(self, *args): pass
    print("serving", flush=True)
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
STUBBORN = SERVER.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
# Writes a line when it is asked to stop, and ends a moment later.
SLOW = SERVER.replace(
    "lambda *_: sys.exit(0)",
    "lambda *_: (print('asked', flush=True), time.sleep(0.3), print('ended', flush=True), sys.exit(0))",
).replace("import http.server, ", "import http.server, time, ")
DYING = """
    import sys
    print("x" * 200_000)
    print("no database")
    sys.exit(3)
"""


def child(name: str, script: str, port: int) -> ChildSpec:
    command = [sys.executable, "-c", textwrap.dedent(script), str(port)]
    return ChildSpec(name, command, f"http://127.0.0.1:{port}/", clean_environment())


@pytest.fixture
def lines() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def supervisor(lines: list[tuple[str, str]]) -> Callable[[], Supervisor]:
    return lambda: Supervisor(lambda name, line: lines.append((name, line)))


def descendants() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


async def test_ready_children_run_until_the_block_ends(
    supervisor: Callable[[], Supervisor], lines: list[tuple[str, str]]
) -> None:
    before = descendants()
    first, second = free_ports(2)
    async with supervisor() as running:
        await running.start([child("a", SERVER, first), child("b", SERVER, second)])
        assert len(descendants() - before) == 2
    assert descendants() <= before
    assert sorted(lines) == [("a", "serving"), ("b", "serving")]


async def test_a_child_that_dies_at_start_is_named_with_its_last_lines(supervisor: Callable[[], Supervisor]) -> None:
    before = descendants()
    first, second = free_ports(2)
    with pytest.raises(ChildDied, match="b ended with exit code 3") as caught:
        async with supervisor() as running:
            await running.start([child("a", SERVER, first), child("b", DYING, second)])
    assert caught.value.child.last_lines[-1] == "no database"
    assert descendants() <= before


async def test_a_child_that_dies_later_is_noticed(supervisor: Callable[[], Supervisor]) -> None:
    first, second = free_ports(2)
    async with supervisor() as running:
        before = descendants()
        await running.start([child("a", SERVER, first), child("b", SERVER, second)])
        victim = max(descendants() - before)
        psutil.Process(victim).kill()
        dead = await running.wait_for_death()
        assert dead.process.pid == victim


async def test_a_child_that_ignores_the_request_is_killed(
    supervisor: Callable[[], Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mosafe.supervisor.CHILD_SECONDS", 0.3)
    before = descendants()
    (port,) = free_ports(1)
    async with supervisor() as running:
        await running.start([child("stubborn", STUBBORN, port)])
    assert descendants() <= before


async def test_children_stop_one_after_the_other_the_last_one_first(
    supervisor: Callable[[], Supervisor], lines: list[tuple[str, str]]
) -> None:
    """Before, all were asked at once, so that a router lost its subgraphs while it still had requests."""
    ports = free_ports(3)
    async with supervisor() as running:
        await running.start([child(name, SLOW, port) for name, port in zip("abc", ports, strict=True)])
    stops = [line for line in lines if line[1] != "serving"]
    assert stops == [(name, word) for name in "cba" for word in ("asked", "ended")]


async def test_the_time_for_all_is_shared_and_the_last_ones_are_asked_together(
    supervisor: Callable[[], Supervisor], lines: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mosafe.supervisor.STOP_SECONDS", 2.5)
    before = descendants()
    ports = free_ports(3)
    specs = [child(name, script, port) for name, script, port in zip("abc", (SLOW, SLOW, STUBBORN), ports, strict=True)]
    async with supervisor() as running:
        await running.start(specs)
    assert descendants() <= before
    assert sorted(line for line in lines if line[1] == "ended") == [("a", "ended"), ("b", "ended")]


async def test_children_that_are_killed_end_at_once(
    supervisor: Callable[[], Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descendants()
    ports = free_ports(2)
    async with supervisor() as running:
        await running.start([child(name, STUBBORN, port) for name, port in zip("ab", ports, strict=True)])
        for name in ("STOP_SECONDS", "CHILD_SECONDS"):
            monkeypatch.setattr(f"mosafe.supervisor.{name}", 3600)
        running.kill()
    assert running.was_killed
    assert descendants() <= before
