"""The common part of the services' MongoDB stores: identity, counted changes, and the outbox.

If all transactions incremented the same counter, they would have to run one after the other. So the number of changes
is the sum of several counters. A transaction increments a counter that no other transaction of its process is using.

For the same reason, a transaction writes its events without a sequence number. A reader assigns the numbers before it
reads the events. Events of one subject are numbered in the order of their commits. This is possible because a
transaction on a subject sees all earlier events of this subject.
"""

from __future__ import annotations

import math
import random
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from bson import Int64, ObjectId
from pymongo import ASCENDING, ReturnDocument
from pymongo.errors import CollectionInvalid

from bank import values
from bank.store_records import StoreState
from subgraphs.kit.mongo import OPERATION_SECONDS, MongoDatabase
from subgraphs.kit.mongo_readers import READERS, MongoReaders, event_fields
from subgraphs.kit.outbox import Event, OutboxRow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.asynchronous.database import AsyncDatabase

    from subgraphs.kit.mongo import Document, MongoMigration, T
    from subgraphs.kit.store_factory import Clock, StoreAddress

IDENTITY: Final = "store_identity"
CHANGES: Final = "store_changes"
KNOWN_STORES: Final = "known_stores"
OUTBOX: Final = "outbox"
SEQUENCES: Final = "sequences"

# The number of counters. Up to this number of transactions of one process can run at a time, each with its own counter.
_COUNTERS: Final = 64
# How many events are numbered in one database transaction.
_NUMBERED_AT_ONCE: Final = 500


async def create_common_collections(database: AsyncDatabase[Document]) -> None:
    """Create the identity and the outbox of a store. A store's migrations call this in one of their first steps."""
    first = {"id": values.new_object_id()}
    await database[IDENTITY].update_one({"_id": IDENTITY}, {"$setOnInsert": first}, upsert=True)
    counters = [{"_id": number} for number in range(_COUNTERS)]
    for counter in counters:
        await database[CHANGES].update_one(counter, {"$setOnInsert": {"count": Int64(0)}}, upsert=True)
    await database[SEQUENCES].update_one({"_id": OUTBOX}, {"$setOnInsert": {"last": Int64(0)}}, upsert=True)
    # Otherwise, MongoDB would create a collection when its first document is written. Inside a transaction, this takes
    # longer.
    await create_collection(database, KNOWN_STORES)
    await create_collection(database, OUTBOX)
    await create_collection(database, READERS)
    await database[OUTBOX].create_index([("sequence", ASCENDING), ("subject", ASCENDING), ("version", ASCENDING)])


async def create_collection(database: AsyncDatabase[Document], name: str, **options: Any) -> None:
    """Create a collection with `options`, such as a validator. If the collection exists, set its options instead."""
    try:
        await database.create_collection(name, **options)
    except CollectionInvalid:
        if options:
            await database.command("collMod", name, **options)


class MongoStore(MongoReaders):
    """One MongoDB database. A service's store is a subclass with its migrations and its collections.

    The migrations must contain `create_common_collections` and `mongo_readers.create_dead_letters`. The store is then a
    `subgraphs.kit.store_identity.IdentifiedStore` and a `subgraphs.kit.outbox.Outbox`.
    """

    migrations: ClassVar[Sequence[MongoMigration]]

    def __init__(self, database: MongoDatabase, *, clock: Clock = values.now) -> None:
        self._database = database
        self._clock = clock
        self._report: Callable[[int], None] | None = None
        self._free_counters = list(range(_COUNTERS))
        random.shuffle(self._free_counters)

    @classmethod
    async def open_at(cls, address: StoreAddress, clock: Clock) -> Self:
        """Open the database of the URL in `address`, and apply the missing migrations; see `MongoDatabase.open`."""
        return cls(await MongoDatabase.open(address, cls.migrations), clock=clock)

    async def identity(self) -> StoreState:
        with self._database.failures():
            (found,) = await self._database.collection(IDENTITY).find({}).to_list()
            return StoreState(found["id"], await self._changes())

    async def _changes(self) -> int:
        cursor = await self._database.collection(CHANGES).aggregate(
            [{"$group": {"_id": None, "total": {"$sum": "$count"}}}]
        )
        return sum([int(row["total"]) async for row in cursor])

    async def known_stores(self) -> Mapping[str, StoreState]:
        with self._database.failures():
            rows = await self._database.collection(KNOWN_STORES).find({}).to_list()
        return {row["_id"]: StoreState(row["id"], row["changes"]) for row in rows}

    async def remember(self, stores: Mapping[str, StoreState]) -> None:
        known = self._database.collection(KNOWN_STORES)

        async def replace(session: AsyncClientSession) -> None:
            await known.delete_many({}, session=session)
            rows = [{"_id": name, "id": state.id, "changes": state.changes} for name, state in stores.items()]
            if rows:
                await known.insert_many(rows, session=session)

        await self._database.transaction(replace)

    def report_changes(self, to: Callable[[int], None] | None) -> None:
        self._report = to

    async def _changing(
        self, work: Callable[[AsyncClientSession], Awaitable[tuple[T, int]]], seconds: float = OPERATION_SECONDS
    ) -> T:
        """Run `work` in a transaction that changes users, money or orders.

        `work` returns its result and the number of its changes. After the commit, the store reports the number of all
        its changes.
        """
        own = self._free_counters.pop() if self._free_counters else None
        # If all counters are in use, this transaction shares the counter of another transaction. Only the other
        # transaction gives the counter back. If both did, the counter would be in the list of free counters twice.
        counter = random.randrange(_COUNTERS) if own is None else own  # noqa: S311 - not a secret
        counters = self._database.collection(CHANGES)

        async def counted(session: AsyncClientSession) -> tuple[T, int]:
            result, changes = await work(session)
            if changes:
                await counters.update_one({"_id": counter}, {"$inc": {"count": changes}}, session=session)
            return result, changes

        try:
            result, changes = await self._database.transaction(counted, seconds)
        finally:
            if own is not None:
                self._free_counters.append(own)
        if changes and self._report is not None:
            with self._database.failures():
                self._report(await self._changes())
        return result

    async def _append_events(self, events: Iterable[tuple[Event, int]], session: AsyncClientSession) -> None:
        """Write events to the outbox, in the transaction of `session`.

        Each event comes with the version that its subject has after the change. The events of a subject are ordered by
        this version.
        """
        await insert_events(self._database, events, session)

    async def events(self, *, after: int, limit: int) -> Sequence[OutboxRow]:
        while await self._database.transaction(self._number_events) == _NUMBERED_AT_ONCE:
            pass
        with self._database.failures():
            rows = (
                await self._database.collection(OUTBOX)
                .find({"sequence": {"$gt": after}})
                .sort("sequence", ASCENDING)
                .limit(limit)
                .to_list()
            )
        return [OutboxRow(row["sequence"], _event(row)) for row in rows]

    async def _number_events(self, session: AsyncClientSession) -> int:
        """Assign sequence numbers to events that have none. Return the number of these events."""
        outbox, sequences = self._database.collection(OUTBOX), self._database.collection(SEQUENCES)
        # A limited number of rows is read in this order, so that no event is numbered before an earlier event of its
        # subject.
        order = [("subject", ASCENDING), ("version", ASCENDING)]
        rows = await outbox.find({"sequence": None}, session=session).sort(order).limit(_NUMBERED_AT_ONCE).to_list()
        if not rows:
            return 0
        numbered = {"$inc": {"last": len(rows)}}
        counter = await sequences.find_one_and_update(
            {"_id": OUTBOX}, numbered, return_document=ReturnDocument.AFTER, session=session
        )
        first = (counter or {})["last"] - len(rows) + 1
        for number, row in enumerate(_by_time(rows), first):
            await outbox.update_one({"_id": row["_id"]}, {"$set": {"sequence": number}}, session=session)
        return len(rows)

    async def last_sequence(self) -> int:
        await self.events(after=0, limit=1)
        with self._database.failures():
            (counter,) = await self._database.collection(SEQUENCES).find({"_id": OUTBOX}).to_list()
        return int(counter["last"])

    async def prune_events(self, before: datetime, *, limit: int) -> int:
        outbox, readers = self._database.collection(OUTBOX), self._database.collection(READERS)
        await self.events(after=0, limit=1)

        async def delete(session: AsyncClientSession) -> int:
            oldest = outbox.find({"sequence": {"$gt": 0}}, session=session).sort("sequence", ASCENDING).limit(limit)
            passed = min([reader["position"] async for reader in readers.find(session=session)], default=math.inf)
            rows = await oldest.to_list()
            old = [row["_id"] for row in rows if row["time"] < before and row["sequence"] <= passed]
            if old:
                await outbox.delete_many({"_id": {"$in": old}}, session=session)
            return len(old)

        return await self._database.transaction(delete)

    async def ping(self) -> None:
        await self._database.ping()

    async def close(self) -> None:
        await self._database.close()


async def insert_events(
    database: MongoDatabase, events: Iterable[tuple[Event, int]], session: AsyncClientSession
) -> None:
    """Write events with the versions of their subjects to the outbox of a store; see `MongoStore._append_events`."""
    rows = [{"_id": ObjectId(event.id), **event_fields(event), "version": version} for event, version in events]
    if rows:
        await database.collection(OUTBOX).insert_many(rows, session=session)


def _event(row: Mapping[str, Any]) -> Event:
    return Event(id=str(row["_id"]), type=row["type"], subject=row["subject"], time=row["time"], data=row["data"])


def _by_time(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield `rows` in the order of their times. `rows` must be ordered by subject and version.

    The rows of one subject keep the order of their versions, even if the clock was set back between two of them.
    """
    waiting: dict[str, deque[Mapping[str, Any]]] = {}
    for row in rows:
        waiting.setdefault(row["subject"], deque()).append(row)
    for row in sorted(rows, key=lambda row: (row["time"], row["_id"])):
        yield waiting[row["subject"]].popleft()
