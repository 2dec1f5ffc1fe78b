"""Money moves once or not at all, even if calls between the two services are lost.

Covers `subgraphs/transaction/app.py` and `subgraphs/account/app.py` together.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.subgraphs.bank import POSTINGS, Bank, open_bank

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

STATUS = "query ($id: ID!) { transaction(id: $id) { status problem { code } } }"


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def status(bank: Bank, response: dict[str, Any]) -> str:
    found = (await bank.as_(bank.staff).execute(STATUS, {"id": response["transaction"]["id"]})).ok()["transaction"]
    text: str = found["status"]
    return text


@pytest.mark.parametrize("lost", ["lose_requests", "lose_responses"])
async def test_a_lost_transfer_is_pending_and_then_paid_once(bank: Bank, lost: str) -> None:
    source, destination = await bank.open(bank.ann, "25.00"), await bank.open(bank.bob)
    setattr(bank.transport, lost, [POSTINGS, POSTINGS])
    given = {"sourceAccountId": source["id"], "destinationAccountId": destination["id"], "idempotencyKey": "k"}
    response = await bank.order(bank.ann, "transfer", **given)
    assert response["transaction"]["status"] == "PENDING"
    await bank.pauses.another_round()
    assert await status(bank, response) == "PENDING"
    await bank.pauses.another_round()
    assert await status(bank, response) == "COMPLETED"
    assert (await bank.balance(bank.ann, source), await bank.balance(bank.bob, destination)) == ("15.00", "10.00")
    replay = await bank.order(bank.ann, "transfer", **given)
    assert (replay["replayed"], replay["transaction"]["status"]) == (True, "COMPLETED")


async def test_a_refusal_whose_response_was_lost_stays_a_refusal(bank: Bank) -> None:
    source = await bank.open(bank.ann, "5.00")
    bank.transport.lose_responses = [POSTINGS]
    response = await bank.order(bank.ann, "withdraw", sourceAccountId=source["id"], idempotencyKey="k")
    assert response["transaction"]["status"] == "PENDING"
    await bank.order(bank.ann, "deposit", destinationAccountId=source["id"], amount="50.00")
    await bank.pauses.another_round()
    assert await status(bank, response) == "FAILED"
    assert await bank.balance(bank.ann, source) == "55.00"
    replay = await bank.order(bank.ann, "withdraw", sourceAccountId=source["id"], idempotencyKey="k")
    assert (replay["code"], replay["available"]) == ("INSUFFICIENT_FUNDS", "5.00")


@pytest.mark.parametrize("lost", ["lose_requests", "lose_responses"])
async def test_a_restart_finishes_pending_orders(bank: Bank, lost: str) -> None:
    source, destination = await bank.open(bank.ann, "25.00"), await bank.open(bank.bob)
    setattr(bank.transport, lost, [POSTINGS])
    response = await bank.order(
        bank.ann, "transfer", sourceAccountId=source["id"], destinationAccountId=destination["id"]
    )
    assert response["transaction"]["status"] == "PENDING"
    async with bank.another_transaction_service():
        assert await status(bank, response) == "COMPLETED"
        assert await bank.balance(bank.bob, destination) == "10.00"


async def test_two_services_that_run_one_order_at_the_same_time_pay_once(bank: Bank) -> None:
    source, destination = await bank.open(bank.ann, "25.00"), await bank.open(bank.bob)
    given = {"sourceAccountId": source["id"], "destinationAccountId": destination["id"]}
    bank.transport.lose_requests = [POSTINGS]
    response = await bank.order(bank.ann, "transfer", **given)
    assert response["transaction"]["status"] == "PENDING"
    async with bank.another_transaction_service() as pauses:
        bank.transport.lose_requests = [POSTINGS, POSTINGS]
        second = await bank.order(bank.ann, "transfer", **given)
        await asyncio.gather(pauses.another_round(), bank.pauses.another_round())
        await asyncio.gather(pauses.another_round(), bank.pauses.another_round())
        assert await status(bank, second) == "COMPLETED"
    assert await bank.balance(bank.bob, destination) == "20.00"


async def test_the_order_of_a_client_that_disconnects_is_carried_out(bank: Bank) -> None:
    source, destination = await bank.open(bank.ann, "25.00"), await bank.open(bank.bob)
    given = {"sourceAccountId": source["id"], "destinationAccountId": destination["id"], "idempotencyKey": "k"}
    bank.transport.waiting.clear()
    bank.transport.gate.clear()
    call = asyncio.create_task(bank.order(bank.ann, "transfer", **given))
    await bank.transport.waiting.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    replay = await bank.order(bank.ann, "transfer", **given)
    assert (replay["replayed"], replay["transaction"]["status"]) == (True, "PENDING")
    bank.transport.gate.set()
    while await status(bank, replay) == "PENDING":
        await bank.pauses.another_round()
    assert await status(bank, replay) == "COMPLETED"
    assert await bank.balance(bank.bob, destination) == "10.00"


async def test_concurrent_transfers_over_a_faulty_network_lose_nothing(bank: Bank) -> None:
    ann, bob = await bank.open(bank.ann, "20.00"), await bank.open(bank.bob, "20.00")
    chance = random.Random(3)
    bank.transport.lose_requests, bank.transport.lose_responses = [POSTINGS] * 10, [POSTINGS] * 10

    async def pay(n: int) -> Any:
        person, source, destination = (bank.ann, ann, bob) if n % 2 else (bank.bob, bob, ann)
        return await bank.order(
            person,
            "transfer",
            sourceAccountId=source["id"],
            destinationAccountId=destination["id"],
            amount=f"{chance.randrange(1, 15)}.00",
            # Every order is sent twice.
            idempotencyKey=f"{n // 2}",
        )

    responses = await asyncio.gather(*map(pay, range(40)))
    for _ in range(25):
        await bank.pauses.another_round()
    listed = (await bank.as_(bank.staff).execute("{ transactions(first: 100) { nodes { id type status } } }")).ok()
    transfers = [node for node in listed["transactions"]["nodes"] if node["type"] == "TRANSFER"]
    outcomes = Counter(node["status"] for node in transfers)
    assert outcomes.keys() <= {"COMPLETED", "FAILED"}
    assert outcomes["COMPLETED"] > 0
    known = {response["transaction"]["id"] for response in responses if "transaction" in response}
    assert known <= {node["id"] for node in transfers}
    total = Decimal(await bank.balance(bank.ann, ann)) + Decimal(await bank.balance(bank.bob, bob))
    assert total == Decimal("40.00")
