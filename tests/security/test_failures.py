"""Which service fails, and how, against which route: the status, through REST and GraphQL.

A failure may stop only what needs the failing part. It is 503 where a part is down, 504 where it is too slow, and 202
for an order whose outcome is not known yet; the reconciler then settles it. Before, orders were 500 while the account
service was down, hung or had a full disk, and so was everything of the auth service while its store was locked or full.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import sqlite3
import uuid
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.e2e.cluster import NAMES, Cluster
from tests.e2e.platform import PASSWORD, ROOT
from tests.e2e.test_crash import check_ledger, open_customer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    import httpx

    from tests.e2e.test_crash import Customer

pytestmark = [pytest.mark.xdist_group("failures"), pytest.mark.timeout(600)]

SETTLE_SECONDS = 60
# Longer than the five seconds that a store waits for a lock, and than the transaction service waits for the ledger.
FETCH_SECONDS = 8

OK: Final = (200, "")
CREATED: Final = (201, "")
DOWN: Final = (503, "SUBREQUEST_HTTP_ERROR")
UNAVAILABLE: Final = (503, "SERVICE_UNAVAILABLE")
TOO_SLOW: Final = (504, "GATEWAY_TIMEOUT")
# The service answers 202, whose GraphQL response has no error.
PENDING: Final = (202, "")

# Route -> the status through REST, and the code through GraphQL ("" without an error).
Expected = dict[str, tuple[int, str]]
HEALTHY: Final[Expected] = {
    "log in": OK,
    "me": OK,
    "account": OK,
    "open account": CREATED,
    "transactions": OK,
    "transfer": CREATED,
}


def failing(answer: tuple[int, str], *routes: str, **others: tuple[int, str]) -> Expected:
    """All routes work but `routes`, which have `answer`, and `others`."""
    return {**HEALTHY, **dict.fromkeys(routes, answer), **{name.replace("_", " "): it for name, it in others.items()}}


# (kind of failure, service) -> what each route answers.
TABLE: Final[dict[tuple[str, str], Expected]] = {
    ("down", "auth"): failing(DOWN, "log in", "me"),
    ("down", "account"): failing(DOWN, "account", "open account", transfer=UNAVAILABLE),
    ("down", "transaction"): failing(DOWN, "transactions", "transfer"),
    ("hangs", "auth"): failing(TOO_SLOW, "log in", "me"),
    ("hangs", "account"): failing(TOO_SLOW, "account", "open account", "transfer"),
    ("hangs", "transaction"): failing(TOO_SLOW, "transactions", "transfer"),
    ("locked", "auth"): failing(UNAVAILABLE, "log in"),
    ("locked", "account"): failing(UNAVAILABLE, "open account", transfer=PENDING),
    ("locked", "transaction"): failing(UNAVAILABLE, "transfer"),
    ("full", "auth"): failing(UNAVAILABLE, "log in"),
    ("full", "account"): failing(UNAVAILABLE, "open account", transfer=PENDING),
    ("full", "transaction"): failing(UNAVAILABLE, "transfer"),
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The router's settings, with a shorter time for each fetch."""
    text = (ROOT / "router.yaml").read_text(encoding="utf-8")
    assert "    timeout: 30s\n" in text
    path = tmp_path_factory.mktemp("router") / "router.yaml"
    path.write_text(text.replace("    timeout: 30s\n", f"    timeout: {FETCH_SECONDS}s\n"), encoding="utf-8")
    return path


@dataclass
class Bank:
    """A running platform with two customers."""

    cluster: Cluster
    ann: Customer
    bob: Customer

    async def answers(self) -> dict[str, tuple[int, str]]:
        """Each route's status through REST, and its code through GraphQL; all at the same time."""
        names = list(HEALTHY)
        # At the same time, because a request to a service that hangs takes `FETCH_SECONDS`.
        rest, codes = await asyncio.gather(
            asyncio.gather(*(self._rest(name) for name in names)),
            asyncio.gather(*(self._graphql(name) for name in names)),
        )
        return dict(zip(names, zip(rest, codes, strict=True), strict=True))

    async def _rest(self, name: str) -> int:
        response = await self._send(name)
        if response.status_code in {503, 504}:
            assert int(response.headers["retry-after"]) > 0
            expected = {503: "SERVICE_UNAVAILABLE", 504: "GATEWAY_TIMEOUT"}[response.status_code]
            assert response.json()["error"]["code"] == expected
        assert "Traceback" not in response.text
        return response.status_code

    def _send(self, name: str) -> Awaitable[httpx.Response]:
        client, headers = self.cluster.client, self.ann.headers
        match name:
            case "log in":
                return client.post("/api/auth/login", json={"email": self.ann.email, "password": PASSWORD})
            case "me":
                return client.get("/api/auth/me", headers=headers)
            case "account":
                return client.get(f"/api/accounts/{self.ann.account_id}", headers=headers)
            case "open account":
                return client.post("/api/accounts", json={"type": "SAVINGS", "currency": "EUR"}, headers=headers)
            case "transactions":
                return client.get("/api/transactions", headers=headers)
            case _:
                order = {"sourceAccountId": self.ann.account_id, "destinationAccountId": self.bob.account_id}
                body = {**order, "amount": "1.00", "currency": "EUR"}
                return client.post("/api/transactions/transfer", json=body, headers=headers)

    async def _graphql(self, name: str) -> str:
        """The code of the first error; a status other than 200 is not expected."""
        credentials = f'email: "{self.ann.email}", password: "{PASSWORD}"'
        order = (
            f'sourceAccountId: "{self.ann.account_id}", destinationAccountId: "{self.bob.account_id}", '
            f'amount: "1.00", currency: "EUR", idempotencyKey: "{uuid.uuid4().hex}"'
        )
        query = {
            "log in": f"mutation {{ login(input: {{{credentials}}}) {{ __typename }} }}",
            "me": "{ me { id name } }",
            "account": f'{{ account(id: "{self.ann.account_id}") {{ balance }} }}',
            "open account": 'mutation { openAccount(input: {type: SAVINGS, currency: "EUR"}) { __typename } }',
            "transactions": "{ transactions { nodes { id } } }",
            "transfer": f"mutation {{ transfer(input: {{{order}}}) {{ __typename }} }}",
        }[name]
        headers = {} if name == "log in" else self.ann.headers
        response = await self.cluster.client.post(
            f"{self.cluster.url('router')}/graphql", json={"query": query}, headers=headers
        )
        body: dict[str, Any] = response.json()
        if "errors" not in body:
            return ""
        extensions = body["errors"][0]["extensions"]
        if extensions["code"] == "SERVICE_UNAVAILABLE":
            assert extensions["retryAfter"] > 0
        return str(extensions["code"])

    async def settle(self) -> None:
        """Wait until every order has an outcome."""
        async with asyncio.timeout(SETTLE_SECONDS):
            while True:
                query = {"status": "PENDING"}
                response = await self.cluster.client.get("/api/transactions", params=query, headers=self.ann.headers)
                if response.status_code == 200 and not response.json()["data"]:
                    return
                await asyncio.sleep(0.1)

    async def wait_until_store_fails(self, service: str) -> None:
        """Wait until the service is not ready, which it may be for a second after a write that succeeded."""
        async with asyncio.timeout(SETTLE_SECONDS):
            while (body := (await self._readiness(service)).json())["status"] == "ready":
                await asyncio.sleep(0.1)
        assert body["failing"] == ["store"]

    async def are_ready(self) -> bool:
        return all([(await self._readiness(name)).status_code == 200 for name in NAMES])

    async def _readiness(self, service: str) -> httpx.Response:
        return await self.cluster.client.get(f"{self.cluster.url(service)}/health/ready")


@asynccontextmanager
async def down(bank: Bank, service: str) -> AsyncIterator[None]:
    bank.cluster.kill(service)
    try:
        yield
    finally:
        bank.cluster.start(service)
        await bank.cluster.wait_ready(service)


@asynccontextmanager
async def hangs(bank: Bank, service: str) -> AsyncIterator[None]:
    process = bank.cluster.running[service]
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def locked(bank: Bank, service: str) -> AsyncIterator[None]:
    path = bank.cluster.data_dir / f"{service}.sqlite3"
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await bank.wait_until_store_fails(service)
        yield
        other.execute("ROLLBACK")


@asynccontextmanager
async def full(bank: Bank, service: str) -> AsyncIterator[None]:
    """No file of the process can grow any more, the log included; the limit of a user's files acts like a full disk."""
    pid = bank.cluster.running[service].pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    try:
        await bank.wait_until_store_fails(service)
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


KINDS: Final[dict[str, Callable[[Bank, str], Any]]] = {"down": down, "hangs": hangs, "locked": locked, "full": full}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failure_stops_only_what_needs_the_failing_part(tmp_path: Path, settings: Path, kind: str) -> None:
    async with Cluster(tmp_path, settings) as cluster:
        ann, bob = await asyncio.gather(*(open_customer(cluster.client) for _ in range(2)))
        bank = Bank(cluster, ann, bob)
        assert await bank.answers() == HEALTHY
        differences: dict[str, object] = {}
        for service, expected in ((service, row) for (each, service), row in TABLE.items() if each == kind):
            async with KINDS[kind](bank, service):
                found = await bank.answers()
            differences |= {f"{service}: {name}": it for name, it in found.items() if it != expected[name]}
            await bank.settle()
        assert not differences
        assert await bank.answers() == HEALTHY
        assert await bank.are_ready()
        assert not [name for name in NAMES if "Traceback" in cluster.log(name)]
    check_ledger(tmp_path)
