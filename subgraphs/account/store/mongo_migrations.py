"""The numbered migrations of the account service's MongoDB database."""

from __future__ import annotations

from typing import Final

from subgraphs.account.store.mongo_cache_epochs import create_cache_epochs
from subgraphs.account.store.mongo_schema import (
    allow_reversals,
    create_accounts_and_ledger,
    create_exports,
    index_filtered_lists,
)
from subgraphs.account.store.mongo_sharding import shard_collections
from subgraphs.kit.mongo import MongoMigration
from subgraphs.kit.mongo_readers import create_dead_letters

MIGRATIONS: Final = (
    MongoMigration(1, "accounts and the ledger", create_accounts_and_ledger),
    MongoMigration(2, "shard keys, on a sharded cluster", shard_collections),
    MongoMigration(3, "postings of reversals", allow_reversals),
    MongoMigration(4, "epochs of the cache", create_cache_epochs),
    MongoMigration(5, "events that could not be processed", create_dead_letters),
    MongoMigration(6, "statement exports", create_exports),
    MongoMigration(7, "indexes for filtered lists", index_filtered_lists),
)
