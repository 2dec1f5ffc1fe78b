"""Money survives the sudden death of any process in the middle of transfers.

Customers send transfers in both directions, and repeat each order under its idempotency key until its outcome is
known. Meanwhile one process is killed and started again. Afterwards every order was carried out at most once, every
balance is the sum of the completed orders, and the ledger's own check passes.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import uuid
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.e2e.cluster import NAMES, Cluster
from tests.e2e.platform import PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

# Each round restarts an interpreter, and a run by hand may have many rounds.
pytestmark = pytest.mark.timeout(3600)

CUSTOMERS = 4
ORDERS_PER_ROUND = 40
START_BALANCE = Decimal("1000.00")
SETTLE_SECONDS = 60
# How many orders are in flight when the process is killed.
CONCURRENCY = 8


@dataclass
class Customer:
    email: str
    headers: dict[str, str]
    account_id: str
    expected: Decimal = START_BALANCE

    async def log_in(self, client: httpx.AsyncClient) -> None:
        """Start a new session, because an access token expires after some rounds."""
        response = await client.post("/api/auth/login", json={"email": self.email, "password": PASSWORD})
        assert response.status_code == 200, response.text
        self.headers = {"authorization": f"Bearer {response.json()['accessToken']}"}


@dataclass(frozen=True)
class Order:
    source: Customer
    destination: Customer
    amount: Decimal
    key: str = field(default_factory=lambda: uuid.uuid4().hex)

    async def send_until_known(self, client: httpx.AsyncClient) -> int:
        """Send the order until its outcome is known, as a careful client does; returns the status of that response."""
        body = {
            "sourceAccountId": self.source.account_id,
            "destinationAccountId": self.destination.account_id,
            "amount": str(self.amount),
            "currency": "EUR",
            "metadata": {"order": self.key},
        }
        while True:
            try:
                response = await client.post(
                    "/api/transactions/transfer",
                    json=body,
                    headers={**self.source.headers, "idempotency-key": self.key},
                )
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if response.status_code in {201, 202, 422}:
                return response.status_code
            # 409: another process still works on the key; 5xx: a part of the platform is down.
            assert response.status_code == 409 or response.status_code >= 500, response.text
            await asyncio.sleep(0.05)


async def test_killing_any_process_loses_no_money(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    rounds = request.config.getoption("--crash-rounds")
    chance = random.Random(20261124)
    async with Cluster(tmp_path) as cluster:
        customers = await asyncio.gather(*(open_customer(cluster.client) for _ in range(CUSTOMERS)))
        for number in range(rounds):
            victim = NAMES[number % len(NAMES)]
            await asyncio.gather(*(customer.log_in(cluster.client) for customer in customers))
            orders = [random_order(customers, chance) for _ in range(ORDERS_PER_ROUND)]
            await run_round(cluster, orders, victim, chance.uniform(0, 0.3))
            await settle(cluster.client, customers)
            await check_round(cluster.client, customers, orders)
    check_ledger(tmp_path)


async def open_customer(client: httpx.AsyncClient) -> Customer:
    email = f"{uuid.uuid4().hex}@example.com"
    registration = {"email": email, "password": PASSWORD, "name": "Ada"}
    session = await post(client, "/api/auth/register", registration, {})
    headers = {"authorization": f"Bearer {session['accessToken']}"}
    account = await post(client, "/api/accounts", {"type": "CHECKING", "currency": "EUR"}, headers)
    deposit = {
        "type": "DEPOSIT",
        "destinationAccountId": account["id"],
        "amount": str(START_BALANCE),
        "currency": "EUR",
    }
    await post(client, "/api/transactions", deposit, headers)
    return Customer(email, headers, account["id"])


async def post(client: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    response = await client.post(path, json=body, headers=headers)
    assert response.status_code == 201, f"{path}: {response.status_code} {response.text}"
    parsed: dict[str, Any] = response.json()
    return parsed


def random_order(customers: list[Customer], chance: random.Random) -> Order:
    source, destination = chance.sample(customers, 2)
    # Some amounts exceed every balance, so that some orders are refused.
    amount = Decimal(chance.choice([chance.randint(1, 5_000), 1_000_000])).scaleb(-2)
    return Order(source, destination, amount)


async def run_round(cluster: Cluster, orders: list[Order], victim: str, delay: float) -> None:
    """Send `orders`, and kill and restart `victim` `delay` seconds after the first has a response."""
    gate = asyncio.Semaphore(CONCURRENCY)
    first_response = asyncio.Event()

    async def send(order: Order) -> None:
        async with gate:
            await order.send_until_known(cluster.client)
            first_response.set()

    async def crash() -> None:
        await first_response.wait()
        await asyncio.sleep(delay)  # the moment of the crash is random, so there is no condition to wait for
        cluster.kill(victim)
        cluster.start(victim)
        await cluster.wait_ready(victim)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(crash())
        for order in orders:
            tasks.create_task(send(order))


async def settle(client: httpx.AsyncClient, customers: list[Customer]) -> None:
    """Wait until the reconciler has finished the interrupted orders."""
    async with asyncio.timeout(SETTLE_SECONDS):
        for customer in customers:
            while (await transactions(client, customer, status="PENDING"))["data"]:
                await asyncio.sleep(0.1)


async def transactions(client: httpx.AsyncClient, customer: Customer, **query: str) -> dict[str, Any]:
    response = await client.get("/api/transactions", params={"limit": "100", **query}, headers=customer.headers)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def all_transactions(client: httpx.AsyncClient, customer: Customer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query: dict[str, str] = {}
    while True:
        page = await transactions(client, customer, **query)
        found += page["data"]
        if not page["pagination"]["hasMore"]:
            return found
        query = {"cursor": page["pagination"]["nextCursor"]}


async def check_round(client: httpx.AsyncClient, customers: list[Customer], orders: list[Order]) -> None:
    """Each order was carried out at most once, and each balance is the sum of the completed orders."""
    by_order: dict[str, dict[str, Any]] = {}
    for customer in customers:
        own = [item for item in await all_transactions(client, customer) if "order" in item["metadata"]]
        counts = Counter(item["metadata"]["order"] for item in own)
        assert max(counts.values(), default=1) == 1, "an order was recorded twice"
        by_order |= {item["metadata"]["order"]: item for item in own}
    for order in orders:
        transaction = by_order[order.key]
        assert transaction["status"] in {"COMPLETED", "FAILED"}
        if transaction["status"] == "COMPLETED":
            order.source.expected -= order.amount
            order.destination.expected += order.amount
    for customer in customers:
        response = await client.get(f"/api/accounts/{customer.account_id}/balance", headers=customer.headers)
        assert Decimal(response.json()["balance"]) == customer.expected
    assert sum(customer.expected for customer in customers) == START_BALANCE * len(customers)


def check_ledger(data_dir: Path) -> None:
    """Run the account service's own check on the files that the stopped processes left."""
    outcome = subprocess.run(
        [sys.executable, "-m", "mosafe", "account", "ledger", "check"],
        env={"MOSAFE_DATA_DIR": str(data_dir), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
