"""The health check of containers: its exit code and its reason."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from servicekit.health_probe import probe

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Health(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        body = b'{"status": "?"}'
        self.send_response(self.status if self.path == "/health/ready" else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Write nothing to standard error."""


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Health)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_ready_process_is_healthy(port: int) -> None:
    assert probe({"MOSAFE_HEALTH_PORT": str(port)}) is None


def test_a_process_that_is_not_ready_is_not(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Health, "status", 503)
    assert probe({"MOSAFE_HEALTH_PORT": str(port)}) == '503 {"status": "?"}'


@pytest.mark.parametrize("value", ["", "http", "-1", "99999", "٣"])
def test_a_value_that_is_not_a_port_is_a_reason(value: str) -> None:
    assert probe({"MOSAFE_HEALTH_PORT": value}) is not None


def test_the_exit_code_tells_the_container_engine() -> None:
    command = [sys.executable, "-P", "-m", "servicekit.health_probe"]
    # Nothing listens on port 1 (tcpmux), and an unprivileged process cannot open it.
    done = subprocess.run(command, env={"MOSAFE_HEALTH_PORT": "1"}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no response from port 1" in done.stderr
