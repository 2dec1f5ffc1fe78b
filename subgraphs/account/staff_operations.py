"""The operations of staff with accounts, as the audit log records them (bank §2.22)."""

from __future__ import annotations

from datetime import timedelta
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
from subgraphs.account.domain import AccountStatus, StaffActionKind
from subgraphs.account.exports.export import EXPORT_LIFETIME

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from subgraphs.account.domain import Account
    from subgraphs.account.store.protocol import AccountStore
    from subgraphs.kit.staff_audit.client import UnsettledOperation

# How much the clocks of this service and of the audit log may differ.
_CLOCK_DIFFERENCE: Final = timedelta(minutes=1)
_UNKNOWN: Final = AuditResult(AuditOutcome.UNKNOWN)
_KINDS: Final = {
    AuditAction.ACCOUNT_FROZEN: StaffActionKind.FROZEN,
    AuditAction.ACCOUNT_UNFROZEN: StaffActionKind.UNFROZEN,
}


def status_operation(actor: str, account_id: str, status: AccountStatus) -> StaffOperation:
    """Return the operation of freezing or unfreezing an account."""
    is_frozen = status is AccountStatus.FROZEN
    action = AuditAction.ACCOUNT_FROZEN if is_frozen else AuditAction.ACCOUNT_UNFROZEN
    return StaffOperation(new_object_id(), actor, action, AuditSubject.ACCOUNT, account_id)


def export_operation(actor: str, account_id: str, export_id: str) -> StaffOperation:
    """Return the operation of exporting the entries of another person's account."""
    details = {"export": export_id}
    action = AuditAction.STATEMENT_EXPORTED
    return StaffOperation(new_object_id(), actor, action, AuditSubject.ACCOUNT, account_id, details, resume=export_id)


class OutcomeObserver:
    """Finds out from the store how an operation ended after its process was lost (`staff_audit.recorder.Observe`)."""

    def __init__(self, store: AccountStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def __call__(self, lost: UnsettledOperation) -> AuditResult:
        operation = lost.operation
        if operation.action is AuditAction.STATEMENT_EXPORTED:
            return await self._export(lost)
        account = (await self._store.by_ids([operation.subject_id])).get(operation.subject_id)
        return _change(lost, account)

    async def _export(self, lost: UnsettledOperation) -> AuditResult:
        if await self._store.export(lost.operation.resume) is not None:
            return AuditResult(AuditOutcome.DONE)
        # An export is deleted after its lifetime. Until then, a missing export shows that it was never requested.
        is_recent = self._clock() < lost.at + EXPORT_LIFETIME - _CLOCK_DIFFERENCE
        return refused(INTERRUPTED) if is_recent else _UNKNOWN


def _change(lost: UnsettledOperation, account: Account | None) -> AuditResult:
    last = None if account is None else account.staff_action
    if last is None or last.at < lost.at - _CLOCK_DIFFERENCE:
        return refused(INTERRUPTED)
    if last.user_id == lost.operation.actor and last.kind is _KINDS[lost.operation.action]:
        return AuditResult(AuditOutcome.DONE)
    # The account was frozen or unfrozen again since then. The store has only the last of these changes.
    return _UNKNOWN
