"""The collections of the account service in MongoDB: validators, indexes and migrations.

```
accounts       customers' accounts: the fields of the seed, and held, version, balanceAsOf, staffAction
account_keys   account id -> owner, and account number -> account and owner
customers      one document for each person: what the person has moved, and wrong receivers
postings       the outcome of each transaction, by the transaction's id
entries        the ledger; entries are inserted, and never updated or deleted
```

Accounts are sharded by their owner (bank §4.10), so `account_keys` finds the owner of an id or a number. It also keeps
account numbers unique, which an index of a sharded collection cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING

from subgraphs.account.domain import AccountStatus, AccountType
from subgraphs.account.postings import PostingType
from subgraphs.kit.mongo import MongoMigration
from subgraphs.kit.mongo_store import create_collection, create_common_collections

if TYPE_CHECKING:
    from pymongo.asynchronous.database import AsyncDatabase

    from subgraphs.kit.mongo import Document

ACCOUNTS: Final = "accounts"
KEYS: Final = "account_keys"
CUSTOMERS: Final = "customers"
POSTINGS: Final = "postings"
ENTRIES: Final = "entries"


def _types(**types: str) -> dict[str, Any]:
    return {name: {"bsonType": kind} for name, kind in types.items()}


def _document(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    """Return a JSON schema that requires all `properties` but the `optional` ones."""
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
        ),
        "accountNumber": {"bsonType": "string", "pattern": "^[0-9]{10}$"},
        "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
        "status": {"enum": [status.value for status in AccountStatus]},
        "type": {"enum": [kind.value for kind in AccountType]},
        "version": {"bsonType": ["int", "long"], "minimum": 1},
    },
    "staffAction",
)
# No customer's account is overdrawn, held money is there, and a closed account is empty.
_SOUND_BALANCE: Final = {
    "$and": [
        {"$gte": ["$held", 0]},
        {"$gte": ["$balance", "$held"]},
        {"$or": [{"$ne": ["$status", AccountStatus.CLOSED.value]}, {"$eq": ["$balance", 0]}]},
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
            postedAt="date",
        ),
        "line": {"bsonType": "int", "minimum": 0},
        "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
    },
    "internalName",
    "balanceAfter",
)
_POSTING: Final = _document(
    {
        **_types(_id="objectId", contentHash="string", onBehalfOf="string", problem="object", decidedAt="date"),
        "type": {"enum": [kind.value for kind in PostingType]},
        "outcome": {"enum": ["POSTED", "REFUSED"]},
    },
    "problem",
)


async def _accounts_and_ledger(database: AsyncDatabase[Document]) -> None:
    await create_common_collections(database)
    await create_collection(database, ACCOUNTS, validator={"$jsonSchema": _ACCOUNT, "$expr": _SOUND_BALANCE})
    await create_collection(database, ENTRIES, validator={"$jsonSchema": _ENTRY, "$expr": {"$ne": ["$amount", 0]}})
    await create_collection(database, POSTINGS, validator={"$jsonSchema": _POSTING})
    await create_collection(database, KEYS)
    await create_collection(database, CUSTOMERS)
    await database[ACCOUNTS].create_index([("userId", ASCENDING), ("_id", ASCENDING)])
    await database[ACCOUNTS].create_index([("status", ASCENDING), ("_id", ASCENDING)])
    await database[ENTRIES].create_index([("accountId", ASCENDING), ("postedAt", ASCENDING), ("_id", ASCENDING)])
    await database[ENTRIES].create_index([("transactionId", ASCENDING), ("line", ASCENDING)])
    await database[POSTINGS].create_index([("outcome", ASCENDING), ("_id", ASCENDING)])


MIGRATIONS: Final = (MongoMigration(1, "accounts and the ledger", _accounts_and_ledger),)
