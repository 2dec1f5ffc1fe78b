"""The states of a transaction, and the moves between them (bank §2.14).

`MOVES` is the only list of allowed moves. The code changes the status of a transaction only by a row of this table. The
diagram in the documentation is generated from the table.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from subgraphs.transaction.domain import IllegalTransition, TransactionStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.problems import Problem

_S = TransactionStatus


class Move(StrEnum):
    """The names of the moves: how a transaction gets its status."""

    RECORD = "record"
    REFUSE = "refuse"
    HOLD = "hold"
    COMPLETE = "complete"
    FAIL = "fail"
    CONFIRM = "confirm"
    APPROVE = "approve"
    REJECT = "reject"
    EXPIRE = "expire"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of `MOVES`.

    Attributes:
        before: the status in which the transaction must be; None for a new transaction.
        by_staff: whether a member of the staff makes the move. If not, the service makes it.
        reason: a text for the documentation that says when the move is made.
    """

    before: TransactionStatus | None
    after: TransactionStatus
    by_staff: bool
    reason: str


MOVES: Final[Mapping[Move, Row]] = MappingProxyType(
    {
        Move.RECORD: Row(None, _S.PENDING, by_staff=False, reason="an order is accepted"),
        Move.REFUSE: Row(None, _S.FAILED, by_staff=False, reason="an order is refused without asking the ledger"),
        Move.HOLD: Row(
            _S.PENDING, _S.HELD, by_staff=False, reason="the fraud rules ask for a review; the money is reserved"
        ),
        Move.COMPLETE: Row(_S.PENDING, _S.COMPLETED, by_staff=False, reason="the ledger has moved the money"),
        Move.FAIL: Row(
            _S.PENDING, _S.FAILED, by_staff=False, reason="the fraud rules, the provider or the ledger refuse the order"
        ),
        Move.CONFIRM: Row(_S.HELD, _S.PENDING, by_staff=False, reason="the customer has proved their identity again"),
        Move.APPROVE: Row(_S.HELD, _S.PENDING, by_staff=True, reason="enough reviewers approve the order"),
        Move.REJECT: Row(
            _S.HELD, _S.PENDING, by_staff=True, reason="a reviewer rejects the order; it fails when its money is free"
        ),
        Move.EXPIRE: Row(
            _S.HELD, _S.PENDING, by_staff=False, reason="no reviewer decided in time; fails when its money is released"
        ),
        Move.REVERSE: Row(_S.COMPLETED, _S.REVERSED, by_staff=False, reason="a reversal has moved the money back"),
    }
)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """An entry of a transaction's history.

    Attributes:
        by: the member of the staff who made the change, or the customer who confirmed the order; None if the service
            made it.
    """

    status: TransactionStatus
    at: datetime
    by: str | None = None


def moved(found: Transaction, move: Move, at: datetime, problem: Problem | None = None) -> Transaction:
    """Return the transaction `found` with the status after `move`. If it already has this status, return it unchanged.

    Raises:
        IllegalTransition: the move is not allowed from the transaction's status.
    """
    row = MOVES[move]
    if found.status is row.after:
        return found
    if found.status is not row.before:
        raise IllegalTransition(f"{found.id}: cannot {move} while {found.status}")
    return replace(found, status=row.after, problem=problem, updated_at=at)


def diagram() -> str:
    """Return the moves as a state diagram of Mermaid."""
    lines = ["stateDiagram-v2"]
    for move, row in MOVES.items():
        lines.append(f"  {row.before or '[*]'} --> {row.after}: {move}")
    ends = sorted({row.after for row in MOVES.values()} - {row.before for row in MOVES.values() if row.before})
    return "\n".join([*lines, *(f"  {end} --> [*]" for end in ends)])
