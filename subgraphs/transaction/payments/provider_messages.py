"""The JSON messages between the transaction service and a payment provider over HTTP (docs/payments.md).

| call | result |
|---|---|
| `POST /v1/payments` with an instruction | 201 payment; 200 if it is repeated; 409 for another instruction |
| `POST /v1/payments/{orderId}/capture`, `/void` | 200 payment, also if it is repeated; 404; 409 in a wrong state |
| `GET /v1/payments/{orderId}` | 200 payment; 404 |

The order id makes each call idempotent. This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bank.values import check_precision, format_timestamp, parse_amount, parse_timestamp
from subgraphs.transaction.payment_provider import PaymentState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.transaction.payment_provider import PaymentInstruction


# The states of a payment that was authorised at some time.
APPROVED: Final = frozenset(
    {PaymentState.AUTHORISED, PaymentState.CAPTURED, PaymentState.VOIDED, PaymentState.CHARGED_BACK}
)
# The states of a payment that the provider refused definitively.
REFUSED: Final = frozenset({PaymentState.DECLINED, PaymentState.FAILED})
# The states of a payment whose money has moved.
MOVED: Final = frozenset({PaymentState.CAPTURED, PaymentState.CHARGED_BACK})


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment at the provider.

    Attributes:
        id: the provider's id of the payment.
        order_id: the id of the transaction.
        type: the type of the transaction, as it was sent to the provider.
        amount: positive, with the currency's decimals.
    """

    id: str
    order_id: str
    type: str
    amount: Decimal
    currency: str
    state: PaymentState
    created_at: datetime
    updated_at: datetime

    def to_json(self) -> dict[str, str]:
        return {
            "id": self.id,
            "orderId": self.order_id,
            "type": self.type,
            "amount": f"{self.amount:f}",
            "currency": self.currency,
            "state": self.state,
            "createdAt": format_timestamp(self.created_at),
            "updatedAt": format_timestamp(self.updated_at),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Payment:
        """Return the payment in a document that `to_json` made. Unknown members are ignored.

        Raises:
            ValueError: a member is missing, or has a wrong type or value.
        """
        texts = {name: document.get(name) for name in _MEMBERS}
        for name, value in texts.items():
            if not isinstance(value, str) or not value:
                raise ValueError(f"{name} must be a string that is not empty")
        return cls(
            id=document["id"],
            order_id=document["orderId"],
            type=document["type"],
            amount=check_precision(parse_amount(document["amount"]), document["currency"]),
            currency=document["currency"],
            state=PaymentState(document["state"]),
            created_at=parse_timestamp(document["createdAt"]),
            updated_at=parse_timestamp(document["updatedAt"]),
        )


_MEMBERS: Final = ("id", "orderId", "type", "amount", "currency", "state", "createdAt", "updatedAt")


def instruction_to_json(instruction: PaymentInstruction) -> dict[str, str]:
    """Return the body of `POST /v1/payments`. Members without a value are left out."""
    members = {
        "orderId": instruction.transaction_id,
        "type": instruction.type,
        "amount": f"{instruction.amount:f}",
        "currency": instruction.currency,
        "payee": instruction.payee,
        "instrument": instruction.instrument,
    }
    return {name: value for name, value in members.items() if value is not None}


def carries_out(payment: Payment, instruction: PaymentInstruction) -> bool:
    """Whether `payment` is the payment of `instruction`."""
    return (payment.order_id, payment.amount, payment.currency) == (
        instruction.transaction_id,
        instruction.amount,
        instruction.currency,
    )
