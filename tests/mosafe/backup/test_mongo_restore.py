"""Documents are inserted as they come, and an interrupted restore is noticed.

The rehearsal (`test_rehearsal.py`) restores a whole database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bson
import pytest
from pydantic import SecretStr
from pymongo import MongoClient

from mosafe.backup.errors import BackupError
from mosafe.backup.mongo_restore import _Inserting
from servicekit.errors import StartupError
from subgraphs.kit.mongo import MIGRATIONS, RESTORING, MongoDatabase
from subgraphs.kit.store_factory import StoreAddress

if TYPE_CHECKING:
    from pathlib import Path

    from pymongo.database import Database

DOCUMENTS = [{"_id": number, "text": "x" * (number % 90)} for number in range(200)]


class Collection:
    """Records what is inserted."""

    name = "documents"

    def __init__(self) -> None:
        self.inserted: list[dict[str, Any]] = []

    def delete_many(self, _: object) -> None:
        self.inserted = []

    def insert_many(self, documents: list[Any], *, ordered: bool) -> None:
        assert not ordered
        self.inserted += [bson.decode(document.raw) for document in documents]


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
def test_documents_may_be_cut_anywhere(size: int) -> None:
    collection: Any = Collection()
    content = b"".join(map(bson.encode, DOCUMENTS))
    inserting = _Inserting(collection)
    for start in range(0, len(content), size):
        inserting.write(content[start : start + size])
    inserting.finish()
    assert collection.inserted == DOCUMENTS


@pytest.mark.parametrize("content", [b"\0\0\0\0\0", b"\xff\xff\xff\x7f", b"\x10\0\0\0abc"])
def test_what_is_no_document_is_damage(content: bytes) -> None:
    collection: Any = Collection()

    def insert() -> None:
        inserting = _Inserting(collection)
        inserting.write(content)
        inserting.finish()

    with pytest.raises(BackupError, match="BACKUP_FILE_DAMAGED"):
        insert()


async def test_no_service_starts_on_a_half_restored_database(mongo_url: str, tmp_path: Path) -> None:
    client: MongoClient[dict[str, Any]]
    with MongoClient(mongo_url) as client:
        database: Database[dict[str, Any]] = client.get_default_database()
        database[MIGRATIONS].insert_one({"_id": RESTORING})
    address = StoreAddress(SecretStr(mongo_url), "ACCOUNT_DB_URL", tmp_path)
    with pytest.raises(StartupError, match="run `mosafe backup restore` again"):
        await MongoDatabase.open(address, ())
