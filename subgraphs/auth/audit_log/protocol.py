"""The store of the audit log; `tests/subgraphs/auth/audit_log/contract.py` tests every implementation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from subgraphs.auth.audit_log.entry import Entry, NewEntry, StoredEntry
    from subgraphs.kit.pages import PageRequest, SortKey

SORT_KEY_WIDTH = 1


def sort_key(stored: StoredEntry) -> SortKey:
    """Return the sort key of an entry in a list."""
    return (str(stored.link.position),)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries a list has. None means any. `begin` is inclusive, `end` is exclusive."""

    actor_id: str | None = None
    subject_id: str | None = None
    action: str | None = None
    outcome: str | None = None
    begin: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenOperation:
    """An operation of another service that has an entry REQUESTED, and no entry with its outcome yet.

    Attributes:
        id: the id that the service gave it.
        service: the name of the service.
        resume: what the service needs to find out the outcome later.
        entry: the entry REQUESTED.
    """

    id: str
    service: str
    resume: str
    entry: Entry


class AuditLogStore(Protocol):
    """Entries with positions from 1 on. The database refuses to change or delete them.

    A method that changes something else in the same database takes a `NewEntry` and appends it in its own transaction.
    """

    async def keep_key(self, key_id: str) -> str:
        """Record the id of the key of the chain, if none is recorded yet. Return the id that is recorded."""

    async def append(self, entry: NewEntry) -> None:
        """Append an entry. Concurrent calls append one entry after the other."""

    async def page(self, wanted: AuditFilter, page: PageRequest) -> list[StoredEntry]:
        """Return up to `page.limit + 1` entries, newest first (`subgraphs.kit.connections.PageRequest`)."""

    async def count(self, wanted: AuditFilter) -> int:
        """Return the number of entries."""

    async def entries_after(self, position: int, limit: int) -> Sequence[StoredEntry]:
        """Return up to `limit` entries with greater positions, in the order of their positions."""

    async def begin(self, operation: OpenOperation, entry: NewEntry) -> None:
        """Append the entry REQUESTED of an operation. If an operation with this id is open already, do nothing."""

    async def settle(self, operation_id: str, service: str, outcome: Callable[[Entry], NewEntry]) -> bool:
        """Append the outcome of an open operation, which is not open after that.

        Args:
            operation_id: the id of the operation.
            service: the service that began it.
            outcome: returns the entry to append for the entry REQUESTED.

        Returns:
            False if the service has no such operation that is open. Then nothing is appended.
        """

    async def open_operations(self, service: str, before: datetime, limit: int) -> Sequence[OpenOperation]:
        """Return up to `limit` open operations of a service that began before a time, the oldest first."""
