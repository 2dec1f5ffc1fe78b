"""Notifications in the MongoDB database of the transaction service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING, UpdateOne

from bank.values import is_object_id
from subgraphs.kit.mongo_store import MongoStore
from subgraphs.kit.times import from_milliseconds
from subgraphs.transaction.notifications import Notification, NotificationKind
from subgraphs.transaction.store.mongo_schema import NOTIFICATIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from subgraphs.kit.mongo import Document
    from subgraphs.kit.pages import PageRequest


class MongoNotifications(MongoStore):
    """The `NotificationStore` in the database of the service."""

    async def add_notifications(self, notifications: Sequence[Notification]) -> None:
        inserts: list[UpdateOne] = [
            UpdateOne(
                {"_id": ObjectId(each.id)},
                {
                    "$setOnInsert": {
                        "userId": each.user_id,
                        "kind": each.kind.value,
                        "transactionId": ObjectId(each.transaction_id),
                        "createdAt": each.created_at,
                        "isUnread": True,
                    }
                },
                upsert=True,
            )
            for each in notifications
        ]
        with self._database.failures():
            await self._database.collection(NOTIFICATIONS).bulk_write(inserts, ordered=False)

    async def notifications_of(
        self, user_id: str, page: PageRequest, *, unread_only: bool = False
    ) -> Sequence[Notification]:
        conditions: Document = _conditions(user_id, unread_only=unread_only)
        bounds = [
            bound
            for operator, key in (("$lt", page.after), ("$gt", page.before))
            if key is not None
            for bound in _beyond(operator, key)
        ]
        if bounds:
            conditions["$and"] = bounds
        direction = ASCENDING if page.backwards else DESCENDING
        with self._database.failures():
            found = self._database.collection(NOTIFICATIONS).find(conditions)
            rows = await found.sort([("createdAt", direction), ("_id", direction)]).limit(page.limit + 1).to_list()
        return [
            Notification(
                str(row["_id"]),
                row["userId"],
                NotificationKind(row["kind"]),
                str(row["transactionId"]),
                row["createdAt"],
                row.get("readAt"),
            )
            for row in rows
        ]

    async def count_notifications(self, user_id: str, *, unread_only: bool = False) -> int:
        with self._database.failures():
            return await self._database.collection(NOTIFICATIONS).count_documents(
                _conditions(user_id, unread_only=unread_only)
            )

    async def mark_read(self, user_id: str, ids: Collection[str] | None, at: datetime) -> int:
        conditions: Document = _conditions(user_id, unread_only=True)
        if ids is not None:
            conditions["_id"] = {"$in": [ObjectId(each) for each in ids if is_object_id(each)]}
        with self._database.failures():
            marked = await self._database.collection(NOTIFICATIONS).update_many(
                conditions, {"$set": {"readAt": at}, "$unset": {"isUnread": ""}}
            )
        return marked.modified_count

    async def delete_notifications(self, before: datetime, *, limit: int) -> int:
        collection = self._database.collection(NOTIFICATIONS)
        with self._database.failures():
            old = await collection.find({"createdAt": {"$lt": before}}, projection=["_id"]).limit(limit).to_list()
            deleted = await collection.delete_many({"_id": {"$in": [row["_id"] for row in old]}})
        return deleted.deleted_count


def _conditions(user_id: str, *, unread_only: bool) -> dict[str, Any]:
    return {"userId": user_id, **({"isUnread": True} if unread_only else {})}


def _beyond(operator: str, key: Sequence[str]) -> list[dict[str, Any]]:
    """Return the conditions for documents on one side of a sort key.

    The first condition repeats a part of the second one, in a form for which the server can read a range of an index.
    """
    time, id_ = from_milliseconds(int(key[0])), ObjectId(key[1])
    return [
        {"createdAt": {f"{operator}e": time}},
        {"$or": [{"createdAt": {operator: time}}, {"createdAt": time, "_id": {operator: id_}}]},
    ]
