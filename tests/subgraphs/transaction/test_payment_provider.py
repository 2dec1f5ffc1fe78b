"""The provider in the process, and the test values and test instruments.

Covers `subgraphs/transaction/payments/simulated_provider.py` and
`subgraphs/transaction/payments/sandbox_instruments.py`.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from bank.values import new_object_id
from subgraphs.transaction.domain import TransactionType
from subgraphs.transaction.payment_provider import PaymentInstruction
from subgraphs.transaction.payments.sandbox_instruments import SandboxInstrument
from subgraphs.transaction.payments.simulated_provider import SimulatedProvider


@pytest.mark.parametrize(
    ("kind", "amount", "currency", "payee", "approved"),
    [
        (TransactionType.PAYMENT, "10.00", "USD", "Water works", True),
        (TransactionType.PAYMENT, "10.00", "USD", "Sandbox Decline", False),
        (TransactionType.PAYMENT, "10.00", "USD", "Sandbox Decline Ltd", True),
        (TransactionType.DEPOSIT, "10.00", "USD", None, True),
        (TransactionType.DEPOSIT, "1313.13", "USD", None, False),
        (TransactionType.WITHDRAWAL, "131313", "JPY", None, False),
        (TransactionType.WITHDRAWAL, "131.313", "KWD", None, False),
        (TransactionType.WITHDRAWAL, "13131.30", "USD", None, True),
    ],
)
async def test_the_sandbox_declines_its_documented_values_only_and_every_time(
    kind: TransactionType, amount: str, currency: str, payee: str | None, *, approved: bool
) -> None:
    instruction = PaymentInstruction(new_object_id(), kind, Decimal(amount), currency, payee)
    provider = SimulatedProvider()
    assert await provider.authorise(instruction) is approved
    assert await provider.authorise(instruction) is approved


@pytest.mark.parametrize("instrument", [*SandboxInstrument, "pi_of_nobody"])
async def test_an_instrument_that_ends_in_a_refusal_is_declined(instrument: str) -> None:
    order = new_object_id()
    instruction = PaymentInstruction(order, TransactionType.DEPOSIT, Decimal("10.00"), "USD", None, instrument)
    provider, declined = SimulatedProvider(), {"pi_decline", "pi_pending_fail", "pi_of_nobody"}
    assert await provider.authorise(instruction) is (instrument not in declined)
    assert await provider.state(order) is None
