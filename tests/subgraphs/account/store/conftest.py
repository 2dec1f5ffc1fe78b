"""A migrated MongoDB database that the tests of a worker share. Each test finds it empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pymongo import MongoClient

from subgraphs.account.store.mongo_schema import ACCOUNTS, CUSTOMERS, ENTRIES, HOLDS, KEYS, POSTINGS
from subgraphs.kit.mongo_store import KNOWN_STORES, OUTBOX, READERS, SEQUENCES
from tests.subgraphs.account.support import mongo_factory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymongo.database import Database

    from mosafe.local_servers.mongod import Mongod
    from tests.subgraphs.account.support import StoreFactory

_EMPTIED = (ACCOUNTS, CUSTOMERS, ENTRIES, HOLDS, KEYS, POSTINGS, KNOWN_STORES, OUTBOX, READERS)


@pytest.fixture(scope="session")
def accounts_url(mongod: Mongod) -> str:
    return mongod.url("accounts")


@pytest.fixture
def mongo_database(accounts_url: str) -> Iterator[MongoClient[dict[str, object]]]:
    """A client of the database; the database is empty, except for the identity of the store."""
    client: MongoClient[dict[str, object]]
    with MongoClient(accounts_url) as client:
        database: Database[dict[str, object]] = client.get_default_database()
        for name in _EMPTIED:
            database[name].delete_many({})
        database[SEQUENCES].update_many({}, {"$set": {"last": 0}})
        yield client


@pytest.fixture
def mongo_stores(accounts_url: str, mongo_database: object) -> StoreFactory:
    """Opens a store on the empty database."""
    _ = mongo_database
    return mongo_factory(accounts_url)
