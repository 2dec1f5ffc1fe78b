"""The whole platform as a user runs it: `mosafe up` in a separate process, with free ports and its own data."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.ports import free_ports

ROOT = Path(__file__).parent.parent.parent
PORT_VARIABLES = ("AUTH_PORT", "ACCOUNT_PORT", "TRANSACTION_PORT", "ROUTER_PORT", "REST_PORT")
UP_LINE = "MoSafe is up"
# `mosafe up` gives up after 90 s.
START_SECONDS = 100
# `mosafe up` takes at most 20 s, and its own end a moment.
STOP_SECONDS = 40
LOG_SECONDS = 30
PASSWORD = "quite unlike any banner 71"


def clean_environment(**variables: str) -> dict[str, str]:
    """The environment without the platform's variables, plus `variables`."""
    services = ("SUBGRAPH_", "AUTH_", "ACCOUNT_", "TRANSACTION_")
    ours = ("MOSAFE_", *services, "ROUTER_", "REST_", "REDIS_URL", "KAFKA_BROKERS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONUNBUFFERED": "1", **variables}


@dataclass(frozen=True, slots=True)
class Person:
    """A registered customer with a new session."""

    id: str
    email: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.access_token}"}


@dataclass
class Platform:
    """A running platform. `lines` has every line that its processes have written."""

    process: subprocess.Popen[str]
    ports: dict[str, int]
    data_dir: Path
    lines: list[str] = field(default_factory=list)
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))
    scheme: str = "http"
    reader: threading.Thread = field(init=False)

    @property
    def rest_url(self) -> str:
        return self.base_url("rest")

    @property
    def router_url(self) -> str:
        return f"{self.base_url('router')}/graphql"

    def base_url(self, name: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.ports[f'{name.upper()}_PORT']}"

    def subgraph_url(self, name: str) -> str:
        return f"{self.base_url(name)}/graphql"

    def register(self, name: str = "Ada") -> Person:
        email = f"{uuid.uuid4().hex}@example.com"
        body = self.call("POST", "/api/auth/register", json={"email": email, "password": PASSWORD, "name": name})
        return Person(body["user"]["id"], email, body["accessToken"], body["refreshToken"])

    def register_staff(self, *roles: str) -> Person:
        """Register a user, grant `roles` on the command line, and log in."""
        person = self.register()
        environ = clean_environment(MOSAFE_DATA_DIR=str(self.data_dir))
        for role in roles:
            subprocess.run(
                [sys.executable, "-m", "mosafe", "auth", "users", "grant", person.email, role],
                env=environ,
                cwd=self.data_dir,
                check=True,
                capture_output=True,
            )
        session = self.call("POST", "/api/auth/login", json={"email": person.email, "password": PASSWORD})
        return replace(person, access_token=session["accessToken"])

    def open_account(self, person: Person, *, deposit: str | None = None, currency: str = "EUR") -> dict[str, Any]:
        account: dict[str, Any] = self.call(
            "POST", "/api/accounts", person, json={"type": "CHECKING", "currency": currency}
        )
        if deposit is not None:
            order = {
                "type": "DEPOSIT",
                "destinationAccountId": account["id"],
                "amount": deposit,
                "currency": currency,
            }
            self.call("POST", "/api/transactions", person, json=order)
        return account

    def call(self, method: str, path: str, person: Person | None = None, **options: Any) -> Any:
        """The parsed body of a REST call that must succeed."""
        response = self.client.request(
            method, self.rest_url + path, headers=person.headers if person else None, **options
        )
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def graphql(
        self,
        query: str,
        person: Person | None = None,
        variables: dict[str, Any] | None = None,
        *,
        url: str | None = None,
        request_id: str | None = None,
    ) -> dict[str, Any]:
        """The GraphQL response of the router, or of the subgraph at `url`."""
        headers = {**(person.headers if person else {}), "accept": "application/graphql-response+json"}
        if request_id is not None:
            headers["x-request-id"] = request_id
        response = self.client.post(
            url or self.router_url, json={"query": query, "variables": variables}, headers=headers
        )
        body: dict[str, Any] = response.json()
        return body

    def access_lines(self, request_id: str, of: set[str]) -> list[tuple[str, dict[str, Any]]]:
        """(service, event) of each line in the access logs of the services `of` that has `request_id`."""
        found = []
        for line in list(self.lines):
            service, _, text = line.partition(" | ")
            if service.strip() in of and request_id in text and (event := json.loads(text))["logger"] == "access":
                found.append((service.strip(), event))
        return found

    def wait_for_access_lines(
        self, request_id: str, *, at_least: int, of: set[str]
    ) -> list[tuple[str, dict[str, Any]]]:
        """The same once there are `at_least` as many lines, because a line is logged after the response."""
        deadline = time.monotonic() + LOG_SECONDS
        while len(found := self.access_lines(request_id, of)) < at_least:
            assert time.monotonic() < deadline, found
            time.sleep(0.02)
        return found

    def wait_for_line(self, text: str) -> None:
        """Wait until a process has written a line that contains `text`."""
        self.wait_for_lines(text, 1)

    def wait_for_lines(self, text: str, count: int) -> list[str]:
        """Wait until there are `count` lines that contain `text`; returns all that are there then."""
        deadline = time.monotonic() + LOG_SECONDS
        while len(found := [line for line in list(self.lines) if text in line]) < count:
            assert time.monotonic() < deadline, self.lines[-20:]
            time.sleep(0.02)
        return found

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop the platform as a user does; returns the exit code."""
        self.client.close()
        self.process.send_signal(number)
        return self.ended(STOP_SECONDS)

    def ended(self, seconds: float) -> int:
        """Wait until the platform has ended, and all its lines are there; returns the exit code."""
        code = self.process.wait(seconds)
        self.reader.join(LOG_SECONDS)
        return code


def start_platform(data_dir: Path, *arguments: str, **variables: str) -> Platform:
    """Run `mosafe up` and return when it reports that it is up."""
    ports = dict(zip(PORT_VARIABLES, free_ports(len(PORT_VARIABLES)), strict=True))
    environ = clean_environment(
        MOSAFE_DATA_DIR=str(data_dir),
        MOSAFE_LOG_FORMAT="json",
        **{name: str(port) for name, port in ports.items()},
        # A second URL of each service, for a configuration in which a service has several servers.
        **{f"SECOND_{name}".replace("PORT", "URL"): f"http://localhost:{port}/graphql" for name, port in ports.items()},
        **variables,
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "mosafe", "up", *arguments],
        env=environ,
        cwd=data_dir,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    platform = Platform(process, ports, data_dir)
    up: queue.Queue[bool] = queue.Queue()
    platform.reader = threading.Thread(target=_read, args=(platform, up), daemon=True)
    platform.reader.start()
    try:
        is_up = up.get(timeout=START_SECONDS)
    except queue.Empty:
        is_up = False
    if not is_up:
        process.kill()
        process.wait()
        raise AssertionError("the platform did not start:\n" + "\n".join(platform.lines[-40:]))
    return platform


def _read(platform: Platform, up: queue.Queue[bool]) -> None:
    assert platform.process.stdout is not None
    with platform.process.stdout as stdout:
        for line in stdout:
            platform.lines.append(line.rstrip("\n"))
            if UP_LINE in line:
                up.put(True)
    up.put(False)
