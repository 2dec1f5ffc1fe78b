"""Guesses of passwords, and floods of logins and registrations, against a running auth service.

The service runs in production and believes the `X-Forwarded-For` of this machine, so each test has addresses and
accounts of its own. Before the limits, 800 wrong passwords were answered 800 times, 600 guesses fitted into one
request, and a hundred requests with 700 logins each stopped the service for minutes.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from servicekit.settings import load
from subgraphs.auth.app import create_app
from subgraphs.auth.password_hashing import PasswordHasher, threads
from subgraphs.auth.settings import AuthSettings
from tests.e2e.platform import clean_environment
from tests.ports import free_ports
from tests.subgraphs.support import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servicekit.asgi import ASGIApp, Message

# One worker runs all of them, so that they share one service.
pytestmark = pytest.mark.xdist_group("login floods")

PASSWORD = "quite unlike any banner 71"
# A login takes 25 ms of a core; the machine that runs the tests is busy with others, and may be slow.
SECONDS = 60.0
# The longest wait that a stranger's wrong passwords cause the owner of an account.
OWNER_WAITS = 10
# Two threads need 19 MiB each, and the connections of the flood some buffers.
MEGABYTES = 120
# The codes of requests that are refused before anything is executed: too many fields, aliases, tokens.
REFUSED = {"QUERY_TOO_EXPENSIVE", "MAX_ALIASES_LIMIT", "GRAPHQL_PARSE_FAILED"}
LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { __typename ... on Problem { code message } } }"
REGISTER = "mutation ($input: RegisterInput!) { register(input: $input) { __typename ... on Problem { code } } }"

_addresses = (f"198.51.{high}.{low}" for high in range(256) for low in range(1, 255))
_numbers = itertools.count()


def new_address() -> str:
    return next(_addresses)


def new_email() -> str:
    return f"user{next(_numbers)}@example.com"


@dataclass(frozen=True)
class Service:
    """A running auth service."""

    url: str
    process: psutil.Process

    def client(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=200)
        return httpx.AsyncClient(base_url=self.url, timeout=120, limits=limits, trust_env=False)

    async def send(self, http: httpx.AsyncClient, address: str, query: str, **fields: str) -> httpx.Response:
        body = {"query": query, "variables": {"input": fields}}
        return await http.post("/graphql", json=body, headers={"x-forwarded-for": address})

    async def log_in(self, http: httpx.AsyncClient, email: str, password: str, address: str) -> str:
        """The type of the result, or the code of the error."""
        return outcome((await self.send(http, address, LOGIN, email=email, password=password)).json())

    async def sign_up(self, http: httpx.AsyncClient, email: str, address: str) -> str:
        fields = {"email": email, "password": PASSWORD, "name": "Ann"}
        return outcome((await self.send(http, address, REGISTER, **fields)).json())

    def memory(self) -> float:
        """In megabytes."""
        return float(self.process.memory_info().rss) / 1e6


def outcome(body: dict[str, Any]) -> str:
    if "errors" in body:
        return str(body["errors"][0]["extensions"]["code"])
    (result,) = body["data"].values()
    return str(result["__typename"])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    (port,) = free_ports(1)
    data_dir = tmp_path_factory.mktemp("auth")
    environment = clean_environment(
        MOSAFE_ENV="production",
        MOSAFE_DATA_DIR=str(data_dir),
        AUTH_PORT=str(port),
        MOSAFE_LOG_LEVEL="warning",
        SUBGRAPH_SIGNATURES="off",
    )
    with (data_dir / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mosafe", "auth"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        running = Service(f"http://127.0.0.1:{port}", psutil.Process(process.pid))
        wait_until_ready(running.url, process)
        yield running
        assert process.poll() is None, "the service has ended"
    finally:
        process.terminate()
        process.wait(30)


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the service did not start"
        try:
            if httpx.get(f"{url}/health/ready", trust_env=False, timeout=30).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError("the service is not ready")


def waits_since(started: float) -> float:
    """How many waits at most are over. They begin after the tenth wrong password, and double from 1 s on."""
    return 1 + math.log2(time.monotonic() - started + 1)


def most_of_an_address_since(started: float) -> float:
    """How many logins an address may have had: 30, and another one for each two seconds."""
    return 31 + (time.monotonic() - started) / 2


async def test_eight_hundred_wrong_passwords_get_ten_answers(service: Service) -> None:
    email, address = new_email(), new_address()
    async with service.client() as http:
        assert await service.sign_up(http, email, new_address()) == "Session"
        started = time.monotonic()
        answers = await asyncio.gather(*(service.log_in(http, email, f"wrong {n}", address) for n in range(800)))
    counts = Counter(answers)
    assert 10 <= counts["InvalidCredentials"] <= 10 + waits_since(started), counts
    assert counts["InvalidCredentials"] + counts["RATE_LIMITED"] == 800


async def test_many_addresses_do_not_help_against_one_account(service: Service) -> None:
    email = new_email()
    async with service.client() as http:
        started = time.monotonic()
        answers = await asyncio.gather(*(service.log_in(http, email, "wrong", new_address()) for _ in range(100)))
    counts = Counter(answers)
    assert 10 <= counts["InvalidCredentials"] <= 10 + waits_since(started), counts
    assert counts["InvalidCredentials"] + counts["RATE_LIMITED"] == 100


async def test_one_password_for_many_accounts_is_limited_by_the_address(service: Service) -> None:
    address = new_address()
    async with service.client() as http:
        started = time.monotonic()
        answers = [await service.log_in(http, new_email(), "Winter2026!", address) for _ in range(80)]
    counts = Counter(answers)
    assert answers[:30] == ["InvalidCredentials"] * 30
    assert counts["InvalidCredentials"] <= most_of_an_address_since(started)
    assert counts["InvalidCredentials"] + counts["RATE_LIMITED"] == 80


async def test_an_invented_address_is_not_believed(service: Service) -> None:
    """A client cannot choose its address: the trusted proxy appends the true one behind it."""
    true_address = new_address()
    async with service.client() as http:
        started = time.monotonic()
        answers = [
            await service.log_in(http, new_email(), "wrong", f"10.0.0.{number}, {true_address}") for number in range(60)
        ]
    counts = Counter(answers)
    assert counts["InvalidCredentials"] <= most_of_an_address_since(started)
    assert counts["InvalidCredentials"] + counts["RATE_LIMITED"] == 60


@pytest.mark.parametrize("aliases", [2, 30, 600])
async def test_guesses_in_one_request_are_refused_before_any_of_them_runs(service: Service, aliases: int) -> None:
    email, address = new_email(), new_address()
    guesses = " ".join(
        f'g{n}: login(input: {{email: "{email}", password: "guess {n}"}}) {{ __typename }}' for n in range(aliases)
    )
    async with service.client() as http:
        response = await http.post(
            "/graphql", json={"query": f"mutation {{ {guesses} }}"}, headers={"x-forwarded-for": address}
        )
        assert "data" not in response.json()
        assert outcome(response.json()) in REFUSED
        # None of the guesses was counted, because none was made.
        assert [await service.log_in(http, email, "wrong", address) for _ in range(10)] == ["InvalidCredentials"] * 10


async def test_an_honest_login_gets_through_a_flood_of_large_requests(service: Service) -> None:
    email = new_email()
    logins = " ".join(
        f'a{number}: login(input: {{email: "x@example.com", password: "{number:040}"}}) {{ __typename }}'
        for number in range(700)
    )
    large = {"query": f"mutation {{ {logins} }}"}
    assert len(logins) > 60_000
    async with service.client() as http:
        assert await service.sign_up(http, email, new_address()) == "Session"
        before = service.memory()
        flood = [
            asyncio.create_task(http.post("/graphql", json=large, headers={"x-forwarded-for": new_address()}))
            for _ in range(100)
        ]
        started = time.monotonic()
        assert await service.log_in(http, email, PASSWORD, new_address()) == "Session"
        took = time.monotonic() - started
        assert {outcome(response.json()) for response in await asyncio.gather(*flood)} <= REFUSED
    assert took < SECONDS
    assert service.memory() - before < MEGABYTES


async def test_an_honest_login_gets_through_a_flood_from_many_addresses(service: Service) -> None:
    """Two hundred logins at once: most are refused with 503, and who comes back a second later is served."""
    email, address = new_email(), new_address()
    async with service.client() as http:
        assert await service.sign_up(http, email, new_address()) == "Session"
        before = service.memory()
        flood = [asyncio.create_task(service.log_in(http, new_email(), "wrong", new_address())) for _ in range(200)]
        started = time.monotonic()
        while await service.log_in(http, email, PASSWORD, address) != "Session":
            assert time.monotonic() - started < SECONDS
            await asyncio.sleep(1)  # Retry-After
        counts = Counter(await asyncio.gather(*flood))
    assert set(counts) <= {"InvalidCredentials", "SERVICE_UNAVAILABLE"}
    assert service.memory() - before < MEGABYTES


async def test_a_login_beyond_the_queue_says_when_to_come_back(service: Service) -> None:
    async with service.client() as http:
        responses = await asyncio.gather(
            *(service.send(http, new_address(), LOGIN, email=new_email(), password="wrong") for _ in range(190))
        )
    refused = [each.json() for each in responses if outcome(each.json()) == "SERVICE_UNAVAILABLE"]
    assert refused
    assert {body["errors"][0]["extensions"]["retryAfter"] for body in refused} == {1}


async def test_an_honest_login_gets_through_clients_that_leave_at_once(service: Service) -> None:
    email = new_email()
    async with service.client() as http:
        assert await service.sign_up(http, email, new_address()) == "Session"
        before = service.memory()
        for _ in range(3):
            await asyncio.gather(*(leave_at_once(service) for _ in range(100)))
        started = time.monotonic()
        while await service.log_in(http, email, PASSWORD, new_address()) != "Session":
            assert time.monotonic() - started < SECONDS
            await asyncio.sleep(1)  # Retry-After
    assert service.memory() - before < MEGABYTES


async def leave_at_once(service: Service) -> None:
    body = b'{"query":"mutation { login(input: {email: \\"%s\\", password: \\"wrong\\"}) { __typename } }"}'
    body %= new_email().encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"x-forwarded-for: {new_address()}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(service.url).port)
    writer.write(head.encode() + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_a_stranger_does_not_lock_out_the_owner(service: Service) -> None:
    email, stranger, home = new_email(), new_address(), new_address()
    async with service.client() as http:
        assert await service.sign_up(http, email, home) == "Session"
        for _ in range(3):
            await asyncio.gather(*(service.log_in(http, email, "wrong", stranger) for _ in range(30)))
            await asyncio.sleep(1)  # the stranger's next wait
        response = await service.send(http, home, LOGIN, email=email, password=PASSWORD)
        wait = 0
        if outcome(response.json()) == "RATE_LIMITED":
            wait = response.json()["errors"][0]["extensions"]["retryAfter"]
            assert wait <= OWNER_WAITS
            await asyncio.sleep(wait)
        assert await service.log_in(http, email, PASSWORD, home) == "Session"
        # The owner's success did not help the stranger.
        answers = [await service.log_in(http, email, "wrong", stranger) for _ in range(4)]
        assert answers[-1] == "RATE_LIMITED"


async def test_nothing_tells_whether_an_account_exists(service: Service) -> None:
    known, unknown = new_email(), new_email()
    async with service.client() as http:
        assert await service.sign_up(http, known, new_address()) == "Session"
        answers: dict[str, list[bytes]] = {}
        for email in (known, unknown):
            address = new_address()
            responses = [await service.send(http, address, LOGIN, email=email, password="wrong") for _ in range(12)]
            answers[email] = [response.content for response in responses]
    assert answers[known] == answers[unknown]
    assert b"RATE_LIMITED" in answers[known][-1]


async def test_weak_choices_are_limited_by_the_address(service: Service) -> None:
    address = new_address()
    async with service.client() as http:
        weak = {"email": new_email(), "password": "12345678901", "name": "Ann"}
        answers = [outcome((await service.send(http, address, REGISTER, **weak)).json()) for _ in range(60)]
    assert answers[:30] == ["WeakPassword"] * 30
    assert "RATE_LIMITED" in answers[30:]


async def test_registrations_are_limited_by_the_address(service: Service) -> None:
    address = new_address()
    async with service.client() as http:
        answers = [await service.sign_up(http, new_email(), address) for _ in range(15)]
        assert answers == ["Session"] * 10 + ["RATE_LIMITED"] * 5
        # What is taken is found out ten times an hour, not more.
        assert await service.sign_up(http, new_email(), new_address()) == "Session"


@pytest.mark.parametrize("part", ["a", "\u00e9", "b.", "\ufdfa", '\\"', "@", " "])
async def test_texts_of_a_megabyte_are_refused(service: Service, part: str) -> None:
    text = part * (600_000 // len(part.encode()))
    email, address = new_email(), new_address()
    async with service.client() as http:
        for fields in ({"email": text, "password": "x"}, {"email": email, "password": text}):
            assert outcome((await service.send(http, address, LOGIN, **fields)).json()) == "InvalidCredentials"
        for name in ("email", "password", "name"):
            fields = {"email": email, "password": PASSWORD, "name": "Ann", name: text}
            response = await service.send(http, address, REGISTER, **fields)
            assert outcome(response.json()) == "BAD_USER_INPUT"


async def test_only_running_hashes_outlive_their_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty clients leave as soon as they have sent their request; the hashes that still wait are never begun."""
    hashed: list[str] = []
    matches = PasswordHasher._matches  # noqa: SLF001 - counted where it runs, in the thread

    def counted(hasher: PasswordHasher, password: str, encoded: str) -> bool:
        hashed.append(password)
        return matches(hasher, password, encoded)

    monkeypatch.setattr(PasswordHasher, "_matches", counted)
    variables = {"MOSAFE_ENV": "production", "MOSAFE_DATA_DIR": str(tmp_path), "SUBGRAPH_SIGNATURES": "off"}
    app = create_app(load(AuthSettings, variables))
    async with running(app) as http:
        await asyncio.gather(*(disconnected_login(app, number) for number in range(30)))
        assert len(hashed) <= 2 * threads()
        body = {"query": LOGIN, "variables": {"input": {"email": "ann@example.com", "password": "wrong"}}}
        assert outcome((await http.post("/graphql", json=body)).json()) == "InvalidCredentials"
        assert len(hashed) <= 2 * threads() + 1


async def disconnected_login(app: ASGIApp, number: int) -> None:
    """A request whose client closes the connection behind it."""
    fields = {"email": f"user{number}@example.com", "password": "wrong"}
    body = json.dumps({"query": LOGIN, "variables": {"input": fields}}).encode()
    messages: list[Message] = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return messages.pop(0) if len(messages) > 1 else messages[0]

    async def send(_message: Message) -> None:
        """Nobody receives the response."""

    headers = [(b"host", b"x"), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "headers": headers,
        "client": (f"203.0.113.{number}", 50_000),
        "server": ("x", 80),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    await app(scope, receive, send)
