"""The numbered migrations of the account service's MongoDB database."""

from __future__ import annotations

from typing import Final

from subgraphs.account.store.mongo_cache_epochs import create_cache_epochs
from subgraphs.account.store.mongo_schema import allow_reversals, create_accounts_and_ledger
from subgraphs.account.store.mongo_sharding import shard_collections
from subgraphs.kit.mongo import MongoMigration

MIGRATIONS: Final = (
    MongoMigration(1, "accounts and the ledger", create_accounts_and_ledger),
    MongoMigration(2, "shard keys, on a sharded cluster", shard_collections),
    MongoMigration(3, "postings of reversals", allow_reversals),
    MongoMigration(4, "epochs of the cache", create_cache_epochs),
)
