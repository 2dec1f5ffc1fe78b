"""The store of the audit log; `tests/subgraphs/auth/audit_log/contract.py` tests every implementation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from subgraphs.auth.audit_log.entry import NewEntry, StoredEntry
    from subgraphs.kit.connections import PageRequest, SortKey

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
