"""Restores a MongoDB database. An interrupted restore leaves a mark, with which no service starts.

The collections and indexes are created by the migrations of this release, up to the one of the backup. Then the
documents are inserted as they are in the backup.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient
from pymongo.write_concern import WriteConcern

from mosafe.backup.errors import FILE_DAMAGED, BackupError
from mosafe.backup.mongo_snapshot import OpenDatabase
from mosafe.store_migrations import migrations_of
from subgraphs.kit.mongo import MIGRATIONS, RESTORING
from subgraphs.kit.store_factory import MONGODB

if TYPE_CHECKING:
    from pymongo.asynchronous.database import AsyncDatabase
    from pymongo.collection import Collection

    from mosafe.backup.backup_files import BackupReader
    from mosafe.backup.manifest import StoreBackup

_ENDING: Final = ".bson"
# The largest document of MongoDB, with room for its envelope.
_LARGEST_DOCUMENT: Final = 16 * 1024 * 1024 + 16 * 1024
_BATCH_BYTES: Final = 4 << 20
_LENGTH_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class MongoTarget:
    """A database that is restored."""

    url: str
    variable: str

    def is_empty(self) -> bool:
        """Whether the database has no collection. Raises BackupError if it cannot be read."""
        with OpenDatabase.connect(self.url, self.variable) as address, address.explained():
            return not address.database.list_collection_names()

    def restore(self, store: StoreBackup, reader: BackupReader) -> None:
        """Replace everything in the database.

        Raises:
            BackupError: the database cannot be written, or a file of the backup is damaged.
        """
        with OpenDatabase.connect(self.url, self.variable) as address, address.explained():
            database = address.database
            marks = database[MIGRATIONS]
            marks.update_one({"_id": RESTORING}, {"$set": {"backup": reader.backup}}, upsert=True)
            for name in database.list_collection_names():
                if name != MIGRATIONS and not name.startswith("system."):
                    database.drop_collection(name)
            marks.delete_many({"_id": {"$ne": RESTORING}})
            asyncio.run(_create_collections(self.url, store))
            for file in store.files:
                if file.name.endswith(_ENDING):
                    name = file.name.rpartition("/")[2].removesuffix(_ENDING)
                    inserting = _Inserting(database[name])
                    reader.read(file, inserting.write)
                    inserting.finish()
            marks.delete_one({"_id": RESTORING})


async def _create_collections(url: str, store: StoreBackup) -> None:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url, appname="mosafe-backup")
    try:
        database: AsyncDatabase[dict[str, Any]] = client.get_default_database().with_options(
            codec_options=CodecOptions(tz_aware=True, tzinfo=UTC), write_concern=WriteConcern("majority")
        )
        for migration in migrations_of(store.facts.name, MONGODB):
            if migration.number <= (store.facts.migration or 0):
                await migration.apply(database)
    finally:
        await client.close()


class _Inserting:
    """Inserts a stream of BSON documents into a collection, whose documents of the migrations are deleted first."""

    def __init__(self, collection: Collection[dict[str, Any]]) -> None:
        if collection.name != MIGRATIONS:
            collection.delete_many({})
        self._collection: Any = collection
        self._buffer = bytearray()
        self._batch: list[RawBSONDocument] = []
        self._batch_bytes = 0

    def write(self, data: bytes) -> None:
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= _LENGTH_BYTES:
            length = int.from_bytes(self._buffer[start : start + _LENGTH_BYTES], "little")
            if not _LENGTH_BYTES < length <= _LARGEST_DOCUMENT:
                raise BackupError(FILE_DAMAGED, f"a document of {self._collection.name} has {length} bytes")
            if len(self._buffer) - start < length:
                break
            self._add(bytes(self._buffer[start : start + length]))
            start += length
        del self._buffer[:start]

    def _add(self, document: bytes) -> None:
        self._batch.append(RawBSONDocument(document))
        self._batch_bytes += len(document)
        if self._batch_bytes >= _BATCH_BYTES:
            self._insert()

    def _insert(self) -> None:
        if self._batch:
            self._collection.insert_many(self._batch, ordered=False)
        self._batch, self._batch_bytes = [], 0

    def finish(self) -> None:
        """Insert the last documents. Raises BackupError if the stream ended inside a document."""
        if self._buffer:
            raise BackupError(FILE_DAMAGED, f"the documents of {self._collection.name} end inside a document")
        self._insert()
