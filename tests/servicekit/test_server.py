"""`serve` in a separate process, with real sockets and real signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from servicekit.errors import ConfigurationError, PortTaken, StartupError
from servicekit.server import Endpoint, bind, serve, serving_beside
from servicekit.settings import ProcessSettings, load
from tests.ports import free_port
from tests.servicekit import processes

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from servicekit.asgi import Receive, Scope, Send

# Serves until a signal. /slow responds after a pause, /stuck never; "mode" says how the start ends, or that the process
# refuses requests for longer than others before it closes the port.
PROGRAM = """
import asyncio, gc, json, os, sys
from servicekit import shutdown
from servicekit.errors import StartupError
from servicekit.server import Endpoint, serve
from servicekit.settings import ProcessSettings, load

variables = json.loads(sys.argv[1])
mode = sys.argv[2]

def say(event):
    os.write(1, json.dumps({"event": event}).encode() + b"\\n")

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        if mode == "refuses":
            raise StartupError("the cupboard is bare")
        if mode == "breaks":
            raise RuntimeError("an accident")
        await send({"type": "lifespan.startup.complete"})
        say("started")
        await receive()
        say("cleaned up")
        await send({"type": "lifespan.shutdown.complete"})
        return
    say("request received")
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    if scope["path"] == "/stuck":
        await asyncio.Event().wait()
    body = b"done"
    if scope["path"] == "/collector":
        body = json.dumps({"objects": len(gc.get_objects()), "frozen": gc.get_freeze_count()}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})

settings = load(ProcessSettings, variables)
if mode == "lingers":
    shutdown.QUIET_SECONDS, shutdown.MAX_REFUSAL_SECONDS = 3.0, 20.0
try:
    serve("test", lambda: app, Endpoint(settings.host, 0, "AUTH_PORT"), settings)
except StartupError as error:
    print(error, file=sys.stderr)
    sys.exit(1)
"""


class Server:
    """A running child process that listens on `port`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._unread: list[dict[str, Any]] = []
        self.port = int(self.wait_for("listening")["port"])

    def wait_for(self, event: str) -> dict[str, Any]:
        """The next entry with this event. A thread writes the log, so lines of the application may come first."""
        for unread in self._unread:
            if unread["event"] == event:
                self._unread.remove(unread)
                return unread
        assert self.process.stdout is not None
        for line in self.process.stdout:
            entry: dict[str, Any] = json.loads(line)
            if entry["event"] == event:
                return entry
            self._unread.append(entry)
        raise AssertionError(f"the process ended before {event!r}")

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=20)


@contextmanager
def serving(
    mode: str = "starts", *, pass_fds: tuple[int, ...] = (), **variables: str
) -> Iterator[subprocess.Popen[str]]:
    environ = {"MOSAFE_LOG_FORMAT": "json", "MOSAFE_SHUTDOWN_SECONDS": "1", **variables}
    process = processes.start(PROGRAM, json.dumps(environ), mode, pass_fds=pass_fds)
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_a_request_in_flight_finish(number: signal.Signals) -> None:
    with serving(MOSAFE_SHUTDOWN_SECONDS="5") as process:
        server = Server(process)
        server.wait_for("started")
        responses: list[httpx.Response] = []
        client = threading.Thread(target=lambda: responses.append(server.get("/slow")))
        client.start()
        server.wait_for("request received")
        process.send_signal(number)
        client.join(20)
        assert [response.text for response in responses] == ["done"]
        server.wait_for("cleaned up")
        assert process.wait(30) == 0


def test_the_garbage_collector_does_not_walk_the_objects_of_the_start() -> None:
    """Covers `servicekit/garbage_collection.py`."""
    with serving() as process:
        counted = Server(process).get("/collector").json()
    assert counted["objects"] < counted["frozen"] / 10


class StuckRequest:
    """A request in flight that never gets the response of the application."""

    def __init__(self, server: Server) -> None:
        self.responses: list[httpx.Response] = []
        self._client = threading.Thread(target=lambda: self.responses.append(server.get("/stuck")))
        self._client.start()
        server.wait_for("request received")

    def response(self) -> httpx.Response:
        self._client.join(20)
        (response,) = self.responses
        return response


def test_a_request_that_never_ends_does_not_keep_the_process_alive() -> None:
    """The request that is cut off gets JSON; before, it got text/plain."""
    with serving() as process:
        server = Server(process)
        server.wait_for("started")
        stuck = StuckRequest(server)
        process.send_signal(signal.SIGTERM)
        waiting = server.wait_for("waiting for requests; a second signal cuts them off")
        assert (waiting["requests"], waiting["seconds"]) == (1, 1)
        assert process.wait(30) == 0
        response = stuck.response()
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert response.json()["errors"][0]["extensions"] == {"code": "SERVICE_UNAVAILABLE", "retryAfter": 1}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_cuts_requests_off_and_leaves_no_traceback(number: signal.Signals) -> None:
    """Before, a second SIGTERM did nothing, and a second SIGINT skipped the cleanup and printed a traceback."""
    with serving(MOSAFE_SHUTDOWN_SECONDS="30") as process:
        server = Server(process)
        server.wait_for("started")
        stuck = StuckRequest(server)
        process.send_signal(number)
        server.wait_for("waiting for requests; a second signal cuts them off")
        process.send_signal(number)
        assert stuck.response().status_code == 503
        server.wait_for("cleaned up")
        output, errors = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in output + errors


def test_a_supervised_process_is_not_cut_off_by_a_second_request_to_stop() -> None:
    """A service manager sends SIGTERM to every process, and the supervisor sends it again."""
    readable, writable = os.pipe()
    with serving(pass_fds=(readable,), MOSAFE_PARENT_PIPE=str(readable), MOSAFE_SHUTDOWN_SECONDS="5") as process:
        os.close(readable)
        server = Server(process)
        server.wait_for("started")
        responses: list[httpx.Response] = []
        client = threading.Thread(target=lambda: responses.append(server.get("/slow")))
        client.start()
        server.wait_for("request received")
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
        client.join(20)
        assert [response.text for response in responses] == ["done"]
        assert process.wait(30) == 0
    os.close(writable)


def test_a_request_right_after_the_signal_is_refused_and_not_reset() -> None:
    """Before, its connection was reset, and its client could not know whether it had taken effect."""
    with serving("lingers", MOSAFE_SHUTDOWN_SECONDS="5") as process:
        server = Server(process)
        server.wait_for("started")
        process.send_signal(signal.SIGTERM)
        server.wait_for("stopping")
        responses = [server.get("/") for _ in range(3)]
        assert [response.status_code for response in responses] == [503] * 3
        assert {response.headers["connection"] for response in responses} == {"close"}
        assert server.wait_for("requests refused while stopping")["requests"] == 3
        assert process.wait(30) == 0


def test_a_signal_right_after_listening_is_not_lost() -> None:
    with serving() as process:
        Server(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_the_death_of_the_supervising_process_ends_the_server() -> None:
    readable, writable = os.pipe()
    with serving(pass_fds=(readable,), MOSAFE_PARENT_PIPE=str(readable)) as process:
        os.close(readable)
        server = Server(process)
        server.wait_for("started")
        assert server.get("/").text == "done"
        # As the kernel does when the process with the other end dies, even after SIGKILL.
        os.close(writable)
        server.wait_for("cleaned up")
        assert process.wait(30) == 0


def test_a_startup_error_is_printed_without_a_traceback() -> None:
    with serving("refuses") as process:
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors == "the cupboard is bare\n"
    assert "Traceback" not in output


def test_an_unexpected_error_at_startup_is_logged_with_its_traceback() -> None:
    with serving("breaks") as process:
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors == "test could not start; its log has the reason\n"
    assert "RuntimeError: an accident" in output


def test_a_parent_pipe_that_is_not_open_is_refused(tmp_path: Path) -> None:
    readable, writable = os.pipe()
    os.close(readable)
    os.close(writable)
    with serving(MOSAFE_PARENT_PIPE=str(readable), MOSAFE_DATA_DIR=str(tmp_path)) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.startswith("MOSAFE_PARENT_PIPE: ")


def test_a_taken_port_names_the_port_and_the_variable() -> None:
    with bind(Endpoint("127.0.0.1", 0, "AUTH_PORT")) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} .* AUTH_PORT"):
            bind(Endpoint("127.0.0.1", port, "AUTH_PORT"))


def test_a_port_is_free_right_after_its_process_closed_it() -> None:
    with bind(Endpoint("127.0.0.1", 0, "AUTH_PORT")) as holder:
        port = holder.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), holder.accept()[0]:
            pass
    bind(Endpoint("127.0.0.1", port, "AUTH_PORT")).close()


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "not an address"])
def test_an_address_that_is_not_ours_stops_the_start(host: str) -> None:
    with pytest.raises(StartupError, match="cannot listen on"):
        bind(Endpoint(host, 0, "AUTH_PORT"))


@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize("name", ["x-forwarded-for", "x-forwarded-proto"])
async def test_the_peer_of_a_connection_is_nobodys_claim(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn believed loopback, or FORWARDED_ALLOW_IPS, whatever `MOSAFE_TRUSTED_PROXIES` says: no limit held."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    seen = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append((scope["client"][0], scope["scheme"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    listener = bind(Endpoint("127.0.0.1", 0, "AUTH_PORT"))
    async with serving_beside(app, listener), httpx.AsyncClient(timeout=30) as client:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        forged = "198.51.100.7" if name.endswith("for") else "https"
        assert (await client.get(url, headers={name: forged})).status_code == 204
    assert seen == [("127.0.0.1", "http")]


async def idle(_scope: object, _receive: object, _send: object) -> None:
    """An application that does nothing."""


def test_a_taken_port_stops_the_start() -> None:
    settings = load(ProcessSettings, {})
    with bind(Endpoint("127.0.0.1", 0, "AUTH_PORT")) as holder, pytest.raises(PortTaken):
        serve("test", lambda: idle, Endpoint("127.0.0.1", holder.getsockname()[1], "AUTH_PORT"), settings)


def test_no_client_can_connect_before_the_application_exists() -> None:
    """A request that waited for it would have a signature that is older than the application."""
    port = free_port()

    def build() -> Any:
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=30):
            pass
        raise StartupError("built")

    with pytest.raises(StartupError, match="built"):
        serve("test", build, Endpoint("127.0.0.1", port, "AUTH_PORT"), load(ProcessSettings, {}))


def test_startup_errors_have_one_base_class() -> None:
    assert issubclass(PortTaken, StartupError)
    assert issubclass(ConfigurationError, StartupError)
