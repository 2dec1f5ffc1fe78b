"""The client of a payment provider against the sandbox provider: test instruments, lost messages and wrong responses.

Covers `mosafe/sandbox_provider/`, too, and `subgraphs/transaction/payments/open_payment_provider.py`,
`subgraphs/transaction/payments/provider_messages.py` and `subgraphs/transaction/payments/settings.py`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from bank.values import new_object_id
from servicekit.errors import ConfigurationError
from subgraphs.transaction.domain import TransactionType
from subgraphs.transaction.payment_provider import (
    PaymentInstruction,
    PaymentState,
    ProviderPending,
    ProviderUnavailable,
)
from subgraphs.transaction.payments.http_provider import HttpPaymentProvider
from subgraphs.transaction.payments.open_payment_provider import open_payment_provider
from subgraphs.transaction.payments.provider_messages import instruction_to_json
from subgraphs.transaction.payments.settings import PaymentSettings
from subgraphs.transaction.payments.simulated_provider import SimulatedProvider
from tests.subgraphs.transaction.payments.support import KEY, running_sandbox
from tests.subgraphs.transaction.support import START, Clock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.subgraphs.transaction.payments.support import Sandbox

S = PaymentState
SETTLED = timedelta(seconds=2)


def instruction(instrument: str | None = None, amount: str = "10.00", payee: str | None = None) -> PaymentInstruction:
    return PaymentInstruction(new_object_id(), TransactionType.PAYMENT, Decimal(amount), "USD", payee, instrument)


async def authorised(sandbox: Sandbox, given: PaymentInstruction) -> bool | None:
    """The provider's decision; None while it is pending."""
    try:
        return await sandbox.provider.authorise(given)
    except ProviderPending:
        return None


@pytest.mark.parametrize(
    ("given", "at_once", "later"),
    [
        (instruction(), True, True),
        (instruction("pi_approve"), True, True),
        (instruction("pi_decline"), False, False),
        (instruction("pi_of_nobody"), False, False),
        (instruction(payee="Sandbox Decline"), False, False),
        (instruction(amount="1313.13"), False, False),
        (instruction("pi_pending_settle"), None, True),
        (instruction("pi_pending_fail"), None, False),
        (instruction("pi_chargeback"), True, True),
    ],
    ids=lambda value: value.instrument if isinstance(value, PaymentInstruction) else None,
)
async def test_an_instrument_decides_and_a_repetition_gets_the_same_result(
    tmp_path: Path, given: PaymentInstruction, *, at_once: bool | None, later: bool
) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        assert [await authorised(sandbox, given) for _ in range(2)] == [at_once, at_once]
        sandbox.clock.advance(SETTLED)
        assert [await authorised(sandbox, given) for _ in range(2)] == [later, later]


async def test_a_payment_is_captured_or_voided_once(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        captured, voided, declined = instruction(), instruction(), instruction("pi_decline")
        for given in (captured, voided, declined):
            await sandbox.provider.authorise(given)
        for _ in range(2):
            await sandbox.provider.capture(captured)
            await sandbox.provider.void(voided)
        for act, given in (
            (sandbox.provider.void, captured),
            (sandbox.provider.capture, voided),
            (sandbox.provider.capture, declined),
            (sandbox.provider.capture, instruction()),
        ):
            with pytest.raises(ProviderUnavailable):
                await act(given)
        states = [await sandbox.provider.state(each.transaction_id) for each in (captured, voided, declined)]
        assert states == [S.CAPTURED, S.VOIDED, S.DECLINED]
        assert await sandbox.provider.state(new_object_id()) is None


async def test_a_chargeback_comes_after_the_capture_and_the_money_still_counts_as_moved(tmp_path: Path) -> None:
    given = instruction("pi_chargeback")
    async with running_sandbox(tmp_path) as sandbox:
        assert await sandbox.provider.authorise(given)
        sandbox.clock.advance(10 * SETTLED)
        await sandbox.provider.capture(given)
        assert await sandbox.provider.state(given.transaction_id) is S.CAPTURED
        sandbox.clock.advance(SETTLED)
        assert await sandbox.provider.state(given.transaction_id) is S.CHARGED_BACK
        await sandbox.provider.capture(given)
        assert await sandbox.provider.authorise(given)


async def test_after_a_timeout_the_client_asks_and_does_not_guess(tmp_path: Path) -> None:
    given = instruction("pi_timeout")
    async with running_sandbox(tmp_path, call_seconds=0.1) as sandbox:
        assert await sandbox.provider.authorise(given)
        assert sandbox.transport.calls == ["POST /v1/payments", f"GET /v1/payments/{given.transaction_id}"]


async def test_lost_messages_are_resolved_by_asking_or_stay_unknown(tmp_path: Path) -> None:
    given = instruction()
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.transport.lose_requests = 1
        with pytest.raises(ProviderUnavailable):
            await sandbox.provider.authorise(given)  # the provider has no payment, which proves nothing
        sandbox.transport.lose_responses = 2
        with pytest.raises(ProviderUnavailable):
            await sandbox.provider.authorise(given)
        sandbox.transport.lose_responses = 1
        assert await sandbox.provider.authorise(given)
        sandbox.transport.lose_requests = 1
        with pytest.raises(ProviderUnavailable):
            await sandbox.provider.capture(given)
        sandbox.transport.lose_responses = 1
        await sandbox.provider.capture(given)
        assert await sandbox.provider.state(given.transaction_id) is S.CAPTURED


GOOD: dict[str, Any] = {
    "id": "pay_1",
    "type": "PAYMENT",
    "amount": "10.00",
    "currency": "USD",
    "state": "AUTHORISED",
    "createdAt": "2026-03-01T12:00:00.000Z",
    "updatedAt": "2026-03-01T12:00:00.000Z",
}


@pytest.mark.parametrize(
    "reply",
    [
        (500, b"oops"),
        (401, b"{}"),
        (429, b"{}"),
        (301, b""),
        (200, b"no JSON"),
        (200, b"[]"),
        (200, b"[" * 100_000),
        (200, b"{}"),
        (200, b" " * 100_000),
        (200, json.dumps({**GOOD, "orderId": "6" * 24}).encode()),
        *(
            (200, json.dumps({**GOOD, "orderId": "5" * 24, **wrong}).encode())
            for wrong in (
                {"amount": "10.01"},
                {"amount": "10"},
                {"amount": 10.0},
                {"currency": "EUR"},
                {"currency": "XXXX"},
                {"state": "APPROVED"},
                {"createdAt": "yesterday"},
            )
        ),
    ],
    ids=lambda reply: f"{reply[0]} {reply[1][:150]!r}",
)
async def test_a_response_that_proves_nothing_leaves_the_result_unknown(
    tmp_path: Path, reply: tuple[int, bytes]
) -> None:
    given = replace(instruction(), transaction_id="5" * 24)
    async with running_sandbox(tmp_path) as sandbox:
        for act in (sandbox.provider.authorise, sandbox.provider.capture, sandbox.provider.void):
            sandbox.transport.replies = [httpx.Response(reply[0], content=reply[1]) for _ in range(2)]
            with pytest.raises(ProviderUnavailable):
                await act(given)


async def test_an_instruction_that_the_provider_finds_invalid_is_declined(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.transport.replies = [httpx.Response(422, json={})]
        assert await sandbox.provider.authorise(instruction()) is False


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    pending, captured, clock = instruction("pi_pending_settle"), instruction(), Clock()
    async with running_sandbox(tmp_path, clock) as sandbox:
        assert await authorised(sandbox, pending) is None
        assert await sandbox.provider.authorise(captured)
        await sandbox.provider.capture(captured)
    clock.advance(SETTLED)
    async with running_sandbox(tmp_path, clock) as sandbox:
        assert await authorised(sandbox, pending)
        assert await sandbox.provider.state(captured.transaction_id) is S.CAPTURED


async def test_an_order_id_is_used_for_one_instruction(tmp_path: Path) -> None:
    given = instruction()
    async with running_sandbox(tmp_path) as sandbox:
        assert await sandbox.provider.authorise(given)
        for other in (replace(given, amount=Decimal("10.01")), replace(given, instrument="pi_decline")):
            response = await sandbox.client.post("/v1/payments", json=instruction_to_json(other))
            assert (response.status_code, response.json()["error"]["code"]) == (409, "ORDER_ID_REUSED")


BODY: dict[str, Any] = {"orderId": "5" * 24, "type": "DEPOSIT", "amount": "10.00", "currency": "USD"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/payments", BODY | {"amount": "10"}, 400),
        ("POST", "/v1/payments", BODY | {"amount": 10.0}, 400),
        ("POST", "/v1/payments", BODY | {"amount": "-10.00"}, 400),
        ("POST", "/v1/payments", BODY | {"currency": "usd"}, 400),
        ("POST", "/v1/payments", BODY | {"orderId": "5"}, 400),
        ("POST", "/v1/payments", BODY | {"type": "GIFT"}, 400),
        ("POST", "/v1/payments", BODY | {"payee": ["a"]}, 400),
        ("POST", "/v1/payments", [BODY], 400),
        ("POST", "/v1/payments", {}, 400),
        ("POST", "/v1/payments", {"x": "y" * 100_000}, 413),
        ("GET", f"/v1/payments/{'5' * 24}", None, 404),
        ("POST", f"/v1/payments/{'5' * 24}/capture", None, 404),
        ("POST", f"/v1/payments/{'5' * 24}/refund", None, 404),
        ("GET", "/v1/statement?from=yesterday", None, 400),
    ],
)
async def test_the_sandbox_refuses_what_it_does_not_understand(
    tmp_path: Path, method: str, path: str, body: object, status: int
) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        assert (await sandbox.client.request(method, path, json=body)).status_code == status
        wrong_key = [(b"authorization", "Bearer ä".encode())]
        answered = await sandbox.client.request(method, path, json=body, headers=wrong_key)
        assert answered.status_code == (401 if not path.endswith("refund") else 404)


async def test_the_statement_has_the_payments_of_the_period(tmp_path: Path) -> None:
    first, second = instruction("pi_decline"), instruction()
    async with running_sandbox(tmp_path) as sandbox:
        await sandbox.provider.authorise(first)
        sandbox.clock.advance(timedelta(hours=1))
        await sandbox.provider.authorise(second)
        everything = (await sandbox.client.get("/v1/statement")).json()
        states = [(each["orderId"], each["state"]) for each in everything["payments"]]
        assert states == [(first.transaction_id, "DECLINED"), (second.transaction_id, "AUTHORISED")]
        hour = {"from": "2026-03-01T12:00:00Z", "to": "2026-03-01T13:00:00Z"}
        assert START.isoformat() == "2026-03-01T12:00:00+00:00"
        answer = await sandbox.client.get("/v1/statement", params=hour, headers={"accept": "text/csv"})
        header, row, end = answer.text.split("\r\n")
        assert header == "orderId,paymentId,type,amount,currency,state,createdAt,updatedAt"
        assert row.startswith(f"{first.transaction_id},pay_")
        assert row.endswith(",PAYMENT,10.00,USD,DECLINED,2026-03-01T12:00:00.000Z,2026-03-01T12:00:00.000Z")
        assert end == ""


async def test_the_settings_choose_the_provider() -> None:
    key = SecretStr(KEY)
    async with open_payment_provider(PaymentSettings()) as provider:
        assert isinstance(provider, SimulatedProvider)
    async with open_payment_provider(PaymentSettings("http://127.0.0.1:9", key)) as provider:
        assert isinstance(provider, HttpPaymentProvider)
        with pytest.raises(ProviderUnavailable):
            await provider.authorise(instruction())
    with pytest.raises(ConfigurationError, match="PAYMENT_PROVIDER_KEY"):
        PaymentSettings("http://127.0.0.1:9")
