"""The servers of `mosafe up --infra`: MongoDB and Kafka, for a developer who has no containers.

The servers start and stop together with the platform. The data and the port of MongoDB are stored in the data
directory. The Kafka broker keeps its events in memory, so they are lost when it stops.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from mosafe.local_servers.kafka_mock import KafkaMock
from mosafe.local_servers.mongod import Mongod

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mosafe.local_servers.server_process import ServerProcess

DATA_DIR: Final = ".mosafe/real"
# Maps the variable with the URL of a database to the name of the database.
_DATABASES: Final = {"ACCOUNT_DB_URL": "accounts", "TRANSACTION_DB_URL": "transactions"}
_KAFKA: Final = "KAFKA_BROKERS"
POLL_SECONDS: Final = 0.5


class Infrastructure(ExitStack):
    """A context manager that starts servers, and stops them at the end of its block.

    Attributes:
        variables: the environment variables that contain the addresses of the servers for the services.
        notes: sentences for the user about the servers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.variables: dict[str, str] = {}
        self.notes: list[str] = []
        self._servers: list[ServerProcess] = []

    def start(self, environ: Mapping[str, str], folder: Path) -> None:
        """Start a server for each address that is missing in `environ`. The data of the servers is in `folder`.

        Raises:
            ServerNotInstalled: the extra `dev` is not installed.
            StartupError: a server does not start; the message has the end of its log.
        """
        missing = {variable: name for variable, name in _DATABASES.items() if not environ.get(variable)}
        if missing:
            mongod = Mongod(folder / "mongod", _remembered_port(folder / "mongod"))
            self._enter(mongod)
            (mongod.folder / "port").write_text(f"{mongod.port}\n", encoding="ascii")
            self.variables |= {variable: mongod.url(name) for variable, name in missing.items()}
        if not environ.get(_KAFKA):
            kafka = KafkaMock(folder / "kafka")
            self._enter(kafka)
            self.variables[_KAFKA] = kafka.brokers
            self.notes.append("Kafka is a mock broker in memory: it forgets the events when the platform stops.")

    async def wait_for_death(self) -> str:
        """Wait until a server ends by itself. Return what happened."""
        while True:
            for server in self._servers:
                if server.exit_code is not None:
                    return f"{server.name} ended with exit code {server.exit_code}; its log is in {server.folder}"
            await asyncio.sleep(POLL_SECONDS)

    def _enter(self, server: ServerProcess) -> None:
        # The server is stopped even if it does not become ready.
        self.callback(server.stop)
        server.start()
        self._servers.append(server)


def _remembered_port(folder: Path) -> int | None:
    """Return the port that MongoDB used before, or None before the first start.

    The port is part of the stored configuration of the replica set, so it must not change.
    """
    path = folder / "port"
    return int(path.read_text(encoding="ascii")) if path.exists() else None
