"""What the test instruments do to a payment. Pure: no clock, no store, no network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from subgraphs.transaction.payment_provider import PaymentState
from subgraphs.transaction.payments.provider_messages import Payment
from subgraphs.transaction.payments.sandbox_instruments import SandboxInstrument, instrument_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from subgraphs.transaction.payment_provider import PaymentInstruction

_S = PaymentState

# The state of a new payment by its instrument, and the state that follows after the settlement time.
_FIRST: Final[Mapping[SandboxInstrument, tuple[PaymentState, PaymentState | None]]] = MappingProxyType(
    {
        SandboxInstrument.APPROVE: (_S.AUTHORISED, None),
        SandboxInstrument.DECLINE: (_S.DECLINED, None),
        SandboxInstrument.PENDING_SETTLE: (_S.PENDING, _S.AUTHORISED),
        SandboxInstrument.PENDING_FAIL: (_S.PENDING, _S.FAILED),
        SandboxInstrument.CHARGEBACK: (_S.AUTHORISED, None),
        SandboxInstrument.TIMEOUT: (_S.AUTHORISED, None),
    }
)
# The states in which the transaction service may capture or void a payment.
_ACTIONS: Final[Mapping[str, tuple[frozenset[PaymentState], PaymentState]]] = MappingProxyType(
    {
        "capture": (frozenset({_S.CAPTURED, _S.CHARGED_BACK}), _S.CAPTURED),
        "void": (frozenset({_S.VOIDED}), _S.VOIDED),
    }
)


class WrongState(Exception):
    """The state of the payment does not allow the action."""


@dataclass(frozen=True, slots=True)
class SandboxPayment:
    """A payment, and what is planned for it.

    Attributes:
        instruction: as it was received first; a repetition must be equal.
        next_state: the state that follows by itself; None if none does.
        due_at: the time of `next_state`.
        is_silent: whether the next response about the payment is withheld, as if it was lost.
    """

    payment: Payment
    instruction: PaymentInstruction
    next_state: PaymentState | None = None
    due_at: datetime | None = None
    is_silent: bool = False


def opened(payment_id: str, instruction: PaymentInstruction, at: datetime, settlement: timedelta) -> SandboxPayment:
    """Return the new payment of an instruction."""
    instrument = instrument_of(instruction)
    state, following = _FIRST[instrument]
    return SandboxPayment(
        Payment(
            payment_id,
            instruction.transaction_id,
            instruction.type,
            instruction.amount,
            instruction.currency,
            state,
            at,
            at,
        ),
        instruction,
        following,
        at + settlement if following else None,
        is_silent=instrument is SandboxInstrument.TIMEOUT,
    )


def acted(found: SandboxPayment, action: str, at: datetime, settlement: timedelta) -> SandboxPayment:
    """Return the payment after `capture` or `void`. A repeated action changes nothing.

    Raises:
        WrongState: the payment is not authorised, or the other action was done before.
    """
    done, after = _ACTIONS[action]
    if found.payment.state in done:
        return found
    if found.payment.state is not _S.AUTHORISED:
        raise WrongState(f"cannot {action} a payment that is {found.payment.state}")
    changed = in_state(found, after, at)
    if after is _S.CAPTURED and instrument_of(found.instruction) is SandboxInstrument.CHARGEBACK:
        return replace(changed, next_state=_S.CHARGED_BACK, due_at=at + settlement)
    return changed


def in_state(found: SandboxPayment, state: PaymentState, at: datetime) -> SandboxPayment:
    """Return the payment in another state, without anything planned."""
    return replace(found, payment=replace(found.payment, state=state, updated_at=at), next_state=None, due_at=None)
