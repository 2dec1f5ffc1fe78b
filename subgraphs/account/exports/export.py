"""Exports and the protocol of their store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from bank.values import new_object_id
from subgraphs.account.problems import Problem
from subgraphs.kit.outbox import Event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from subgraphs.account.statements import Period

# How long an export can be read.
EXPORT_LIFETIME: Final = timedelta(hours=24)
# How many exports that have not expired a user may have. It bounds the space that they take.
MAX_EXPORTS: Final = 10
REQUESTED: Final = "export.requested"


class ExportFormat(StrEnum):
    CSV = "CSV"
    JSON = "JSON"


class ExportStatus(StrEnum):
    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class ExportFailure(StrEnum):
    """Why there is no file."""

    TOO_MANY_ENTRIES = "TOO_MANY_ENTRIES"
    INTERNAL_ERROR = "INTERNAL_ERROR"


@dataclass(frozen=True, slots=True)
class StatementExport:
    """An export of one account's statement.

    Attributes:
        user_id: the person who requested it, and who alone may read it.
        entries: the number of entries in the file; 0 until the export is completed.
        parts: the number of parts of the file; 0 until the export is completed.
        failure: None unless the status is FAILED.
    """

    id: str
    user_id: str
    account_id: str
    currency: str
    format: ExportFormat
    period: Period
    requested_at: datetime
    expires_at: datetime
    status: ExportStatus = ExportStatus.PENDING
    entries: int = 0
    parts: int = 0
    failure: ExportFailure | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The result of the work on an export; see `StatementExport`."""

    status: ExportStatus
    entries: int = 0
    parts: int = 0
    failure: ExportFailure | None = None


@dataclass(frozen=True, slots=True)
class TooManyExports(Problem):
    code = "TOO_MANY_EXPORTS"
    message = "Wait until an earlier export has expired"

    limit: int


class ExportStore(Protocol):
    """The exports of all persons. Every method raises Unavailable when the store does not respond.

    `tests/subgraphs/account/export_contract.py` tests every implementation.
    """

    async def request_export(self, export: StatementExport, *, max_exports: int = MAX_EXPORTS) -> bool:
        """Insert a PENDING export, with the event `requested` in the same database transaction.

        Returns:
            False if the user has `max_exports` exports already that expire after `export.requested_at`.
        """

    async def export(self, export_id: str) -> StatementExport | None:
        """Return an export, expired or not."""

    async def exports_of(self, user_id: str, at: datetime) -> Sequence[StatementExport]:
        """Return the exports of a user that have not expired at the time `at`, the newest first."""

    async def save_export_part(self, export_id: str, number: int, content: str) -> None:
        """Set the content of a part. `number` is from 0."""

    async def export_part(self, export_id: str, number: int) -> str | None:
        """Return the content of a part; None if there is no such part."""

    async def finish_export(self, export_id: str, result: Result) -> None:
        """Set the result of a PENDING export. A result that was set before is not changed."""

    async def delete_exports(self, at: datetime, *, limit: int) -> int:
        """Delete up to `limit` exports that have expired at the time `at`, with their parts. Return their number."""


def open_export(
    user_id: str, account: tuple[str, str], format_: ExportFormat, period: Period, at: datetime
) -> StatementExport:
    """Return a new export. `account` is the id and the currency of the account."""
    return StatementExport(new_object_id(), user_id, *account, format_, period, at, at + EXPORT_LIFETIME)


def requested(export: StatementExport) -> Event:
    """Return the event that asks for the work on an export."""
    data = {
        "exportId": export.id,
        "accountId": export.account_id,
        "userId": export.user_id,
        "format": export.format.value,
    }
    return Event(REQUESTED, export.id, export.requested_at, data)
