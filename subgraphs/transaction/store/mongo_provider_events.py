"""The events of the payment provider in the database of the transactions.

A document of the collection `provider_events`: `{_id, type, orderId: ObjectId, paymentId, receivedAt: Date, isOpen}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from subgraphs.kit.mongo_store import MongoStore
from subgraphs.transaction.payments.provider_event import ProviderEvent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pymongo.asynchronous.collection import AsyncCollection

    from subgraphs.kit.mongo import Document

PROVIDER_EVENTS: Final = "provider_events"


class MongoProviderEvents(MongoStore):
    """The methods of `TransactionStore` about the events of the payment provider."""

    @property
    def _provider_events(self) -> AsyncCollection[Document]:
        return self._database.collection(PROVIDER_EVENTS)

    async def record_provider_event(self, event: ProviderEvent) -> bool:
        document = {
            "_id": event.id,
            "type": event.type,
            "orderId": ObjectId(event.order_id),
            "paymentId": event.payment_id,
            "receivedAt": event.received_at,
            "isOpen": True,
        }
        try:
            with self._database.failures():
                await self._provider_events.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def open_provider_events(self, *, limit: int) -> Sequence[ProviderEvent]:
        with self._database.failures():
            found = self._provider_events.find({"isOpen": True}).sort([("receivedAt", 1), ("_id", 1)]).limit(limit)
            return [
                ProviderEvent(each["_id"], each["type"], str(each["orderId"]), each["paymentId"], each["receivedAt"])
                for each in await found.to_list()
            ]

    async def end_provider_event(self, event_id: str) -> None:
        with self._database.failures():
            await self._provider_events.update_one({"_id": event_id}, {"$set": {"isOpen": False}})

    async def delete_provider_events(self, before: datetime) -> int:
        with self._database.failures():
            return (await self._provider_events.delete_many({"receivedAt": {"$lt": before}})).deleted_count
