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

`payments.simulated_provider` is in the process itself; `payments.http_provider` calls a provider over HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from decimal import Decimal

    from subgraphs.transaction.domain import TransactionType


class PaymentState(StrEnum):
    """The states of a payment at the provider.

    ```
    PENDING -> AUTHORISED | DECLINED | FAILED      AUTHORISED -> CAPTURED | VOIDED      CAPTURED -> CHARGED_BACK
    ```
    """

    PENDING = "PENDING"
    AUTHORISED = "AUTHORISED"
    DECLINED = "DECLINED"
    FAILED = "FAILED"
    CAPTURED = "CAPTURED"
    VOIDED = "VOIDED"
    CHARGED_BACK = "CHARGED_BACK"


class ProviderUnavailable(Exception):
    """The provider gave no definite result; the same call may be repeated."""


class ProviderPending(ProviderUnavailable):
    """The provider has the instruction, but has not decided about it yet."""


@dataclass(frozen=True, slots=True)
class PaymentInstruction:
    """An instruction to the provider. `transaction_id` makes every call idempotent.

    Attributes:
        instrument: the provider's name of a card or bank account; None for the default of the customer.
    """

    transaction_id: str
    type: TransactionType
    amount: Decimal
    currency: str
    payee: str | None
    instrument: str | None = None


class PaymentProvider(Protocol):
    """The client of a payment provider. Each method returns within seconds, or raises ProviderUnavailable."""

    async def authorise(self, instruction: PaymentInstruction) -> bool:
        """Reserve the amount. Return False if the provider declines the instruction definitively.

        Raises:
            ProviderPending: the provider will decide later.
            ProviderUnavailable: there is no definite result.
        """

    async def capture(self, instruction: PaymentInstruction) -> None:
        """Move the authorised amount. Raise ProviderUnavailable if it is not certain that the money was moved."""

    async def void(self, instruction: PaymentInstruction) -> None:
        """End the reservation. Raise ProviderUnavailable if it is not certain that the reservation has ended."""

    async def state(self, order_id: str) -> PaymentState | None:
        """Return the state of the payment of an order; None if the provider has no payment for it.

        Raises:
            ProviderUnavailable: there is no definite result.
        """
