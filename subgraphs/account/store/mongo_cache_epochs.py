"""Stores in MongoDB whether cached accounts may be used (`subgraphs.account.cache`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bson import ObjectId

from subgraphs.kit.mongo_store import MongoStore, create_collection

if TYPE_CHECKING:
    from pymongo.asynchronous.database import AsyncDatabase

    from subgraphs.kit.mongo import Document

CACHE_EPOCHS: Final = "cache_epochs"
_ONLY: Final = {"_id": "accounts"}


class MongoCacheEpochs(MongoStore):
    """The `CacheEpochs` in one document. The clock of the server decides when a suspension ends."""

    async def cache_epoch(self) -> str | None:
        state = {"epoch": 1, "suspended": {"$gt": ["$suspendedUntil", "$$NOW"]}}
        with self._database.failures():
            found = await self._database.collection(CACHE_EPOCHS).find_one(_ONLY, state)
        return None if found is None or found["suspended"] else str(found["epoch"])

    async def suspend_cache(self, seconds: float) -> None:
        until = {"$dateAdd": {"startDate": "$$NOW", "unit": "millisecond", "amount": round(seconds * 1000)}}
        with self._database.failures():
            await self._database.collection(CACHE_EPOCHS).update_one(
                _ONLY, [{"$set": {"epoch": ObjectId(), "suspendedUntil": until}}]
            )


async def create_cache_epochs(database: AsyncDatabase[Document]) -> None:
    """Create the collection with its document. A step of the migrations."""
    await create_collection(database, CACHE_EPOCHS)
    first = [{"$set": {"epoch": {"$ifNull": ["$epoch", ObjectId()]}, "suspendedUntil": "$$NOW"}}]
    await database[CACHE_EPOCHS].update_one(_ONLY, first, upsert=True)
