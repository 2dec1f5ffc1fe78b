"""The bank, and a migrated MongoDB database that the tests of a worker share. Each test finds it empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pymongo import MongoClient

from subgraphs.kit.mongo_readers import DEAD_LETTERS, READERS
from subgraphs.kit.mongo_store import KNOWN_STORES, OUTBOX, SEQUENCES
from subgraphs.transaction.store.mongo_provider_events import PROVIDER_EVENTS
from subgraphs.transaction.store.mongo_queries import COLLECTION
from subgraphs.transaction.store.mongo_schema import NOTIFICATIONS
from tests.subgraphs.bank import Bank, open_bank
from tests.subgraphs.transaction.support import mongo_factory, sqlite_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from pymongo.database import Database

    from mosafe.local_servers.mongod import Mongod
    from tests.subgraphs.transaction.running_orders_contract import StoreFactory


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


@pytest.fixture(scope="session")
def transactions_url(mongod: Mongod) -> str:
    return mongod.url("transactions")


@pytest.fixture
def mongo_database(transactions_url: str) -> Iterator[Database[dict[str, Any]]]:
    """The database, which is empty except for the identity of the store."""
    client: MongoClient[dict[str, Any]]
    with MongoClient(transactions_url) as client:
        database: Database[dict[str, Any]] = client.get_default_database()
        for name in (COLLECTION, KNOWN_STORES, OUTBOX, PROVIDER_EVENTS, READERS, DEAD_LETTERS, NOTIFICATIONS):
            database[name].delete_many({})
        database[SEQUENCES].update_many({}, {"$set": {"last": 0}})
        yield database


@pytest.fixture
def mongo_stores(transactions_url: str, mongo_database: object) -> StoreFactory:
    """Opens a store on the empty database."""
    _ = mongo_database
    return mongo_factory(transactions_url)


@pytest.fixture(params=["sqlite", "mongodb"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> StoreFactory:
    """Opens an empty store, once of each kind."""
    if request.param == "mongodb":
        factory: StoreFactory = request.getfixturevalue("mongo_stores")
        return factory
    return lambda: sqlite_store(tmp_path)
