"""`router serve` as an operator runs it: signals, draining, workers, the admin port.

Covers `router/lifecycle/worker_supervisor.py`.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from tests.router.cli.test_cli import SECONDS, Running, outcome, router, running_process, serving, start
from tests.router.policies.authorization.clinic import SDL as RESTRICTED_SDL
from tests.router.shop import SDL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = secrets.token_hex(16)
ADMIN = f"admin: {{enabled: true, port: 0, token: {TOKEN}}}\n"
TYPENAME = {"query": "query Q { __typename }"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "supergraph.graphql").write_text(SDL)
    return tmp_path


@contextmanager
def routing(folder: Path, settings: str, *arguments: str) -> Iterator[Running]:
    (folder / "router.yaml").write_text(f"server: {{port: 0}}\n{settings}" if "server:" not in settings else settings)
    with serving(folder, "--config", "router.yaml", *arguments) as running:
        yield running


class SlowSubgraph(BaseHTTPRequestHandler):
    """Responds when `respond` is set."""

    started = threading.Event()
    respond = threading.Event()

    def do_POST(self) -> None:
        self.started.set()
        self.respond.wait(SECONDS)
        body = b'{"data":{"me":{"id":"1"}}}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """The log is not used."""


@pytest.fixture
def slow() -> Iterator[str]:
    SlowSubgraph.started.clear()
    SlowSubgraph.respond.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), SlowSubgraph) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/graphql"
        SlowSubgraph.respond.set()
        server.shutdown()


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_hangup_signal_reloads(folder: Path) -> None:
    with routing(folder, "reload: {watch: false}\n") as running:
        running.event("serving")
        (folder / "supergraph.graphql").write_text("type Query { a: Int }")
        running.process.send_signal(signal.SIGHUP)
        line = running.event("reload")
        assert (line["cause"], line["result"]) == ("SIGHUP", "refused")
        assert "INVALID_FEDERATION_SUPERGRAPH" in str(line["reason"])
        (folder / "supergraph.graphql").write_text(SDL)
        running.process.send_signal(signal.SIGHUP)
        assert running.event("reload")["result"] == "reloaded"


def test_draining_finishes_running_requests_refuses_new_ones_and_closes_idle_connections(
    folder: Path, slow: str
) -> None:
    with routing(folder, f"override_subgraph_url: {{people: '{slow}'}}\n") as running:
        port = int(str(running.event("listening")["port"]))
        responses: list[httpx.Response] = []
        url = f"http://127.0.0.1:{port}/graphql"
        client = threading.Thread(
            target=lambda: responses.append(httpx.post(url, json={"query": "{ me { id } }"}, timeout=SECONDS))
        )
        client.start()
        assert SlowSubgraph.started.wait(SECONDS)
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as idle:
            idle.sendall(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
            said = b""
            while not said.endswith(b'{"status": "live"}'):
                said += idle.recv(65536)
            running.process.send_signal(signal.SIGTERM)
            assert idle.recv(65536) == b""

        def refused() -> bool:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                return True
            return False

        eventually(refused)
        assert running.process.poll() is None
        SlowSubgraph.respond.set()
        client.join(SECONDS)
        assert [response.json() for response in responses] == [{"data": {"me": {"id": "1"}}}]
        assert running.process.wait(SECONDS) == 0


@pytest.mark.parametrize("by", ["file", "environment"])
def test_draining_has_a_time_limit(folder: Path, slow: str, by: str) -> None:
    server = "server: {port: 0, drain_timeout: 1s}" if by == "file" else "server: {port: 0}"
    (folder / "router.yaml").write_text(f"{server}\noverride_subgraph_url: {{people: '{slow}'}}\n")
    variables = {} if by == "file" else {"MOSAFE_SHUTDOWN_SECONDS": "1"}
    with serving(folder, "--config", "router.yaml", **variables) as running:
        port = running.event("listening")["port"]
        body = json.dumps({"query": "{ me { id } }"}).encode()
        with socket.create_connection(("127.0.0.1", int(str(port)))) as client:
            head = f"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
            client.sendall(head.encode() + b"\r\n\r\n" + body)
            assert SlowSubgraph.started.wait(SECONDS)
            started = time.monotonic()
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(SECONDS) == 0
            assert 0.9 < time.monotonic() - started < 25  # without the limit, it would be 30 s
            assert client.recv(65536).startswith(b"HTTP/1.1 503 ")
        lines = [running.lines.get(timeout=SECONDS)]
        while lines[-1]["event"] != "stopped":
            lines.append(running.lines.get(timeout=SECONDS))
        assert not [line for line in lines if "exception" in line]
        assert [(line["status"], line["code"]) for line in lines if line["event"] == "request"] == [(503, "CANCELLED")]


class Admin:
    """The admin port of a running router."""

    def __init__(self, running: Running) -> None:
        self.url = ""
        self._pids = [running.process.pid]

    @classmethod
    def of(cls, running: Running) -> Admin:
        admin = cls(running)
        eventually(admin._found)
        return admin

    def _found(self) -> bool:
        """Find the port, which is a free one, in the sockets of the process."""
        for connection in psutil.Process(self._pids[0]).net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                url = f"http://{connection.laddr.ip}:{connection.laddr.port}"
                try:
                    found = httpx.get(f"{url}/status", timeout=2).status_code == 200
                except httpx.HTTPError:
                    continue
                if found:
                    self.url = url
                    return True
        return False

    def workers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/status", timeout=SECONDS).json()["workers"]
        return found

    def ready(self) -> bool:
        return httpx.get(f"{self.url}/health/ready", timeout=SECONDS).status_code == 200

    def reload(self) -> httpx.Response:
        return httpx.post(f"{self.url}/reload", headers={"authorization": f"Bearer {TOKEN}"}, timeout=SECONDS)


def test_the_admin_port_differs_from_the_public_port(folder: Path) -> None:
    with routing(folder, ADMIN) as running:
        public = f"http://127.0.0.1:{running.event('listening')['port']}"
        admin = Admin.of(running)
        (worker,) = admin.workers()
        assert worker["pid"] == running.process.pid
        assert worker["memory_bytes"] == pytest.approx(psutil.Process(worker["pid"]).memory_info().rss, rel=0.2)
        assert admin.reload().json()["workers"][0]["result"] == "reloaded"
        assert httpx.get(f"{public}/status", timeout=30).status_code == 404
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(SECONDS) == 0


def test_the_admin_port_is_where_the_settings_say(folder: Path) -> None:
    with routing(folder, "admin: {enabled: true, host: 127.0.0.2, port: 0}\n") as running:
        admin = Admin.of(running)
        assert admin.url.startswith("http://127.0.0.2:")
        assert admin.reload().status_code == 403


def test_a_taken_admin_port_is_named(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (folder / "router.yaml").write_text(
            f"server: {{port: 0}}\nadmin: {{enabled: true, host: 127.0.0.1, port: {taken.getsockname()[1]}}}\n"
        )
        arguments = ("serve", "--supergraph", "supergraph.graphql", "--config", "router.yaml")
        code, _, errors = outcome(router(folder, *arguments))
    assert code == 2
    assert "admin.port in router.yaml" in errors


def test_several_workers_share_a_port_and_are_kept_running(folder: Path) -> None:
    with routing(folder, ADMIN + "reload: {watch: false}\n", "--workers", "2") as running:
        admin = Admin.of(running)
        eventually(lambda: len(admin.workers()) == 2 and admin.ready())
        pids = [worker["pid"] for worker in admin.workers()]
        assert len({running.process.pid, *pids}) == 3
        port = running.event("listening")["port"]
        url = f"http://127.0.0.1:{port}/graphql"

        def served() -> set[int]:
            """The workers that have responded to a request."""
            assert httpx.post(url, json=TYPENAME, timeout=SECONDS).json() == {"data": {"__typename": "Query"}}
            hits = {worker["pid"]: worker["caches"]["plans"]["hits"] for worker in admin.workers()}
            return {pid for pid, count in hits.items() if count}

        eventually(lambda: len(served()) == 2)
        while "worker" not in (line := running.event("request")):
            pass  # a request to the admin port
        assert pids[int(str(line["worker"]))] == line["pid"]
        assert [worker["result"] for worker in admin.reload().json()["workers"]] == ["reloaded", "reloaded"]
        running.process.send_signal(signal.SIGHUP)
        eventually(lambda: all(worker["generation"] == 3 for worker in admin.workers()))
        assert {worker["last_reload"]["cause"] for worker in admin.workers()} == {"SIGHUP"}

        os.kill(pids[0], signal.SIGKILL)
        eventually(lambda: "reason" in admin.workers()[0])
        assert [worker["ready"] for worker in admin.workers()] == [False, True]
        assert not admin.ready()
        # Connections to the worker wait for its replacement; none is refused.
        for _ in range(10):
            assert httpx.post(url, json=TYPENAME, timeout=SECONDS).status_code == 200
        eventually(admin.ready)
        assert pids[0] not in [worker["pid"] for worker in admin.workers()]

        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(SECONDS) == 0
        eventually(lambda: not any(map(psutil.pid_exists, pids)))


def test_a_second_signal_to_the_supervisor_cuts_off_the_requests_of_the_workers(folder: Path, slow: str) -> None:
    with routing(folder, f"override_subgraph_url: {{people: '{slow}'}}\n", "--workers", "2") as running:
        listening, *serve = running.events("listening", "a worker serves", "a worker serves")
        url = f"http://127.0.0.1:{listening['port']}/graphql"
        workers = [line["pid"] for line in serve]
        statuses: list[int] = []
        body = {"query": "{ me { id } }"}
        client = threading.Thread(target=lambda: statuses.append(httpx.post(url, json=body, timeout=60).status_code))
        client.start()
        assert SlowSubgraph.started.wait(SECONDS)
        # A service manager sends the first signal to all processes, so each worker gets it twice.
        for pid in (running.process.pid, *workers):
            os.kill(int(str(pid)), signal.SIGTERM)
        running.event("waiting for requests; a second signal cuts them off")
        assert not statuses
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(SECONDS) == 0
        client.join(SECONDS)
        assert statuses == [503]


def test_connections_of_a_worker_that_cannot_restart_go_to_the_others(folder: Path) -> None:
    with routing(folder, ADMIN + "reload: {watch: false}\n", "--workers", "2") as running:
        url = f"http://127.0.0.1:{running.event('listening')['port']}/graphql"
        admin = Admin.of(running)
        eventually(admin.ready)
        (folder / "supergraph.graphql").write_text("type Query { a: Int }")
        os.kill(admin.workers()[0]["pid"], signal.SIGKILL)
        for _ in range(2):
            running.event("a worker ended; it will be replaced")
        for _ in range(20):  # new connections, half of which would reach a socket without a process
            assert httpx.post(url, json=TYPENAME, timeout=SECONDS / 2).status_code == 200
        assert [worker["ready"] for worker in admin.workers()] == [False, True]
        (folder / "supergraph.graphql").write_text(SDL)
        eventually(admin.ready)

        def both_respond() -> bool:
            httpx.post(url, json=TYPENAME, timeout=SECONDS / 2)
            return all(worker["caches"]["plans"]["hits"] for worker in admin.workers())

        eventually(both_respond)


def test_a_stuck_worker_is_not_ready_and_does_not_block_the_status(folder: Path) -> None:
    with routing(folder, ADMIN, "--workers", "2") as running:
        admin = Admin.of(running)
        eventually(admin.ready)
        stuck = admin.workers()[0]["pid"]
        os.kill(stuck, signal.SIGSTOP)
        try:
            first, second = admin.workers()
            assert (first["ready"], second["ready"]) == (False, True)
            assert "does not respond" in first["reason"]
            assert not admin.ready()
            outcomes = admin.reload()
            assert outcomes.status_code == 422
            assert [worker["result"] for worker in outcomes.json()["workers"]] == ["refused", "reloaded"]
        finally:
            os.kill(stuck, signal.SIGCONT)
        eventually(admin.ready)


def test_a_hangup_signal_while_it_starts_reloads_once_it_serves(folder: Path) -> None:
    supergraph = folder / "supergraph.graphql"
    supergraph.unlink()
    os.mkfifo(supergraph)
    with routing(folder, "reload: {watch: false}\n") as running:
        with supergraph.open("w") as pipe:  # which waits for the router to read
            running.process.send_signal(signal.SIGHUP)
            (folder / "next.graphql").write_text(SDL)
            (folder / "next.graphql").replace(supergraph)
            pipe.write(SDL)
        line = running.event("reload")
        assert (line["cause"], line["result"]) == ("SIGHUP", "reloaded")


def test_workers_do_not_outlive_their_supervisor(folder: Path) -> None:
    with routing(folder, ADMIN + "server: {port: 0, workers: 2}\n") as running:
        admin = Admin.of(running)
        eventually(admin.ready)
        pids = [worker["pid"] for worker in admin.workers()]
        running.process.kill()
        eventually(lambda: not any(map(psutil.pid_exists, pids)))


def test_workers_that_cannot_start_end_the_router_with_the_reason(folder: Path) -> None:
    (folder / "supergraph.graphql").write_text("type Query { a: Int }")
    arguments = ("serve", "--supergraph", "supergraph.graphql", "--workers", "2")
    code, output, errors = outcome(router(folder, *arguments, ROUTER_PORT="0"))
    assert code == 2
    assert "INVALID_FEDERATION_SUPERGRAPH" in errors
    assert "Traceback" not in errors
    # stderr may be a terminal that nobody reads, so the log has the reason as well.
    lines = [json.loads(line) for line in output.splitlines()]
    failures = [line for line in lines if line["event"] == "a worker could not start"]
    assert failures
    assert {line["exit_code"] for line in failures} == {2}
    assert all("INVALID_FEDERATION_SUPERGRAPH" in line["reason"] for line in failures)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_module_in_the_working_directory_does_not_hide_the_router(folder: Path, workers: str) -> None:
    """A project may have its own module `router` beside its supergraph."""
    (folder / "router.py").write_text("raise SystemExit('the wrong router')")
    script = str(Path(sys.executable).with_name("router"))
    arguments = [script, "serve", "--supergraph", "supergraph.graphql", "--workers", workers]
    with running_process(start(folder, arguments, {"ROUTER_PORT": "0"})) as running:
        running.event("a worker serves" if workers == "2" else "listening")


def test_a_taken_port_is_reported_with_several_workers_too(folder: Path) -> None:
    with socket.socket() as taken:
        # Another process that would share the port.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        arguments = ("serve", "--supergraph", "supergraph.graphql", "--workers", "2")
        code, _, errors = outcome(router(folder, *arguments, ROUTER_PORT=port, MOSAFE_HOST="127.0.0.1"))
    assert code == 2
    assert "ROUTER_PORT" in errors
    assert "server.port" in errors


def test_a_start_without_supergraph_is_refused(folder: Path) -> None:
    code, _, errors = outcome(router(folder, "serve"))
    assert code == 2
    assert "name one with --supergraph" in errors


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_logged_while_the_supergraph_is_loaded_is_json_too(tmp_path: Path, workers: int) -> None:
    (tmp_path / "supergraph.graphql").write_text(RESTRICTED_SDL)
    with routing(tmp_path, "", f"--workers={workers}") as running:
        line = running.event("the supergraph restricts fields, but no authentication is configured")
        assert (line["level"], line["service"]) == ("warning", "router")
        running.event("listening")
