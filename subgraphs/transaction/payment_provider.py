"""The payment provider: the source of deposits, the destination of withdrawals and payments.

A provider works in two phases, as card networks do. `authorise` reserves the money but does not move it. `capture`
moves the money after the ledger has posted. `void` ends the reservation after the ledger has refused. Each call carries
the transaction's id and may be repeated any number of times, so after a crash all steps of the order are repeated:

| crash after | the second run |
|---|---|
| PENDING recorded | does everything for the first time |
| authorise | gets the same result again |
| posting | gets the results of `authorise` and of the posting again, then captures |
| capture or void | gets all results again, then records the outcome |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from decimal import Decimal

    from subgraphs.transaction.domain import TransactionType


class ProviderUnavailable(Exception):
    """The provider gave no definite result; the same call may be repeated."""


@dataclass(frozen=True, slots=True)
class PaymentInstruction:
    """An instruction to the provider. `transaction_id` makes every call idempotent."""

    transaction_id: str
    type: TransactionType
    amount: Decimal
    currency: str
    payee: str | None


class PaymentProvider(Protocol):
    """The client of a payment provider. Each method returns within seconds, or raises ProviderUnavailable."""

    async def authorise(self, instruction: PaymentInstruction) -> bool:
        """Reserve the amount. Return False if the provider declines the instruction definitively.

        Raises:
            ProviderUnavailable: there is no definite result.
        """

    async def capture(self, instruction: PaymentInstruction) -> None:
        """Move the authorised amount. Raise ProviderUnavailable if it is not certain that the money was moved."""

    async def void(self, instruction: PaymentInstruction) -> None:
        """End the reservation. Raise ProviderUnavailable if it is not certain that the reservation has ended."""


# Test values for orders that the sandbox declines: the name of a payee (in upper or lower case), and the digits of an
# amount that real orders hardly ever have. Sandboxes of card networks have such values too.
DECLINED_PAYEE: Final = "SANDBOX DECLINE"
DECLINED_DIGITS: Final = 131313


class SandboxProvider:
    """A simulated provider, which moves no money. It approves all instructions with two exceptions.

    It declines a payment to `DECLINED_PAYEE`, and any order whose amount has the digits of `DECLINED_DIGITS`: 1313.13
    USD, 131313 JPY. The result depends on the instruction alone, so a repeated call gets the same result.
    """

    async def authorise(self, instruction: PaymentInstruction) -> bool:
        declined_payee = (instruction.payee or "").strip().upper() == DECLINED_PAYEE
        digits = int("".join(map(str, instruction.amount.as_tuple().digits)))
        return not declined_payee and digits != DECLINED_DIGITS

    async def capture(self, instruction: PaymentInstruction) -> None:
        """Do nothing, because no money was reserved."""

    async def void(self, instruction: PaymentInstruction) -> None:
        """Do nothing, because no money was reserved."""
