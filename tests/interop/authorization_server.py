"""An authorization server in its own process, and the command that registers a client at it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCOPE = "bank:read email offline_access openid profile"
READY_SECONDS = 60


@contextmanager
def authorization_server(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The URL of a running auth service, and the variables of its commands."""
    port = free_port()
    environ = {
        **os.environ,
        # A person uses the code of the next step, because each is accepted once and the tests do not wait.
        "AUTH_TOTP_TOLERANCE": "1",
        "MOSAFE_ENV": "development",
        "MOSAFE_DATA_DIR": str(folder),
        "AUTH_PORT": str(port),
        "SUBGRAPH_SIGNATURES": "off",
    }
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "mosafe", "auth", "serve"], env=environ, stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not _is_ready(url):
            assert process.poll() is None, "the auth service ended"
            assert time.monotonic() < deadline, "the auth service does not start"
            time.sleep(0.05)
        yield url, environ
    finally:
        process.terminate()
        process.wait(30)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


def created(environ: dict[str, str], redirect_uri: str, name: str = "Node") -> tuple[str, str]:
    """The id and the secret of a new client that may use every flow."""
    options = [f"--grant={each}" for each in ("code", "refresh", "device", "credentials")]
    scopes = [f"--scope={each}" for each in SCOPE.split()]
    command = [sys.executable, "-m", "mosafe", "auth", "clients", "create", name, "--redirect-uri", redirect_uri]
    done = subprocess.run([*command, *options, *scopes], env=environ, capture_output=True, text=True, check=True)
    match = re.fullmatch(r"client_id: (\S+)\nclient_secret: (\S+)\n", done.stdout)
    assert match is not None, done.stdout
    return match[1], match[2]
