"""A payment provider in this process, for an installation that has no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from subgraphs.transaction.payments.sandbox_instruments import SandboxInstrument, instrument_of

if TYPE_CHECKING:
    from subgraphs.transaction.payment_provider import PaymentInstruction, PaymentState

# The test instruments whose orders a provider in the process declines.
_DECLINED: Final = frozenset({SandboxInstrument.DECLINE, SandboxInstrument.PENDING_FAIL})


class SimulatedProvider:
    """A simulated provider in this process, which moves no money and remembers nothing.

    It declines the test values and test instruments that end in a refusal (`sandbox_instruments`), and approves all
    other instructions at once.
    """

    async def authorise(self, instruction: PaymentInstruction) -> bool:
        return instrument_of(instruction) not in _DECLINED

    async def capture(self, instruction: PaymentInstruction) -> None:
        """Do nothing, because no money was reserved."""

    async def void(self, instruction: PaymentInstruction) -> None:
        """Do nothing, because no money was reserved."""

    async def state(self, order_id: str) -> PaymentState | None:
        """Return None, because nothing is remembered."""
