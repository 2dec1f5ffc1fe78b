"""Databases of MongoDB for tests of the account and transaction services together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from pymongo import MongoClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mosafe.local_servers.mongod import Mongod


@pytest.fixture
def mongo_urls(mongod: Mongod) -> Iterator[dict[str, str]]:
    """The variables of both services for new databases."""
    names = {variable: f"test_{uuid4().hex}" for variable in ("ACCOUNT_DB_URL", "TRANSACTION_DB_URL")}
    yield {variable: mongod.url(name) for variable, name in names.items()}
    client: MongoClient[dict[str, Any]]
    with MongoClient(mongod.url("admin")) as client:
        for name in names.values():
            client.drop_database(name)
