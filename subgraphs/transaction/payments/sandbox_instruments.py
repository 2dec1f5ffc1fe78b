"""The test instruments and test values of the sandbox provider (docs/payments.md).

A test instrument is the input `paymentInstrument` of an order. It decides what happens to the payment, as test cards of
card networks do. This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from subgraphs.transaction.payment_provider import PaymentInstruction


class SandboxInstrument(StrEnum):
    """What happens to the payment."""

    APPROVE = "pi_approve"
    DECLINE = "pi_decline"
    PENDING_SETTLE = "pi_pending_settle"
    PENDING_FAIL = "pi_pending_fail"
    CHARGEBACK = "pi_chargeback"
    TIMEOUT = "pi_timeout"


# Test values of orders without an instrument that are declined: the name of a payee (in upper or lower case), and the
# digits of an amount that real orders hardly ever have.
DECLINED_PAYEE: Final = "SANDBOX DECLINE"
DECLINED_DIGITS: Final = 131313


def instrument_of(instruction: PaymentInstruction) -> SandboxInstrument:
    """Return what happens to a payment. The test values and unknown instruments are declined.

    The result depends on the instruction alone, so a repeated call gets the same result.
    """
    declined_payee = (instruction.payee or "").strip().upper() == DECLINED_PAYEE
    digits = int("".join(map(str, instruction.amount.as_tuple().digits)))
    if declined_payee or digits == DECLINED_DIGITS:
        return SandboxInstrument.DECLINE
    try:
        return SandboxInstrument(instruction.instrument or SandboxInstrument.APPROVE)
    except ValueError:
        return SandboxInstrument.DECLINE
