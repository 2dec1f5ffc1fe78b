"""Many customers at once, honest and not: no answer is a server error, money stays right, and memory stays flat.

By hand for ten minutes: `pytest -n 0 tests/security/test_mixed_load.py --load-seconds=600`. The run prints its counts.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from tests.e2e.platform import PASSWORD, Person, Platform, start_platform

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

SEED = 12
CUSTOMERS = 6
# Each customer has one request in flight; the platform is busy, but below its limits.
REQUEST_SECONDS = 30
# A process fills caches and pools at first; then it may grow by this much, in bytes.
GROWTH = 20 * 2**20
# A short run ends while caches are still being filled.
SHORT_GROWTH = 80 * 2**20
SHORT_SECONDS = 60

EVERYTHING = """{ me { id name email accounts(first: 3) { nodes { id balance currency status
  transactions(first: 3) { nodes { id amount type status counterparty { accountNumber owner { name } } } } } } } }"""
HOSTILE_DOCUMENTS = (
    "{",
    "{ nothing }",
    "{ me { accounts(first: 100) { nodes { transactions(first: 100) { nodes { source { id } } } } } } }",
    "query " + "{ me { accounts(first: 1) { nodes { owner " * 8 + "{ id }" + " } } }" * 8 + "}",
    "{" + " ".join(f"a{n}: me {{ id }}" for n in range(60)) + "}",
    'mutation { login(input: {email: "x@example.com", password: "wrong"}) { __typename } }',
    "{ account(id: 7) { id } }",
    "query ($x: Int!) { accounts(first: $x) { nodes { id } } }",
)


@dataclass
class Load:
    """What the customers did. `statuses` counts (kind of request, status)."""

    platform: Platform
    end: float
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    slowest: float = 0.0

    async def send(self, kind: str, request: Awaitable[httpx.Response]) -> httpx.Response:
        started = time.monotonic()
        response = await request
        self.slowest = max(self.slowest, time.monotonic() - started)
        self.statuses[kind, response.status_code] += 1
        return response


class Customer:
    """Sends random requests, one after the other, and knows what its account must hold."""

    def __init__(self, load: Load, person: Person, account: dict[str, Any], chance: random.Random) -> None:
        self.load, self.person, self.account, self.chance = load, person, account, chance
        self.balance = Decimal("1000.00")
        self.client = httpx.AsyncClient(timeout=REQUEST_SECONDS, headers=person.headers)
        self.actions: list[Callable[[], Awaitable[None]]] = [
            self.read_by_rest,
            self.read_by_rest,
            self.read_by_graphql,
            self.read_by_graphql,
            self.withdraw,
            self.withdraw_twice_with_one_key,
            self.withdraw_too_much,
            self.send_nonsense_by_rest,
            self.send_nonsense_by_graphql,
            self.look_at_a_stranger,
            self.leave_before_the_response,
        ]

    async def run(self) -> None:
        async with self.client:
            while time.monotonic() < self.load.end:
                await self.chance.choice(self.actions)()

    def rest(self, path: str) -> str:
        return f"{self.load.platform.rest_url}{path}"

    async def read_by_rest(self) -> None:
        paths = ("/api/auth/me", "/api/accounts", "/api/transactions", f"/api/accounts/{self.account['id']}/balance")
        response = await self.load.send("read", self.client.get(self.rest(self.chance.choice(paths))))
        assert response.status_code == 200, response.text

    async def read_by_graphql(self) -> None:
        body = {"query": EVERYTHING}
        response = await self.load.send("graphql", self.client.post(self.load.platform.router_url, json=body))
        (account, *_) = response.json()["data"]["me"]["accounts"]["nodes"]
        assert Decimal(account["balance"]) == self.balance

    async def withdraw(self) -> None:
        await self._order("order", "1.00", uuid.uuid4().hex, 201)
        self.balance -= 1

    async def withdraw_twice_with_one_key(self) -> None:
        key = uuid.uuid4().hex
        first = await self._order("order", "0.50", key, 201)
        self.balance -= Decimal("0.50")
        assert (await self._order("replay", "0.50", key, 201)).json()["id"] == first.json()["id"]

    async def withdraw_too_much(self) -> None:
        await self._order("refused order", "900000.00", uuid.uuid4().hex, 422)

    async def _order(self, kind: str, amount: str, key: str, expected: int) -> httpx.Response:
        order = {"type": "WITHDRAWAL", "sourceAccountId": self.account["id"], "amount": amount, "currency": "EUR"}
        headers = {"idempotency-key": key}
        request = self.client.post(self.rest("/api/transactions"), json=order, headers=headers)
        response = await self.load.send(kind, request)
        assert response.status_code == expected, response.text
        return response

    async def send_nonsense_by_rest(self) -> None:
        body = self.chance.choice([b"{", b"[]", b'{"amount": 1e400}', b"\xff", b'{"a":' * 500, b"{}"])
        path = self.chance.choice(["/api/transactions", "/api/transactions/transfer", "/api/accounts", "/api/nothing"])
        headers = {"content-type": "application/json"}
        request = self.client.post(self.rest(path), content=body, headers=headers)
        assert 400 <= (await self.load.send("nonsense", request)).status_code < 500

    async def send_nonsense_by_graphql(self) -> None:
        body = {
            "query": self.chance.choice(HOSTILE_DOCUMENTS),
            "variables": {"x": self.chance.choice([-1, 10**9, "x"])},
        }
        name = self.chance.choice(["auth", "account", "transaction"])
        url = self.chance.choice([self.load.platform.router_url, self.load.platform.subgraph_url(name)])
        response = await self.load.send("nonsense", self.client.post(url, json=body))
        assert response.status_code < 500

    async def look_at_a_stranger(self) -> None:
        path = f"/api/accounts/{self.chance.getrandbits(96):024x}"
        assert (await self.load.send("stranger", self.client.get(self.rest(path)))).status_code == 404

    async def leave_before_the_response(self) -> None:
        request = self.client.post(self.load.platform.router_url, json={"query": EVERYTHING})
        try:
            await asyncio.wait_for(request, 0.005)
        except TimeoutError:
            self.load.statuses["left early", 0] += 1


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """A separate platform, because the test measures its memory."""
    platform = start_platform(tmp_path, MOSAFE_LOG_LEVEL="warning", SUBGRAPH_SIGNATURES="off")
    yield platform
    assert platform.stop() == 0, "\n".join(platform.lines[-20:])


def memory(platform: Platform) -> dict[int, int]:
    """The resident bytes of each process of the platform."""
    return {
        child.pid: child.memory_info().rss for child in platform.children() if child.status() != psutil.STATUS_ZOMBIE
    }


@pytest.mark.timeout(3_600)
async def test_a_mixed_load_gets_no_server_error_and_leaves_memory_flat(
    platform: Platform, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = float(pytestconfig.getoption("--load-seconds"))
    people = [platform.register(f"Customer {number}") for number in range(CUSTOMERS)]
    accounts = [platform.open_account(person, deposit="1000.00") for person in people]
    load = Load(platform, time.monotonic() + seconds)
    customers = [
        Customer(load, person, account, random.Random(SEED + number))
        for number, (person, account) in enumerate(zip(people, accounts, strict=True))
    ]
    running = [asyncio.create_task(customer.run()) for customer in customers]
    await asyncio.wait(running, timeout=seconds * 0.4)
    warm = memory(platform)
    await asyncio.gather(*running)

    growth = {pid: memory(platform)[pid] - before for pid, before in warm.items()}
    report = "\n".join(
        (
            f"\n{sum(load.statuses.values())} requests in {seconds:g} s, slowest {load.slowest:.2f} s",
            str({f"{kind} {status}": count for (kind, status), count in sorted(load.statuses.items())}),
            f"growth in MB: {sorted(round(grown / 2**20, 1) for grown in growth.values())}",
        )
    )
    with capsys.disabled():
        sys.stdout.write(f"{report}\n")
    assert not [status for _, status in load.statuses if status >= 500]
    assert max(growth.values()) < (SHORT_GROWTH if seconds < SHORT_SECONDS else GROWTH)
    for customer in customers:
        path = f"/api/accounts/{customer.account['id']}/balance"
        assert Decimal(platform.call("GET", path, customer.person)["balance"]) == customer.balance
    assert PASSWORD not in "".join(platform.lines)
