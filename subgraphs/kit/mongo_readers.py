"""The positions of the readers of an outbox in MongoDB, and the events that consumers could not process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bson import Int64
from pymongo import ASCENDING, DESCENDING, ReturnDocument

from subgraphs.kit.outbox import DeadLetter, Event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pymongo.asynchronous.database import AsyncDatabase

    from subgraphs.kit.mongo import Document, MongoDatabase

READERS: Final = "outbox_readers"
DEAD_LETTERS: Final = "dead_letters"


async def create_dead_letters(database: AsyncDatabase[Document]) -> None:
    """Create the collection of dead letters. A step of a store's migrations."""
    await database[DEAD_LETTERS].create_index([("at", ASCENDING)])


class MongoReaders:
    """The part of a store that keeps the positions of its readers, and dead letters; see `subgraphs.kit.outbox`."""

    _database: MongoDatabase

    async def take_position(self, reader: str, owner: str, *, seconds: float) -> int | None:
        readers = self._database.collection(READERS)
        until = {"$dateAdd": {"startDate": "$$NOW", "unit": "millisecond", "amount": round(seconds * 1000)}}
        is_free = {"$or": [{"$in": ["$owner", [owner, None]]}, {"$lt": ["$expiresAt", "$$NOW"]}]}
        with self._database.failures():
            first = {"$setOnInsert": {"position": Int64(0), "owner": None}}
            await readers.update_one({"_id": reader}, first, upsert=True)
            found = await readers.find_one_and_update(
                {"_id": reader, "$expr": is_free},
                [{"$set": {"owner": {"$literal": owner}, "expiresAt": until}}],
                return_document=ReturnDocument.AFTER,
            )
        return None if found is None else int(found["position"])

    async def save_position(self, reader: str, owner: str, sequence: int) -> bool:
        with self._database.failures():
            saved = await self._database.collection(READERS).update_one(
                {"_id": reader, "owner": owner}, {"$set": {"position": Int64(sequence)}}
            )
        return saved.matched_count == 1

    async def release_position(self, reader: str, owner: str) -> None:
        with self._database.failures():
            await self._database.collection(READERS).update_one(
                {"_id": reader, "owner": owner}, {"$set": {"owner": None}}
            )

    async def forget_reader(self, reader: str) -> None:
        with self._database.failures():
            await self._database.collection(READERS).delete_one({"_id": reader})

    async def set_position(self, reader: str, sequence: int) -> bool:
        with self._database.failures():
            changed = await self._database.collection(READERS).update_one(
                {"_id": reader}, {"$set": {"position": Int64(sequence), "owner": None}}
            )
        return changed.matched_count == 1

    async def add_dead_letter(self, letter: DeadLetter) -> None:
        event = letter.event
        document = {
            "event": {**event_fields(event), "id": event.id},
            "reason": letter.reason,
            "at": letter.at,
        }
        with self._database.failures():
            await self._database.collection(DEAD_LETTERS).update_one(
                {"_id": {"group": letter.group, "event": event.id}}, {"$setOnInsert": document}, upsert=True
            )

    async def dead_letters(self, *, limit: int) -> Sequence[DeadLetter]:
        with self._database.failures():
            newest = self._database.collection(DEAD_LETTERS).find().sort([("at", DESCENDING), ("_id", DESCENDING)])
            rows = await newest.limit(limit).to_list()
        return [DeadLetter(row["_id"]["group"], Event(**row["event"]), row["reason"], row["at"]) for row in rows]

    async def delete_dead_letters(self, before: datetime) -> int:
        with self._database.failures():
            deleted = await self._database.collection(DEAD_LETTERS).delete_many({"at": {"$lt": before}})
        return deleted.deleted_count


def event_fields(event: Event) -> Document:
    """Return the fields of an event in its documents, except for its id."""
    return {"type": event.type, "subject": event.subject, "time": event.time, "data": dict(event.data)}
