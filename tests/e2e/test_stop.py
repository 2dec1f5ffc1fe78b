"""SIGTERM to `mosafe up` in the middle of orders: each order gets a definite answer, and none is lost or left open."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.e2e.platform import PASSWORD, STOP_SECONDS, Person, Platform, start_platform

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(300)]

ORDERS = 55
SETTLE_SECONDS = 60


async def send_orders_and_stop(platform: Platform, person: Person, accounts: list[str]) -> dict[str, int]:
    """Send all orders at once and SIGTERM when the first has a response; the status of each, by its key."""
    first = asyncio.Event()
    limits = httpx.Limits(max_connections=ORDERS)
    async with httpx.AsyncClient(
        base_url=platform.rest_url, headers=person.headers, limits=limits, timeout=30
    ) as client:

        async def send(key: str) -> tuple[str, int]:
            order = {"sourceAccountId": accounts[0], "destinationAccountId": accounts[1], "amount": "1.00"}
            body = {**order, "currency": "EUR", "metadata": {"order": key}}
            response = await client.post("/api/transactions/transfer", json=body)
            first.set()
            if response.status_code == 503:
                assert response.headers["retry-after"]
                assert response.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
            return key, response.status_code

        async def stop() -> None:
            await first.wait()
            platform.process.send_signal(signal.SIGTERM)

        answers, _ = await asyncio.gather(asyncio.gather(*(send(uuid.uuid4().hex) for _ in range(ORDERS))), stop())
    return dict(answers)


async def recorded(platform: Platform, person: Person) -> dict[str, str]:
    """The status of each recorded order by its key, once none is PENDING; an order that was recorded twice fails."""
    async with httpx.AsyncClient(base_url=platform.rest_url, headers=person.headers, timeout=30) as client:
        async with asyncio.timeout(SETTLE_SECONDS):
            while (await page(client, status="PENDING"))["data"]:
                await asyncio.sleep(0.1)
        found = [item for item in (await page(client))["data"] if "order" in item["metadata"]]
    counts = Counter(item["metadata"]["order"] for item in found)
    assert max(counts.values(), default=1) == 1
    return {item["metadata"]["order"]: item["status"] for item in found}


async def page(client: httpx.AsyncClient, **query: str) -> dict[str, Any]:
    response = await client.get("/api/transactions", params={"limit": "100", **query})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def test_orders_in_flight_at_sigterm_get_a_definite_answer(tmp_path: Path) -> None:
    """Before, of 55 orders in flight 20 got 500 and 23 stayed PENDING, because all processes stopped at once."""
    platform = start_platform(tmp_path)
    person = platform.register()
    accounts = [platform.open_account(person, deposit="100.00")["id"] for _ in range(2)]
    statuses = await send_orders_and_stop(platform, person, accounts)
    assert platform.ended(STOP_SECONDS) == 0
    platform.client.close()
    assert set(statuses.values()) <= {201, 202, 503}, Counter(statuses.values())
    assert Counter(statuses.values())[201] > 1

    again = start_platform(tmp_path)
    try:
        # On other ports the tokens have another issuer.
        credentials = {"email": person.email, "password": PASSWORD}
        person = replace(person, access_token=again.call("POST", "/api/auth/login", json=credentials)["accessToken"])
        states = await recorded(again, person)
        balance = again.call("GET", f"/api/accounts/{accounts[0]}/balance", person)["balance"]
    finally:
        assert again.stop() == 0
    accepted = {key for key, status in statuses.items() if status in {201, 202}}
    assert states == dict.fromkeys(accepted, "COMPLETED")
    assert balance == f"{100 - len(accepted)}.00"


def test_a_second_signal_ends_everything_at_once(tmp_path: Path) -> None:
    """Before, a second Ctrl-C printed a traceback."""
    platform = start_platform(tmp_path)
    children = platform.children()
    for child in children:
        child.suspend()  # none can stop by itself
    platform.process.send_signal(signal.SIGINT)
    platform.wait_for_line("stopping rest, router, transaction, account, auth")
    platform.process.send_signal(signal.SIGINT)
    assert platform.ended(15) == 1  # without the second signal, it takes 20 s
    platform.client.close()
    assert not [child for child in children if child.is_running()]
    assert not [line for line in platform.lines if "Traceback" in line]
