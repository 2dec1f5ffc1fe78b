"""The servers of `mosafe up --infra`: PostgreSQL, MongoDB, Redis and Kafka, for a developer who has no containers.

The servers start and stop together with the platform. The data and the ports of PostgreSQL, MongoDB and Kafka are
stored in the data directory. Redis keeps its data in memory. Kafka is Apache Kafka if there is Java and `make tools`
has fetched it. Otherwise it is a mock broker, which keeps its events in memory, so they are lost when it stops.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from mosafe.local_servers.kafka_mock import KafkaMock
from mosafe.local_servers.kafka_server import KafkaServer
from mosafe.local_servers.mongod import Mongod
from mosafe.local_servers.postgres_server import PostgresServer
from mosafe.local_servers.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mosafe.local_servers.server_process import ServerProcess

DATA_DIR: Final = ".mosafe/real"
# Maps the variable with the URL of a database to the name of the database.
_DATABASES: Final = {"ACCOUNT_DB_URL": "accounts", "TRANSACTION_DB_URL": "transactions"}
_POSTGRES: Final = "AUTH_DB_URL"
_POSTGRES_DATABASE: Final = "auth"
_KAFKA: Final = "KAFKA_BROKERS"
_REDIS: Final = "REDIS_URL"
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
            self._enter_with_port(mongod)
            self.variables |= {variable: mongod.url(name) for variable, name in missing.items()}
        if not environ.get(_POSTGRES):
            self._postgres(folder)
        if not environ.get(_REDIS):
            redis = RedisServer(folder / "redis")
            self._enter(redis)
            self.variables[_REDIS] = redis.url
        if not environ.get(_KAFKA):
            self.variables[_KAFKA] = self._kafka(folder)

    def _postgres(self, folder: Path) -> None:
        """Start PostgreSQL, unless the users of the installation are in an embedded store of an earlier release."""
        if (folder.parent / "auth.sqlite3").exists():
            self.notes.append(f"The auth service continues with {folder.parent / 'auth.sqlite3'}, not with PostgreSQL.")
            return
        postgres = PostgresServer(folder / "postgres", _remembered_port(folder / "postgres"))
        self._enter_with_port(postgres)
        postgres.create_database(_POSTGRES_DATABASE)
        self.variables[_POSTGRES] = postgres.url(_POSTGRES_DATABASE)

    def _kafka(self, folder: Path) -> str:
        """Start Kafka, and return the address of its broker."""
        if KafkaServer.is_installed():
            # Not the folder of the mock broker, whose port another process may have by now.
            kafka = KafkaServer(folder / "apache-kafka", _remembered_port(folder / "apache-kafka"))
            self._enter_with_port(kafka)
            return kafka.brokers
        mock = KafkaMock(folder / "kafka")
        self._enter(mock)
        self.notes.append(
            "Kafka is a mock broker in memory: it forgets the events when the platform stops. `make tools` fetches"
            " Apache Kafka, which needs Java."
        )
        return mock.brokers

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

    def _enter_with_port(self, server: ServerProcess) -> None:
        """Start a server with stored data, and remember its port, which is a part of the data."""
        self._enter(server)
        (server.folder / "port").write_text(f"{server.port}\n", encoding="ascii")


def _remembered_port(folder: Path) -> int | None:
    """Return the port that a server used before, or None before the first start.

    The port is part of the stored data (in MongoDB, of the replica set), so it must not change.
    """
    path = folder / "port"
    return int(path.read_text(encoding="ascii")) if path.exists() else None
