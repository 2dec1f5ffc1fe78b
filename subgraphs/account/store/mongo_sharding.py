"""The shard keys of the collections, and the queries that a request runs (bank §4.10).

Each query of a request names the shard key, so a router (`mongos`) sends it to the shards that have the documents. A
test records what the store really sends and compares it with `HOT_QUERIES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from subgraphs.account.store.mongo_schema import ACCOUNTS, CUSTOMERS, ENTRIES, HOLDS, KEYS, POSTINGS
from subgraphs.kit.mongo_store import OUTBOX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymongo.asynchronous.database import AsyncDatabase

    from subgraphs.kit.mongo import Document

# Maps a collection to its shard key. The hash of this field decides on which shard a document is.
SHARD_KEYS: Final[Mapping[str, str]] = {
    ACCOUNTS: "userId",
    ENTRIES: "accountId",
    KEYS: "_id",
    CUSTOMERS: "_id",
    POSTINGS: "_id",
    HOLDS: "_id",
    OUTBOX: "_id",
}


@dataclass(frozen=True, slots=True)
class HotQuery:
    """A query that the service runs for clients' requests.

    Attributes:
        command: the command of MongoDB.
        fields: the fields of its filter.
    """

    collection: str
    command: str
    fields: frozenset[str]


def _hot(collection: str, command: str, *fields: str) -> HotQuery:
    return HotQuery(collection, command, frozenset(fields))


HOT_QUERIES: Final = frozenset(
    {
        _hot(KEYS, "find", "_id"),
        _hot(ACCOUNTS, "find", "_id", "userId"),
        _hot(ACCOUNTS, "find", "userId", "status"),
        _hot(ACCOUNTS, "find", "userId", "status", "_id"),
        _hot(ACCOUNTS, "aggregate", "userId", "status"),
        _hot(ENTRIES, "find", "accountId", "postedAt"),
        _hot(ENTRIES, "find", "accountId", "postedAt", "$and"),
        _hot(ACCOUNTS, "update", "_id", "userId"),
        _hot(CUSTOMERS, "find", "_id"),
        _hot(CUSTOMERS, "update", "_id"),
        _hot(POSTINGS, "find", "_id"),
        _hot(HOLDS, "find", "_id"),
        _hot(HOLDS, "update", "_id"),
    }
)


# What the migration shards. A collection that comes later is sharded by its own migration.
_FIRST_SHARD_KEYS: Final[Mapping[str, str]] = {
    "accounts": "userId",
    "entries": "accountId",
    "account_keys": "_id",
    "customers": "_id",
    "postings": "_id",
    "holds": "_id",
    "outbox": "_id",
}


async def shard_collections(database: AsyncDatabase[Document]) -> None:
    """Shard the collections by `SHARD_KEYS` if the server is a router of a sharded cluster. A step of migrations."""
    admin = database.client.admin
    if (await admin.command("hello")).get("msg") != "isdbgrid":
        return
    for collection, field in _FIRST_SHARD_KEYS.items():
        await admin.command("shardCollection", f"{database.name}.{collection}", key={field: "hashed"})
