"""The collections of the account service in MongoDB: validators and indexes.

```
accounts       customers' accounts: the documented fields, and held, version, balanceAsOf, staffAction
account_keys   account id -> owner, and account number -> account and owner
customers      one document for each person: what the person has moved, and wrong receivers
postings       the outcome of each transaction, by the transaction's id
entries        the ledger; entries are inserted, and never updated or deleted
holds          reserved money, by the transaction id of the order
chain_key      the id of the key with which the hash chains are made
statement_exports, statement_export_parts    exports of statements, and the parts of their files
```

The migrations write these values out and import no enum, because a released migration must not change with the code.

Accounts are sharded by their owner (bank §4.10), so `account_keys` finds the owner of an id or a number. It also keeps
account numbers unique. An index of the sharded collection could not do this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING, DESCENDING

from subgraphs.kit.mongo_store import create_collection, create_common_collections

if TYPE_CHECKING:
    from pymongo.asynchronous.database import AsyncDatabase

    from subgraphs.kit.mongo import Document

ACCOUNTS: Final = "accounts"
KEYS: Final = "account_keys"
CUSTOMERS: Final = "customers"
POSTINGS: Final = "postings"
ENTRIES: Final = "entries"
HOLDS: Final = "holds"
CHAIN_KEY: Final = "chain_key"
EXPORTS: Final = "statement_exports"
PARTS: Final = "statement_export_parts"


def _types(**types: str) -> dict[str, Any]:
    return {name: {"bsonType": kind} for name, kind in types.items()}


def _document(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    """Return a JSON schema that requires all `properties` except the `optional` ones."""
    required = [name for name in properties if name not in optional]
    return {"bsonType": "object", "required": required, "properties": properties}


_ACCOUNT: Final = _document(
    {
        **_types(
            _id="objectId",
            userId="string",
            balance="decimal",
            held="decimal",
            balanceAsOf="date",
            createdAt="date",
            updatedAt="date",
            staffAction="object",
            chain="object",
        ),
        "accountNumber": {"bsonType": "string", "pattern": "^[0-9]{10}$"},
        "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
        "status": {"enum": ["ACTIVE", "FROZEN", "CLOSED"]},
        "type": {"enum": ["CHECKING", "SAVINGS", "BUSINESS"]},
        "version": {"bsonType": ["int", "long"], "minimum": 1},
    },
    "staffAction",
    "chain",
)
# The condition for each customer's account: the held money is not negative and not more than the balance, and a closed
# account has the balance 0.
_SOUND_BALANCE: Final = {
    "$and": [
        {"$gte": ["$held", 0]},
        {"$gte": ["$balance", "$held"]},
        {"$or": [{"$ne": ["$status", "CLOSED"]}, {"$eq": ["$balance", 0]}]},
    ]
}
_ENTRY: Final = _document(
    {
        **_types(
            _id="objectId",
            transactionId="objectId",
            accountId="objectId",
            internalName="string",
            amount="decimal",
            balanceAfter="decimal",
            released="decimal",
            postedAt="date",
            hash="binData",
        ),
        "line": {"bsonType": "int", "minimum": 0},
        "position": {"bsonType": ["int", "long"], "minimum": 1},
        "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
    },
    "internalName",
    "balanceAfter",
    "released",
    "position",
    "hash",
)


def _posting(*types: str) -> dict[str, Any]:
    return _document(
        {
            **_types(_id="objectId", contentHash="string", onBehalfOf="string", problem="object", decidedAt="date"),
            "type": {"enum": list(types)},
            "outcome": {"enum": ["POSTED", "REFUSED"]},
        },
        "problem",
    )


_POSTING: Final = _posting("TRANSFER", "DEPOSIT", "WITHDRAWAL", "PAYMENT")
_POSTING_WITH_REVERSALS: Final = _posting("TRANSFER", "DEPOSIT", "WITHDRAWAL", "PAYMENT", "REVERSAL")
_HOLD: Final = _document(
    {
        **_types(
            _id="objectId",
            accountId="objectId",
            accountType="string",
            order="object",
            amount="decimal",
            currency="string",
            createdAt="date",
            expiresAt="date",
            endedAt="date",
            captured="decimal",
        ),
        "status": {"enum": ["HELD", "CAPTURED", "RELEASED", "EXPIRED"]},
    },
    "endedAt",
    "captured",
)


async def create_accounts_and_ledger(database: AsyncDatabase[Document]) -> None:
    """Create the collections with their validators and indexes. The first step of the migrations."""
    await create_common_collections(database)
    await create_collection(database, ACCOUNTS, validator={"$jsonSchema": _ACCOUNT, "$expr": _SOUND_BALANCE})
    await create_collection(database, ENTRIES, validator={"$jsonSchema": _ENTRY, "$expr": {"$ne": ["$amount", 0]}})
    await create_collection(database, POSTINGS, validator={"$jsonSchema": _POSTING})
    await create_collection(database, HOLDS, validator={"$jsonSchema": _HOLD})
    for name in (KEYS, CUSTOMERS, CHAIN_KEY):
        await create_collection(database, name)
    for collection, indexes in INDEXES.items():
        for fields, unique in indexes:
            await database[collection].create_index([(field, ASCENDING) for field in fields], unique=unique)


async def allow_reversals(database: AsyncDatabase[Document]) -> None:
    """Replace the schema of postings, which had fewer types in an earlier release. A step of the migrations."""
    await database.command("collMod", POSTINGS, validator={"$jsonSchema": _POSTING_WITH_REVERSALS})


async def create_exports(database: AsyncDatabase[Document]) -> None:
    """Create the collections of exports and their indexes. A step of the migrations."""
    await create_collection(database, EXPORTS)
    await create_collection(database, PARTS)
    await database[EXPORTS].create_index([("userId", ASCENDING), ("expiresAt", DESCENDING), ("_id", DESCENDING)])
    await database[EXPORTS].create_index([("expiresAt", ASCENDING)])
    await database[PARTS].create_index([("exportId", ASCENDING), ("number", ASCENDING)], unique=True)


async def index_filtered_lists(database: AsyncDatabase[Document]) -> None:
    """Create the indexes of lists of all accounts with a filter. A step of the migrations."""
    for fields in (("status", "type", "_id"), ("currency", "status", "type", "_id")):
        await database[ACCOUNTS].create_index([(field, ASCENDING) for field in fields])


# Maps a collection to its indexes. Each index is a pair: its fields, and whether it is unique.
INDEXES: Final[dict[str, tuple[tuple[tuple[str, ...], bool], ...]]] = {
    ACCOUNTS: ((("userId", "_id"), False), (("status", "_id"), False)),
    ENTRIES: (
        (("accountId", "postedAt", "position"), False),
        (("transactionId", "line"), False),
        (("postedAt",), False),
    ),
    POSTINGS: ((("outcome", "_id"), False),),
    HOLDS: ((("status", "expiresAt"), False), (("accountId", "status"), False)),
}
