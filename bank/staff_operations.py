"""What staff do in the account and the transaction service, as the audit log of the auth service records it.

Before the operation, the service sends a request to record it; without an entry, nothing is changed. After the
operation, the service sends the outcome. Both have the id of the operation (bank §2.22).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST_PATH: Final = "/internal/audit"
OUTCOME_PATH: Final = "/internal/audit/outcome"
OPEN_PATH: Final = "/internal/audit/open"

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class AuditAction(StrEnum):
    """What a member of the staff does to the data of a customer."""

    ACCOUNT_FROZEN = "ACCOUNT_FROZEN"
    ACCOUNT_UNFROZEN = "ACCOUNT_UNFROZEN"
    STATEMENT_EXPORTED = "STATEMENT_EXPORTED"
    TRANSACTION_APPROVED = "TRANSACTION_APPROVED"
    TRANSACTION_REJECTED = "TRANSACTION_REJECTED"
    TRANSACTION_REVERSED = "TRANSACTION_REVERSED"


class AuditSubject(StrEnum):
    """The kind of thing that an operation is about."""

    ACCOUNT = "ACCOUNT"
    TRANSACTION = "TRANSACTION"


class AuditOutcome(StrEnum):
    """How an operation has ended."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    """The operation changed nothing."""
    UNKNOWN = "UNKNOWN"
    """The process died during the operation, and the present state does not show whether it was done."""


INTERRUPTED: Final = "INTERRUPTED"
"""The reason of a refusal when a process died, or its store failed, before the operation changed anything."""


@dataclass(frozen=True, slots=True)
class StaffOperation:
    """An operation of a member of the staff.

    Attributes:
        id: 24 hexadecimal digits; the same in the entries of the request and of the outcome.
        actor: the id of the user who does it.
        subject_id: the id of the account or the transaction.
        details: further facts for the log, such as the id of an export. They are not secret.
        resume: what the service needs to find out later whether the operation was done, such as an idempotency key. It
            is not in the log.
    """

    id: str
    actor: str
    action: AuditAction
    subject: AuditSubject
    subject_id: str
    details: Mapping[str, str] = field(default_factory=lambda: _NONE)
    resume: str = ""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The outcome of an operation, with the code of the refusal if it was refused, and further facts for the log."""

    outcome: AuditOutcome
    reason: str | None = None
    details: Mapping[str, str] = field(default_factory=lambda: _NONE)


def refused(code: str) -> AuditResult:
    """Return the result of an operation that was refused with the code of a problem or an error."""
    return AuditResult(AuditOutcome.REFUSED, code)
