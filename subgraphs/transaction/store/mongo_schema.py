"""The collections of the store of transactions in MongoDB: JSON Schemas and indexes, as numbered migrations.

The migrations write their values out and import no enum, because a released migration must not change with the code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from subgraphs.kit.mongo import MongoMigration
from subgraphs.kit.mongo_readers import create_dead_letters
from subgraphs.kit.mongo_store import create_collection, create_common_collections

if TYPE_CHECKING:
    from pymongo.asynchronous.database import AsyncDatabase

    from subgraphs.kit.mongo import Document

_COLLECTION: Final = "transactions"
_PROVIDER_EVENTS: Final = "provider_events"
_TEXT: Final = {"bsonType": "string"}
_TEXT_OR_NULL: Final = {"bsonType": ["string", "null"]}
_ID_OR_NULL: Final = {"bsonType": ["objectId", "null"]}
_DATE: Final = {"bsonType": "date"}
_STATUS: Final = {"enum": ["COMPLETED", "FAILED", "HELD", "PENDING", "REVERSED"]}
_TYPE: Final = {"enum": ["DEPOSIT", "FEE", "PAYMENT", "REVERSAL", "TRANSFER", "WITHDRAWAL"]}


def _object(properties: dict[str, Any], *, optional: tuple[str, ...] = (), null: bool = False) -> dict[str, Any]:
    """Return the schema of an object with these properties and no others. The `optional` ones may be absent."""
    return {
        "bsonType": ["object", "null"] if null else "object",
        "required": [name for name in properties if name not in optional],
        "properties": properties,
        "additionalProperties": False,
    }


_SIDE: Final = _object({"userId": _TEXT, "accountNumber": _TEXT}, null=True)

# A released schema is never edited. To change it, a later migration sets another schema.
TRANSACTION_SCHEMA: Final = _object(
    {
        "_id": {"bsonType": "objectId"},
        "sourceAccountId": _ID_OR_NULL,
        "destinationAccountId": _ID_OR_NULL,
        "amount": {"bsonType": "decimal", "minimum": 0, "exclusiveMinimum": True},
        "currency": _TEXT,
        "type": _TYPE,
        "status": _STATUS,
        "metadata": {"bsonType": "object", "additionalProperties": _TEXT},
        "createdAt": _DATE,
        "updatedAt": _DATE,
        "named": _object({"source": _TEXT_OR_NULL, "destination": _TEXT_OR_NULL}),
        "source": _SIDE,
        "destination": _SIDE,
        "payee": _TEXT_OR_NULL,
        "requester": _object({"userId": _TEXT, "roles": {"bsonType": "array", "items": _TEXT}}),
        "principalUserId": _TEXT,
        "problem": {"bsonType": ["object", "null"]},
        "fraudDecision": {"bsonType": ["object", "null"]},
        "approvals": {"bsonType": "array", "items": _object({"userId": _TEXT, "at": _DATE})},
        "history": {"bsonType": "array", "items": _object({"status": _STATUS, "at": _DATE, "by": _TEXT_OR_NULL})},
        "key": _object({"userId": _TEXT, "mutation": _TEXT, "key": _TEXT, "fingerprint": _TEXT, "expiresAt": _DATE}),
        "lease": _object({"owner": _TEXT, "expiresAt": _DATE}, null=True),
    },
    optional=("key", "lease"),
)


def _in_list_order(*fields: str) -> list[tuple[str, int]]:
    return [*((name, ASCENDING) for name in fields), ("createdAt", DESCENDING), ("_id", DESCENDING)]


# Each branch of a list (see `mongo_queries`) reads a range of one of the indexes `by_*`, in the order of the index.
TRANSACTION_INDEXES: Final = (
    IndexModel(_in_list_order(), name="by_time"),
    IndexModel(_in_list_order("principalUserId"), name="by_principal"),
    IndexModel(
        _in_list_order("destination.userId"),
        name="by_arrival",
        partialFilterExpression={"status": {"$in": ["COMPLETED", "REVERSED"]}},
    ),
    IndexModel(_in_list_order("sourceAccountId"), name="by_source"),
    IndexModel(_in_list_order("destinationAccountId"), name="by_destination"),
    # Only PENDING transactions are in this index, so it is nearly always empty. The reconciler reads it every few
    # seconds.
    IndexModel(
        [("status", ASCENDING), ("_id", ASCENDING)],
        name="pending",
        partialFilterExpression={"status": "PENDING"},
    ),
    # The index for the queue of reviews.
    IndexModel(_in_list_order(), name="held", partialFilterExpression={"status": "HELD"}),
    IndexModel(
        [("key.userId", ASCENDING), ("key.mutation", ASCENDING), ("key.key", ASCENDING)],
        name="one_order_per_key",
        unique=True,
        partialFilterExpression={"key.key": {"$exists": True}},
    ),
    IndexModel([("key.expiresAt", ASCENDING)], name="keys_by_expiry", sparse=True),
)


async def _create_transactions(database: AsyncDatabase[Document]) -> None:
    await create_collection(database, _COLLECTION, validator={"$jsonSchema": TRANSACTION_SCHEMA})
    await database[_COLLECTION].create_indexes(list(TRANSACTION_INDEXES))


_REFUSAL: Final = {"refusal": {"bsonType": "object"}}
_REVERSAL: Final = {"reversal": _object({"of": {"bsonType": "objectId"}, "type": _TYPE})}
# A transaction has at most one reversal that has not failed.
_REVERSED_ONCE: Final = IndexModel(
    [("reversal.of", ASCENDING)],
    name="reversed_once",
    unique=True,
    partialFilterExpression={
        "reversal.of": {"$exists": True},
        "status": {"$in": ["COMPLETED", "HELD", "PENDING", "REVERSED"]},
    },
)


_INSTRUMENT: Final = {"instrument": _TEXT}


async def _add_properties(database: AsyncDatabase[Document], properties: dict[str, Any]) -> None:
    schema = {**TRANSACTION_SCHEMA, "properties": {**TRANSACTION_SCHEMA["properties"], **properties}}
    await database.command("collMod", _COLLECTION, validator={"$jsonSchema": schema})


async def _add_refusals(database: AsyncDatabase[Document]) -> None:
    await _add_properties(database, _REFUSAL)


async def _add_reversals(database: AsyncDatabase[Document]) -> None:
    await _add_properties(database, {**_REFUSAL, **_REVERSAL})
    await database[_COLLECTION].create_indexes([_REVERSED_ONCE])


async def _add_instruments(database: AsyncDatabase[Document]) -> None:
    await _add_properties(database, {**_REFUSAL, **_REVERSAL, **_INSTRUMENT})


_PROVIDER_EVENT_SCHEMA: Final = _object(
    {
        "_id": _TEXT,
        "type": _TEXT,
        "orderId": {"bsonType": "objectId"},
        "paymentId": _TEXT,
        "receivedAt": _DATE,
        "isOpen": {"bsonType": "bool"},
    }
)


_MONEY: Final = {"bsonType": "decimal", "minimum": 0, "exclusiveMinimum": True}
_CONVERSION: Final = {
    "conversion": _object(
        {"amount": _MONEY, "currency": _TEXT, "base": _TEXT, "quote": _TEXT, "rate": _MONEY, "version": _TEXT}
    )
}


async def _add_conversions(database: AsyncDatabase[Document]) -> None:
    await _add_properties(database, {**_REFUSAL, **_REVERSAL, **_INSTRUMENT, **_CONVERSION})


async def _create_provider_events(database: AsyncDatabase[Document]) -> None:
    await create_collection(database, _PROVIDER_EVENTS, validator={"$jsonSchema": _PROVIDER_EVENT_SCHEMA})
    in_order = [("receivedAt", ASCENDING), ("_id", ASCENDING)]
    await database[_PROVIDER_EVENTS].create_indexes(
        [
            IndexModel(in_order, name="open", partialFilterExpression={"isOpen": True}),
            IndexModel([("receivedAt", ASCENDING)], name="by_time"),
        ]
    )


NOTIFICATIONS: Final = "notifications"
_NEWEST_FIRST: Final = [("userId", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)]
_NOTIFICATION_INDEXES: Final = (
    IndexModel(_NEWEST_FIRST, name="of_user"),
    IndexModel(_NEWEST_FIRST, name="unread", partialFilterExpression={"isUnread": True}),
    IndexModel([("createdAt", ASCENDING)], name="by_time"),
)


async def create_notifications(database: AsyncDatabase[Document]) -> None:
    """Create the collection and its indexes. A step of the migrations."""
    await create_collection(database, NOTIFICATIONS)
    await database[NOTIFICATIONS].create_indexes(list(_NOTIFICATION_INDEXES))


# All transactions have a type. So they are all in the index, and it is used only for queries with a type.
_BY_STATUS: Final = IndexModel(
    _in_list_order("status", "type"), name="by_status", partialFilterExpression={"type": {"$exists": True}}
)


async def _index_filtered_lists(database: AsyncDatabase[Document]) -> None:
    await database[_COLLECTION].create_indexes([_BY_STATUS])


MIGRATIONS: Final = (
    MongoMigration(1, "identity of the store and outbox", create_common_collections),
    MongoMigration(2, "transactions", _create_transactions),
    MongoMigration(3, "refusals of held orders", _add_refusals),
    MongoMigration(4, "reversals", _add_reversals),
    MongoMigration(5, "payment instruments", _add_instruments),
    MongoMigration(6, "events of the payment provider", _create_provider_events),
    MongoMigration(7, "events that could not be processed", create_dead_letters),
    MongoMigration(8, "notifications", create_notifications),
    MongoMigration(9, "exchanges of currencies", _add_conversions),
    MongoMigration(10, "index for filtered lists", _index_filtered_lists),
)
