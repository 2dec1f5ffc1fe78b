from __future__ import annotations

from decimal import Decimal

import pytest

from bank.values import new_object_id
from subgraphs.transaction.domain import TransactionType
from subgraphs.transaction.payment_provider import PaymentInstruction
from subgraphs.transaction.payments.simulated_provider import SandboxProvider


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
    provider = SandboxProvider()
    assert await provider.authorise(instruction) is approved
    assert await provider.authorise(instruction) is approved
