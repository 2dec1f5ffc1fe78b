"""One transaction in MongoDB that records and changes orders: the unit of a group (`subgraphs.kit.mongo_groups`)."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from subgraphs.kit.mongo_groups import WorkRefused
from subgraphs.kit.mongo_store import insert_events
from subgraphs.transaction import events
from subgraphs.transaction.reversal import NotReversible
from subgraphs.transaction.store import mongo_queries as queries
from subgraphs.transaction.store.mongo_documents import changed_fields, from_document, history_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pymongo.asynchronous.client_session import AsyncClientSession

    from subgraphs.kit.mongo import Document, MongoDatabase
    from subgraphs.kit.outbox import Event
    from subgraphs.transaction.domain import Transaction

_DUPLICATE_KEY = 11000


class KeyTaken(Exception):
    """The idempotency key is taken: by another order, or by this order in an earlier attempt."""


class Found(NamedTuple):
    """A transaction, and how many statuses it has had."""

    transaction: Transaction
    statuses: int


@dataclass(slots=True)
class _State:
    """What was read and written. The values of `found` are never changed, but replaced."""

    found: dict[str, Found | None] = field(default_factory=dict)
    inserts: list[Document] = field(default_factory=list)
    updates: list[UpdateOne] = field(default_factory=list)
    events: list[tuple[Event, int]] = field(default_factory=list)

    def copy(self) -> _State:
        return _State(*(copy(getattr(self, each.name)) for each in fields(self)))


class MongoOrders:
    """The unit of a group that records and changes orders."""

    def __init__(self, database: MongoDatabase, session: AsyncClientSession) -> None:
        self._database = database
        self._session = session
        self._state = _State()

    @property
    def changes(self) -> int:
        return len(self._state.inserts) + len(self._state.updates)

    @property
    def refusable(self) -> int:
        """The number of new orders, because the key of each may be taken."""
        return len(self._state.inserts)

    async def load(self, needs: Sequence[Sequence[str]]) -> None:
        """Read the transactions with the ids in `needs`."""
        ids = [transaction_id for need in needs for transaction_id in need]
        if ids:
            query = {"_id": {"$in": queries.object_ids(ids)}}
            rows = self._database.collection(queries.COLLECTION).find(query, session=self._session)
            found = {str(row["_id"]): Found(from_document(row), len(row["history"])) for row in await rows.to_list()}
            self._state.found = {transaction_id: found.get(transaction_id) for transaction_id in ids}

    def savepoint(self) -> Callable[[], None]:
        saved = self._state.copy()

        def undo() -> None:
            self._state = saved

        return undo

    async def flush(self) -> None:
        state, collection = self._state, self._database.collection(queries.COLLECTION)
        if state.inserts:
            try:
                await collection.insert_many(state.inserts, session=self._session)
            except BulkWriteError as error:
                raise _refused(error) from error
        await insert_events(self._database, state.events, self._session)
        if state.updates:
            await collection.bulk_write(state.updates, session=self._session)

    def find(self, transaction_id: str) -> Found | None:
        """Return a transaction that `load` has read, in its newest state."""
        return self._state.found[transaction_id]

    def insert(self, document: Document, transaction: Transaction) -> None:
        """Write the document of a new order, with its event."""
        self._state.inserts.append(document)
        self._state.events += _versions(None, transaction, 0)

    def replace(self, before: Found, after: Transaction, by: str | None) -> None:
        """Write a change of a transaction, with its events. A new status ends the lease."""
        update: Document = {"$set": changed_fields(after)}
        statuses = before.statuses
        if after.status is not before.transaction.status:
            update["$set"]["lease"] = None
            update["$push"] = {"history": history_entry(after, by)}
            statuses += 1
        self._state.updates.append(UpdateOne({"_id": ObjectId(after.id)}, update))
        self._state.events += _versions(before.transaction, after, before.statuses)
        self._state.found[after.id] = Found(after, statuses)


def _refused(error: BulkWriteError) -> Exception:
    """Return why the server has refused one of the new orders, or `error` if it is not about a duplicate key."""
    details: Mapping[str, Any] = error.details or {}
    refused: Sequence[Mapping[str, Any]] = details.get("writeErrors", ())
    if len(refused) != 1 or refused[0].get("code") != _DUPLICATE_KEY:
        return error
    is_reversal = "reversal.of" in refused[0].get("keyPattern", ())
    document = refused[0]["op"]
    return WorkRefused(refused[0]["index"], NotReversible(str(document["_id"])) if is_reversal else KeyTaken())


def _versions(before: Transaction | None, after: Transaction, statuses: int) -> Iterator[tuple[Event, int]]:
    """Yield the events of a change, each with a version. Later events of a transaction have higher versions.

    `statuses` is how many statuses the transaction had before the change. If a change has two events, the event of the
    fraud decision comes before the event of the new status.
    """
    for event in events.of_change(before, after):
        yield event, 2 * statuses + (1 if event.type in {events.RECORDED, events.STATUS_CHANGED} else 0)
