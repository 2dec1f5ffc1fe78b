"""The events of the payment provider in the SQLite file of the transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subgraphs.kit.sqlite_store import SqliteStore
from subgraphs.kit.times import from_milliseconds, to_milliseconds
from subgraphs.transaction.payments.provider_event import ProviderEvent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class SqliteProviderEvents(SqliteStore):
    """The methods of `TransactionStore` about the events of the payment provider."""

    async def record_provider_event(self, event: ProviderEvent) -> bool:
        async with self._database.transaction() as connection:
            changed = await connection.execute(
                "INSERT INTO provider_events (id, type, order_id, payment_id, received_at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO NOTHING",
                (event.id, event.type, event.order_id, event.payment_id, to_milliseconds(event.received_at)),
            )
            return changed == 1

    async def open_provider_events(self, *, limit: int) -> Sequence[ProviderEvent]:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(
                "SELECT * FROM provider_events WHERE is_open = 1 ORDER BY received_at, id LIMIT ?", (limit,)
            )
        return [
            ProviderEvent(
                row["id"], row["type"], row["order_id"], row["payment_id"], from_milliseconds(row["received_at"])
            )
            for row in rows
        ]

    async def end_provider_event(self, event_id: str) -> None:
        async with self._database.transaction() as connection:
            await connection.execute("UPDATE provider_events SET is_open = 0 WHERE id = ?", (event_id,))

    async def delete_provider_events(self, before: datetime) -> int:
        # Most rounds of the reconciler have nothing to delete, so the write lock is taken only if something is old.
        old = (to_milliseconds(before),)
        async with self._database.snapshot() as connection:
            found = await connection.execute_fetchall(
                "SELECT 1 FROM provider_events WHERE received_at < ? LIMIT 1", old
            )
        if not list(found):
            return 0
        async with self._database.transaction() as connection:
            return await connection.execute("DELETE FROM provider_events WHERE received_at < ?", old)
