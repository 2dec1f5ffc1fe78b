"""Reads a MongoDB database at one cluster time, with the read concern `snapshot`, as BSON.

`mongodump` reads the collections of a database one after the other and not at one point in time; only with `--oplog` it
does, and then dumps the whole server. So it is not used. The files have the form of `mongodump`: after decryption and
`gunzip`, `mongorestore` reads them.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bson import Timestamp, json_util
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo import errors as mongo_errors

from bank.values import format_timestamp
from mosafe.backup.errors import NOT_CONFIGURED, SNAPSHOT_TOO_OLD, STORE, BackupError
from mosafe.backup.manifest import StoreFacts
from mosafe.backup.store_snapshot import Part
from subgraphs.kit.mongo import MIGRATIONS, PING_SECONDS, START_SECONDS
from subgraphs.kit.mongo_failures import explain
from subgraphs.kit.mongo_store import CHANGES, IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pymongo.database import Database

    from mosafe.backup.store_snapshot import Write

_TOO_OLD: Final = 239
_RAW: Final = CodecOptions(document_class=RawBSONDocument)


class ClusterTime(NamedTuple):
    """A cluster time, and the replica set or cluster to which it belongs."""

    cluster: frozenset[str]
    time: Timestamp


class MongoSnapshot:
    """One database at one cluster time.

    Attributes:
        cluster_time: another database of the same cluster can be read at this time too.
    """

    def __init__(self, name: str, address: OpenDatabase, beside: ClusterTime | None) -> None:
        """Choose the cluster time of `beside` if it is of the same cluster, otherwise the present one."""
        self._name = name
        self._address = address
        self._database = address.database
        with address.explained():
            self.cluster_time = self._choose_time(beside)
            self.facts = self._read_facts()

    @classmethod
    @contextmanager
    def open(cls, name: str, url: str, variable: str, beside: ClusterTime | None) -> Iterator[MongoSnapshot]:
        """Raises BackupError if the database cannot be read or is not a store."""
        with OpenDatabase.connect(url, variable) as address:
            yield cls(name, address, beside)

    def _choose_time(self, beside: ClusterTime | None) -> ClusterTime:
        hello = self._database.client.admin.command("hello")
        cluster = frozenset(hello.get("hosts", ())) or frozenset(map(str, self._database.client.nodes))
        if beside is not None and beside.cluster == cluster:
            return beside
        return ClusterTime(cluster, self._present_time())

    def _read_facts(self) -> StoreFacts:
        identity = self._read_all(IDENTITY)
        if not identity:
            raise BackupError(STORE, f"{self._address.variable}: the database has no {self._name} store")
        migrations = [row["_id"] for row in self._read_all(MIGRATIONS) if isinstance(row["_id"], int)]
        time = self.cluster_time.time
        return StoreFacts(
            name=self._name,
            kind="mongodb",
            server=f"MongoDB {self._database.client.server_info()['version']}",
            method="snapshot reads",
            point_in_time=format_timestamp(time.as_datetime()),
            cluster_time=f"{time.time}.{time.inc}",
            migration=max(migrations, default=0),
            store_id=identity[0]["id"],
            changes=sum(int(row["count"]) for row in self._read_all(CHANGES)),
        )

    def parts(self) -> Iterator[Part]:
        with self._address.explained():
            found = list(self._database.list_collections(filter={"type": "collection"}))
        for collection in sorted(found, key=lambda each: str(each["name"])):
            name = str(collection["name"])
            if not name.startswith("system."):
                yield Part(f"{self._name}/{name}.metadata.json", partial(self._metadata, collection))
                yield Part(f"{self._name}/{name}.bson", partial(self._dump, name))

    def _present_time(self) -> Timestamp:
        reply = self._database.command("find", IDENTITY, limit=1, readConcern={"level": "snapshot"})
        found: Timestamp = reply["cursor"]["atClusterTime"]
        return found

    def _read_concern(self) -> dict[str, object]:
        return {"level": "snapshot", "atClusterTime": self.cluster_time.time}

    def _read_all(self, collection: str) -> list[dict[str, Any]]:
        return list(self._database.cursor_command("find", collection, readConcern=self._read_concern()))

    def _dump(self, collection: str, write: Write) -> int:
        count = 0
        database = self._database.with_options(codec_options=_RAW)
        with self._address.explained():
            for document in database.cursor_command(
                "find", collection, codec_options=_RAW, readConcern=self._read_concern()
            ):
                write(bytes(document.raw))
                count += 1
        return count

    def _metadata(self, collection: Mapping[str, Any], write: Write) -> int:
        """Write options and indexes, in the form of `mongodump`."""
        with self._address.explained():
            indexes = list(self._database[collection["name"]].list_indexes())
        document = {
            "collectionName": collection["name"],
            "type": "collection",
            "options": collection.get("options", {}),
            "indexes": [dict(index) for index in indexes],
        }
        write(json_util.dumps(document, json_options=json_util.CANONICAL_JSON_OPTIONS).encode())
        return 1


class OpenDatabase(NamedTuple):
    """An open database, and the variable that holds its URL, for messages."""

    database: Database[dict[str, Any]]
    variable: str

    @classmethod
    @contextmanager
    def connect(cls, url: str, variable: str) -> Iterator[OpenDatabase]:
        """Open the database that the URL names, which is reached later.

        Raises:
            BackupError: the URL is malformed.
        """
        try:
            client: MongoClient[dict[str, Any]] = MongoClient(
                url,
                connectTimeoutMS=round(PING_SECONDS * 1000),
                serverSelectionTimeoutMS=round(START_SECONDS * 1000),
                appname="mosafe-backup",
                w="majority",
            )
            database = client.get_default_database()
        except (mongo_errors.ConfigurationError, mongo_errors.InvalidName, ValueError):
            # The driver's message may repeat parts of the URL, and the URL may contain a password.
            raise BackupError(
                NOT_CONFIGURED, f"{variable}: this is not a URL of the form mongodb://user:password@host:27017/database"
            ) from None
        with client:
            yield cls(database, variable)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Report failures of the server.

        Raises:
            BackupError: the server has failed.
        """
        try:
            yield
        except mongo_errors.PyMongoError as error:
            if isinstance(error, mongo_errors.OperationFailure) and error.code == _TOO_OLD:
                raise BackupError(
                    SNAPSHOT_TOO_OLD,
                    f"{self.variable}: reading took longer than MongoDB keeps old states; raise its parameter"
                    " minSnapshotHistoryWindowInSeconds (300) above the time that a backup takes",
                ) from error
            explanation = explain(error, self.database.client.topology_description)
            raise BackupError(STORE, f"{self.variable}: {explanation}") from error
