"""Notifications in the SQLite file of the transaction service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from subgraphs.kit.sqlite_store import SqliteOutboxStore
from subgraphs.kit.times import from_milliseconds, to_milliseconds
from subgraphs.transaction.notifications import Notification, NotificationKind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from subgraphs.kit.pages import PageRequest


class SqliteNotifications(SqliteOutboxStore):
    """The `NotificationStore` in the file of the service."""

    async def add_notifications(self, notifications: Sequence[Notification]) -> None:
        rows = [
            (each.id, each.user_id, each.kind, each.transaction_id, to_milliseconds(each.created_at))
            for each in notifications
        ]
        async with self._database.transaction() as connection:
            await connection.executemany("INSERT OR IGNORE INTO notifications VALUES (?, ?, ?, ?, ?, NULL)", rows)

    async def notifications_of(
        self, user_id: str, page: PageRequest, *, unread_only: bool = False
    ) -> Sequence[Notification]:
        conditions, parameters = _conditions(user_id, unread_only=unread_only)
        for name, operator, key in (("after", "<", page.after), ("before", ">", page.before)):
            if key is not None:
                conditions += f" AND (created_at, id) {operator} (:{name}_time, :{name}_id)"
                parameters |= {f"{name}_time": int(key[0]), f"{name}_id": key[1]}
        order = "ASC" if page.backwards else "DESC"
        query = f"SELECT * FROM notifications WHERE {conditions} ORDER BY created_at {order}, id {order} LIMIT :limit"  # noqa: S608 - constants
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, {**parameters, "limit": page.limit + 1})
        return [
            Notification(
                row["id"],
                row["user_id"],
                NotificationKind(row["kind"]),
                row["transaction_id"],
                from_milliseconds(row["created_at"]),
                None if row["read_at"] is None else from_milliseconds(row["read_at"]),
            )
            for row in rows
        ]

    async def count_notifications(self, user_id: str, *, unread_only: bool = False) -> int:
        conditions, parameters = _conditions(user_id, unread_only=unread_only)
        query = f"SELECT count(*) AS n FROM notifications WHERE {conditions}"  # noqa: S608 - constants
        async with self._database.snapshot() as connection:
            ((count,),) = await connection.execute_fetchall(query, parameters)
        return int(count)

    async def mark_read(self, user_id: str, ids: Collection[str] | None, at: datetime) -> int:
        conditions, parameters = _conditions(user_id, unread_only=True)
        if ids is not None:
            conditions += " AND id IN (SELECT value FROM json_each(:ids))"
            parameters["ids"] = json.dumps(list(ids))
        async with self._database.transaction() as connection:
            return await connection.execute(
                f"UPDATE notifications SET read_at = :at WHERE {conditions}",  # noqa: S608 - constants
                {**parameters, "at": to_milliseconds(at)},
            )

    async def delete_notifications(self, before: datetime, *, limit: int) -> int:
        query = "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications WHERE created_at < ? LIMIT ?)"
        async with self._database.transaction() as connection:
            return await connection.execute(query, (to_milliseconds(before), limit))


def _conditions(user_id: str, *, unread_only: bool) -> tuple[str, dict[str, str | int]]:
    return "user_id = :user_id" + (" AND read_at IS NULL" if unread_only else ""), {"user_id": user_id}
