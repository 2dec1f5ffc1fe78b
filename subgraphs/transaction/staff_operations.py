"""The operations of staff with transactions, as the audit log records them (bank §2.22)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bank.staff_operations import (
    INTERRUPTED,
    AuditAction,
    AuditOutcome,
    AuditResult,
    AuditSubject,
    StaffOperation,
    refused,
)
from bank.values import new_object_id
from subgraphs.transaction.domain import TransactionType
from subgraphs.transaction.idempotency import KeyScope

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from subgraphs.kit.staff_audit.client import UnsettledOperation
    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.store.protocol import TransactionStore

_DONE: Final = AuditResult(AuditOutcome.DONE)


def review(action: AuditAction, actor: str, transaction_id: str) -> StaffOperation:
    """Return the operation of approving or rejecting a HELD order."""
    return StaffOperation(new_object_id(), actor, action, AuditSubject.TRANSACTION, transaction_id)


def reversal(actor: str, transaction_id: str, key: str) -> StaffOperation:
    """Return the operation of reversing a transaction. `key` is the idempotency key of the reversal."""
    action, subject = AuditAction.TRANSACTION_REVERSED, AuditSubject.TRANSACTION
    return StaffOperation(new_object_id(), actor, action, subject, transaction_id, resume=key)


class OutcomeObserver:
    """Finds out in the store how an operation has ended whose process was lost (`staff_audit.recorder.Observe`)."""

    def __init__(self, store: TransactionStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def __call__(self, lost: UnsettledOperation) -> AuditResult:
        operation = lost.operation
        if operation.action is AuditAction.TRANSACTION_REVERSED:
            return await self._reversal(operation)
        found = (await self._store.by_ids([operation.subject_id])).get(operation.subject_id)
        if found is None:
            return refused(INTERRUPTED)
        if operation.action is AuditAction.TRANSACTION_APPROVED:
            is_done = operation.actor in {approval.user_id for approval in found.approvals}
        else:
            is_done = await self._is_rejected(found, operation.actor)
        return _DONE if is_done else refused(INTERRUPTED)

    async def _is_rejected(self, found: Transaction, actor: str) -> bool:
        """Whether `actor` rejected the order. A status has its author; an order that was approved has no refusal."""
        history = (await self._store.histories([found.id])).get(found.id, ())
        return found.refusal is not None and any(change.by == actor for change in history)

    async def _reversal(self, operation: StaffOperation) -> AuditResult:
        scope = KeyScope(operation.actor, TransactionType.REVERSAL, operation.resume)
        used = await self._store.find_key(scope, self._clock())
        order = None if used is None else used.transaction.order.reversal
        if used is None or order is None or order.of != operation.subject_id:
            return refused(INTERRUPTED)
        return AuditResult(AuditOutcome.DONE, details={"reversal": used.transaction.id})
