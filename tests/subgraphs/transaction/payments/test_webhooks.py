"""The webhooks of the payment provider: attacks, repetitions, order, chargebacks, and the sandbox as the sender.

Covers `subgraphs/transaction/payments/webhook_route.py`, `subgraphs/transaction/payments/provider_event.py` and
`mosafe/sandbox_provider/webhook_delivery.py`.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from structlog.testing import capture_logs

from bank.values import new_object_id, now
from subgraphs.transaction.payments.webhook_signature import HEADER, TOLERANCE_SECONDS, sign
from tests.subgraphs.bank import open_bank
from tests.subgraphs.transaction.payments.support import running_sandbox
from tests.subgraphs.transaction.support import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.subgraphs.bank import Bank
    from tests.subgraphs.transaction.payments.support import Sandbox

SECRET: Final = "q8Vt4mNz7cXb2LrK9sWd5GhJ3fPy6TaE"
OLD_SECRET: Final = "Zx7Qw3Er9Ty5Ui1Op8As6Df4Gh2Jk0Lz"
PATH: Final = "/webhooks/payments"
_SEEN = """query ($id: ID!) { transaction(id: $id) { status requestedBy { id } history { status } } }"""
_LIST = "{ transactions { nodes { id type status amount requestedBy { id } reversalOf { id } } } }"


@dataclass
class World:
    """The bank, and the sandbox as its provider, which sends nothing by itself: the tests send the webhooks."""

    bank: Bank
    sandbox: Sandbox

    async def deposit(self, instrument: str, amount: str = "10.00") -> tuple[dict[str, Any], dict[str, Any]]:
        account = await self.bank.open(self.bank.ann)
        given = {"destinationAccountId": account["id"], "amount": amount, "paymentInstrument": instrument}
        placed = await self.bank.order(self.bank.ann, "deposit", **given)
        return account, placed["transaction"]

    async def send(
        self, event: object, *, at: float | None = None, secrets: tuple[str, ...] = (SECRET,), header: str | None = None
    ) -> httpx.Response:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        signature = header if header is not None else sign(body, secrets, int(time.time() if at is None else at))
        return await self.bank.transactions.post(PATH, content=body, headers={HEADER: signature})

    async def status(self, transaction_id: str) -> str:
        seen = await self.bank.as_(self.bank.ann).execute(_SEEN, {"id": transaction_id})
        status: str = seen.ok()["transaction"]["status"]
        return status

    async def transactions(self) -> list[dict[str, Any]]:
        listed = (await self.bank.as_(self.bank.staff).execute(_LIST)).ok()
        nodes: list[dict[str, Any]] = listed["transactions"]["nodes"]
        return nodes


def event_of(transaction: dict[str, Any], kind: str = "payment.authorised") -> dict[str, object]:
    return {
        "id": f"evt_{new_object_id()}",
        "type": kind,
        "createdAt": "2026-03-01T12:00:00.000Z",
        "orderId": transaction["id"],
        "paymentId": "pay_1",
    }


@asynccontextmanager
async def opened(folder: Path, **environment: str) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(running_sandbox(folder / "provider"))
        variables = {"PAYMENT_WEBHOOK_SECRET": SECRET, "PAYMENT_WEBHOOK_OLD_SECRET": OLD_SECRET, **environment}
        bank = await stack.enter_async_context(open_bank(folder, sandbox.provider, **variables))
        yield World(bank, sandbox)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


ATTACKS: Final[dict[str, tuple[Callable[[bytes, int], tuple[bytes, str]], str]]] = {
    "no signature": (lambda body, _: (body, ""), "no signature"),
    "wrong key": (lambda body, at: (body, sign(body, ["x" * 32], at)), "wrong signature"),
    "changed body": (lambda body, at: (body + b" ", sign(body, [SECRET], at)), "wrong signature"),
    "changed time": (
        lambda body, at: (body, sign(body, [SECRET], at - 400).replace(str(at - 400), str(at))),
        "wrong signature",
    ),
    "old time": (lambda body, at: (body, sign(body, [SECRET], at - TOLERANCE_SECONDS - 5)), "too old"),
    "future time": (lambda body, at: (body, sign(body, [SECRET], at + TOLERANCE_SECONDS + 5)), "from the future"),
    "signature cut": (lambda body, at: (body, sign(body, [SECRET], at)[:-1]), "malformed signature"),
    "time of another service": (lambda body, at: (body, sign(body, [SECRET], at // 60)), "too old"),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_changes_nothing_and_is_a_security_event(world: World, name: str) -> None:
    attack, reason = ATTACKS[name]
    _, placed = await world.deposit("pi_pending_settle")
    world.sandbox.clock.advance(timedelta(seconds=2))
    body, header = attack(json.dumps(event_of(placed)).encode(), int(time.time()))
    with capture_logs() as lines:
        refused = await world.send(body, header=header)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "WEBHOOK_REFUSED")
    logged = [line for line in lines if line["event"] == "payment webhook refused"]
    assert [(line["reason"], line["log_level"]) for line in logged] == [(reason, "warning")]
    assert await world.status(placed["id"]) == "PENDING"


async def test_a_replay_is_refused_and_a_repetition_is_a_duplicate(world: World) -> None:
    _, placed = await world.deposit("pi_chargeback")
    world.sandbox.clock.advance(timedelta(seconds=2))
    event, at = event_of(placed, "payment.charged_back"), time.time()
    outcomes = [await world.send(event, at=at), await world.send(event, at=at), await world.send(event, at=at + 1)]
    assert [outcome.status_code for outcome in outcomes] == [200, 401, 200]
    # A replay with the code of the other secret is the same message.
    assert (await world.send(event, at=at, secrets=(OLD_SECRET,))).status_code == 401
    assert [outcomes[0].json(), outcomes[2].json()] == [{"outcome": "accepted"}, {"outcome": "duplicate"}]
    assert [row["type"] for row in await world.transactions()] == ["REVERSAL", "DEPOSIT"]


async def test_both_secrets_are_accepted_while_one_is_replaced(world: World) -> None:
    _, placed = await world.deposit("pi_approve")
    for secrets in ((SECRET,), (OLD_SECRET,), ("x" * 32, OLD_SECRET)):
        assert (await world.send(event_of(placed), secrets=secrets)).status_code == 200


async def test_an_unknown_order_is_404_and_not_recorded(world: World) -> None:
    event = event_of({"id": new_object_id()})
    for _ in range(2):
        answer = await world.send(event, at=time.time() + _)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "UNKNOWN_ORDER")


@pytest.mark.parametrize(
    "event",
    [
        b"no JSON",
        b"[]",
        b"[" * 50_000,
        b"\xff",
        {},
        *(
            event_of({"id": "5" * 24}) | {name: value}
            for name, value in (
                ("id", ""),
                ("id", "x" * 101),
                ("id", 7),
                ("type", "a b"),
                ("orderId", "5"),
                ("paymentId", None),
                ("createdAt", "yesterday"),
                ("createdAt", 7),
            )
        ),
    ],
    ids=lambda event: type(event).__name__,
)
async def test_a_signed_body_that_is_no_event_is_400(world: World, event: object) -> None:
    assert (await world.send(event)).status_code == 400


async def test_the_body_has_a_limit(world: World) -> None:
    assert (await world.send(b" " * 64_001)).status_code == 413


async def test_an_event_resumes_the_order_at_once(world: World) -> None:
    account, placed = await world.deposit("pi_pending_settle")
    assert placed["status"] == "PENDING"
    # The event is a hint, not a proof: the provider, which is asked, has not decided yet.
    assert (await world.send(event_of(placed))).json() == {"outcome": "accepted"}
    assert await world.status(placed["id"]) == "PENDING"
    world.sandbox.clock.advance(timedelta(seconds=2))
    await world.send(event_of(placed))
    assert await world.status(placed["id"]) == "COMPLETED"
    assert await world.bank.balance(world.bank.ann, account) == "10.00"


@pytest.mark.parametrize("kinds", [("captured", "authorised"), ("voided", "nonsense", "captured"), ("declined",)])
async def test_the_order_of_events_does_not_matter(world: World, kinds: tuple[str, ...]) -> None:
    _, placed = await world.deposit("pi_pending_settle")
    world.sandbox.clock.advance(timedelta(seconds=2))
    for kind in kinds:
        assert (await world.send(event_of(placed, f"payment.{kind}"))).status_code == 200
    assert await world.status(placed["id"]) == "COMPLETED"


async def test_a_chargeback_is_a_new_transaction_and_the_first_one_stays(world: World) -> None:
    account, placed = await world.deposit("pi_chargeback")
    assert placed["status"] == "COMPLETED"
    world.sandbox.clock.advance(timedelta(seconds=2))
    await world.send(event_of(placed, "payment.charged_back"))
    assert await world.bank.balance(world.bank.ann, account) == "0.00"
    reversal, first = await world.transactions()
    assert (first["id"], first["status"], first["amount"]) == (placed["id"], "REVERSED", "10.00")
    assert reversal == {
        "id": reversal["id"],
        "type": "REVERSAL",
        "status": "COMPLETED",
        "amount": "10.00",
        "requestedBy": None,
        "reversalOf": {"id": placed["id"]},
    }
    # The provider has taken the money back already, so it gets no instruction for the reversal.
    assert await world.sandbox.provider.state(reversal["id"]) is None
    await world.send(event_of(placed, "payment.charged_back"))
    assert len(await world.transactions()) == 2


async def test_a_chargeback_that_comes_before_the_order_is_completed_here_waits_for_it(world: World) -> None:
    account, placed = await world.deposit("pi_pending_settle")
    event = event_of(placed, "payment.charged_back")
    assert (await world.send(event)).json() == {"outcome": "accepted"}
    assert len(await world.transactions()) == 1
    world.sandbox.clock.advance(timedelta(seconds=2))
    # The order is completed, but the provider knows of no chargeback: the event alone moves no money.
    with capture_logs() as lines:
        await world.send(event_of(placed, "payment.charged_back"))
    assert "the provider knows of no chargeback" in [line["event"] for line in lines]
    assert await world.status(placed["id"]) == "COMPLETED"
    assert await world.bank.balance(world.bank.ann, account) == "10.00"


async def test_a_chargeback_of_spent_money_is_reported_and_no_balance_is_negative(world: World) -> None:
    account, placed = await world.deposit("pi_chargeback")
    await world.bank.order(world.bank.ann, "withdraw", sourceAccountId=account["id"], amount="6.00")
    world.sandbox.clock.advance(timedelta(seconds=2))
    with capture_logs() as lines:
        await world.send(event_of(placed, "payment.charged_back"))
    (alarm,) = [line for line in lines if line["event"] == "chargeback not covered"]
    assert (alarm["log_level"], alarm["problem"]) == ("error", "INSUFFICIENT_FUNDS")
    assert await world.bank.balance(world.bank.ann, account) == "4.00"
    assert await world.status(placed["id"]) == "COMPLETED"


async def test_the_route_needs_no_signature_of_the_router_but_one_of_the_provider(tmp_path: Path) -> None:
    async with opened(tmp_path, SUBGRAPH_SIGNATURES="on") as world:
        unsigned = await world.bank.transactions.post("/graphql", json={"query": "{ __typename }"})
        assert (unsigned.status_code, unsigned.json()["errors"][0]["extensions"]["code"]) == (401, "SIGNATURE_REFUSED")
        assert (await world.send(event_of({"id": new_object_id()}))).status_code == 404


async def test_without_a_secret_there_is_no_route(tmp_path: Path) -> None:
    async with open_bank(tmp_path) as bank:
        assert (await bank.transactions.post(PATH, content=b"{}")).status_code == 404


@dataclass
class Delivery(httpx.AsyncBaseTransport):
    """The connection from the sandbox to the bank, which `bank` is told later. It loses the first `lost` requests."""

    bank: Bank | None = None
    lost: int = 0
    delivered: asyncio.Queue[tuple[str, int]] = field(default_factory=asyncio.Queue)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.lost or self.bank is None:
            self.lost -= 1
            raise httpx.ConnectError("connection refused", request=request)
        headers = {HEADER: request.headers[HEADER]}
        response = await self.bank.transactions.post(PATH, content=request.content, headers=headers)
        self.delivered.put_nowait((json.loads(request.content)["type"], response.status_code))
        return response


async def test_the_sandbox_sends_signed_events_until_they_are_accepted(tmp_path: Path) -> None:
    delivery, clock = Delivery(lost=2), Clock(now())
    variables = {"PAYMENT_WEBHOOK_SECRET": SECRET, "PAYMENT_WEBHOOK_OLD_SECRET": OLD_SECRET}
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(
            running_sandbox(tmp_path / "provider", clock, webhook_transport=delivery, environment=variables)
        )
        # The bank knows the old secret only.
        bank = await stack.enter_async_context(open_bank(tmp_path, sandbox.provider, PAYMENT_WEBHOOK_SECRET=OLD_SECRET))
        delivery.bank = bank
        world = World(bank, sandbox)
        account, placed = await world.deposit("pi_chargeback")
        seen: list[tuple[str, int]] = []
        # An event that was lost first comes again later, so the events come in any order.
        expected = {"payment.authorised", "payment.captured", "payment.charged_back"}
        while {kind for kind, _ in seen} != expected:
            clock.advance(timedelta(seconds=2))
            async with asyncio.timeout(60):
                seen.append(await delivery.delivered.get())
        assert {status for _, status in seen} == {200}
        assert await bank.balance(bank.ann, account) == "0.00"
        assert await world.status(placed["id"]) == "REVERSED"
