"""The world outside of the bank: where deposits come from, where withdrawals and payments go.

A provider works in two phases, as card networks do. ``authorise`` promises and moves nothing; after the ledger has
posted, ``capture`` redeems the promise; when the ledger refuses, ``void`` releases it. Each call carries the
transaction's id and may be repeated any number of times, so that after a crash the whole order is simply run again:

====================  =======================================================================
crash after           what the second run does
====================  =======================================================================
PENDING recorded      everything for the first time
authorise             gets the first answer again
posting               gets both first answers again, then captures
capture or void       gets all first answers again, then records the outcome
====================  =======================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from decimal import Decimal

    from subgraphs.transaction.domain import TransactionType


class ProviderUnavailable(Exception):
    """The provider gave no definite answer; the same call may be made again."""


@dataclass(frozen=True, slots=True)
class PaymentInstruction:
    """What the provider is asked to do. ``transaction_id`` makes every call idempotent."""

    transaction_id: str
    type: TransactionType
    amount: Decimal
    currency: str
    payee: str | None


class PaymentProvider(Protocol):
    """Each method answers within seconds, or raises ProviderUnavailable."""

    async def authorise(self, instruction: PaymentInstruction) -> bool:
        """Promise to carry ``instruction`` out; False declines it for good.

        Raises:
            ProviderUnavailable: no definite answer.
        """

    async def capture(self, instruction: PaymentInstruction) -> None:
        """Carry out what was authorised. Raises ProviderUnavailable when that is not certain."""

    async def void(self, instruction: PaymentInstruction) -> None:
        """Release what was authorised. Raises ProviderUnavailable when that is not certain."""


# Test values in the manner of card sandboxes: a payee in any case, and digits that no honest amount has by accident.
DECLINED_PAYEE: Final = "SANDBOX DECLINE"
DECLINED_DIGITS: Final = 131313


class SandboxProvider:
    """Approves, and moves nothing.

    It declines a payment to :data:`DECLINED_PAYEE`, and any order whose amount has the digits of
    :data:`DECLINED_DIGITS`: 1313.13 USD, 131313 JPY. Its answer depends on the instruction alone, hence it needs no
    memory to be idempotent.
    """

    async def authorise(self, instruction: PaymentInstruction) -> bool:
        declined_payee = (instruction.payee or "").strip().upper() == DECLINED_PAYEE
        digits = int("".join(map(str, instruction.amount.as_tuple().digits)))
        return not declined_payee and digits != DECLINED_DIGITS

    async def capture(self, instruction: PaymentInstruction) -> None:
        """Nothing to move."""

    async def void(self, instruction: PaymentInstruction) -> None:
        """Nothing to release."""
