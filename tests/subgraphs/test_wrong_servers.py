"""A service whose servers cannot be used says so at its start: which variable, what was tried, and what to do.

Covers `subgraphs/kit/redis_check.py`. `tests/subgraphs/kit/test_mongo.py` has more about MongoDB.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from pymongo import MongoClient
from redis import Redis
from structlog.testing import capture_logs

from mosafe.local_servers.mongod import Mongod
from mosafe.local_servers.redis_server import RedisServer
from servicekit.errors import StartupError
from servicekit.settings import load
from subgraphs.account.app import create_app
from subgraphs.account.settings import AccountSettings
from subgraphs.kit.events import kafka, kafka_bus
from tests.e2e.platform import clean_environment
from tests.ports import free_port
from tests.servers import running
from tests.subgraphs.account.support import KEY_TEXT, opened, person, sqlite_factory
from tests.subgraphs.kit.test_mongo import Standalone, Uninitiated
from tests.subgraphs.support import running as serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

PASSWORD: Final = "hunter2"
# How long the start may take until it fails, on an idle machine; here it has three times as long.
SECONDS: Final = 30
# Nothing that an operator waits for takes longer.
LONGEST_WAIT: Final = 10


class WithPassword(RedisServer):
    """A Redis that wants a password."""

    def _command(self, port: int) -> Sequence[str]:
        return [*super()._command(port), "--requirepass", "another password"]

    def _responds(self) -> bool:
        with Redis(port=self.port, password="another password") as client:
            try:
                return bool(client.ping())
            except OSError:
                return False


class WithUsers(Mongod):
    """A mongod, in a replica set, that wants its users to log in."""

    def _command(self, port: int) -> Sequence[str]:
        key = self.folder / "key"
        key.write_text("c" * 32, encoding="ascii")
        key.chmod(0o600)
        return [*super()._command(port), "--keyFile", str(key)]


@pytest.fixture(scope="module")
def mongod_with_users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with running(WithUsers(tmp_path_factory.mktemp("users"))) as server:
        client: MongoClient[dict[str, Any]]
        with MongoClient("127.0.0.1", server.port, directConnection=True) as client:
            client.admin.command("createUser", "ann", pwd="right", roles=["root"])
        yield server


def start(folder: Path, *arguments: str, **variables: str) -> str:
    """What the account service prints until it ends; it must end with an error, in time, without a traceback."""
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "mosafe", "account", *arguments],
        env=clean_environment(MOSAFE_DATA_DIR=str(folder), ACCOUNT_PORT=str(free_port()), **variables),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    printed = ended.stdout + ended.stderr
    assert ended.returncode != 0, printed
    assert time.monotonic() - began < SECONDS
    assert "Traceback" not in printed
    assert PASSWORD not in printed
    return printed


def test_another_kind_of_store_is_refused(tmp_path: Path) -> None:
    printed = start(tmp_path, ACCOUNT_DB_URL=f"postgres://ann:{PASSWORD}@127.0.0.1/accounts")
    assert "ACCOUNT_DB_URL: this release knows sqlite:// and mongodb:// only" in printed


def test_a_mongodb_that_does_not_respond_stops_the_start(tmp_path: Path) -> None:
    port = free_port()
    printed = start(tmp_path, ACCOUNT_DB_URL=f"mongodb://ann:{PASSWORD}@127.0.0.1:{port}/accounts")
    assert f"ACCOUNT_DB_URL: 127.0.0.1:{port} does not respond; check the address, and that mongod runs" in printed


@pytest.mark.parametrize(
    ("credentials", "reason"),
    [
        (f"ann:{PASSWORD}@", "refuses the user name or the password; correct the URL, or create the user"),
        ("", "does not allow this user to use the database; give it a user"),
    ],
)
def test_a_mongodb_that_refuses_the_user_stops_the_start(
    credentials: str, reason: str, mongod_with_users: Mongod, tmp_path: Path
) -> None:
    url = f"mongodb://{credentials}127.0.0.1:{mongod_with_users.port}/accounts?authSource=admin"
    assert f"ACCOUNT_DB_URL: 127.0.0.1:{mongod_with_users.port} {reason}" in start(tmp_path, ACCOUNT_DB_URL=url)


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        (Standalone, "it has no transactions; start mongod with --replSet rs0 and run rs.initiate() once"),
        (Uninitiated, "was started with --replSet but belongs to no replica set; run rs.initiate() once"),
    ],
)
def test_a_mongodb_without_transactions_stops_the_start(kind: type[Mongod], advice: str, tmp_path: Path) -> None:
    with running(kind(tmp_path / "mongod")) as server:
        printed = start(tmp_path, ACCOUNT_DB_URL=server.url("accounts"))
    assert "ACCOUNT_DB_URL: " in printed
    assert advice in printed


def test_malformed_brokers_stop_the_start(tmp_path: Path) -> None:
    printed = start(tmp_path, KAFKA_BROKERS="http://127.0.0.1:9092")
    assert "KAFKA_BROKERS: 'http://127.0.0.1:9092' is not of the form host:port" in printed


@asynccontextmanager
async def refusing() -> AsyncIterator[str]:
    """An address where nothing listens."""
    yield f"127.0.0.1:{free_port()}"


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """The address of a server that accepts connections and never responds."""

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(read, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


# A service that stops breaks off an attempt to connect.
@pytest.mark.filterwarnings("ignore:Unclosed AIOKafkaConnection:ResourceWarning")
@pytest.mark.parametrize("address", [refusing, silent])
async def test_brokers_that_are_away_do_not_stop_the_start(
    address: Callable[[], AbstractAsyncContextManager[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service is ready, its log says once what is wrong with the consumer and with the relay, and it can stop."""
    assert kafka.CONNECT_SECONDS + kafka.STOP_SECONDS <= LONGEST_WAIT
    monkeypatch.setattr(kafka, "CONNECT_SECONDS", 0.1)
    monkeypatch.setattr(kafka, "PUBLISH_SECONDS", 0.1)
    monkeypatch.setattr(kafka_bus, "RETRY_SECONDS", 0.01)
    async with sqlite_factory(tmp_path / "account.sqlite3")() as store:
        await opened(store, person())
    async with address() as brokers, asyncio.timeout(SECONDS):
        variables = {"MOSAFE_DATA_DIR": str(tmp_path), "ACCOUNT_LEDGER_KEY": KEY_TEXT, "KAFKA_BROKERS": brokers}
        with capture_logs() as lines:
            async with serving(create_app(load(AccountSettings, variables))) as http:
                while len(found := [line for line in lines if "KAFKA_BROKERS" in line.get("reason", "")]) < 2:
                    await asyncio.sleep(0.01)
                assert (await http.get("/health/ready")).json() == {"status": "ready"}
        gc.collect()
    reasons = {line["event"]: line["reason"] for line in found}
    assert reasons["events are not processed; they stay in Kafka"] == (
        f"KAFKA_BROKERS: Kafka at {brokers} does not respond; check the address, and that the broker runs"
    )
    relayed = reasons["events are not processed; they stay in the outbox"]
    assert relayed.startswith(f"KAFKA_BROKERS: Kafka at {brokers} did not take events: ")
    assert relayed.endswith("; check the address, that the broker runs, and that this service may write to the topics")


async def test_a_command_does_not_wait_for_silent_brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "CONNECT_SECONDS", 0.1)
    async with silent() as brokers, asyncio.timeout(SECONDS):
        with pytest.raises(
            StartupError, match=f"KAFKA_BROKERS: Kafka at {brokers} does not respond; check the address"
        ):
            await anext(aiter(kafka.records_since(brokers, ["accounts.v1"], None, follow=False)))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (f":{PASSWORD}@127.0.0.1:%d/0", "refuses the user name or the password; correct the URL, or create the user"),
        ("127.0.0.1:%d/0", "refuses the user name or the password"),
        ("ann:another password@127.0.0.1:%d/0", "refuses the user name or the password"),
        (":another password@127.0.0.1:%d/999", "DB index is out of range; correct the URL"),
    ],
)
async def test_a_redis_that_refuses_the_url_stops_the_start(path: str, reason: str, tmp_path: Path) -> None:
    with running(WithPassword(tmp_path / "redis")) as server:
        variables = {"MOSAFE_DATA_DIR": str(tmp_path), "REDIS_URL": f"redis://{path % server.port}"}
        expected = rf"REDIS_URL: the Redis at 127\.0\.0\.1:{server.port} .*{reason}"
        with pytest.raises(StartupError, match=expected) as caught:
            async with serving(create_app(load(AccountSettings, variables))):
                """The start fails."""
    assert PASSWORD not in str(caught.value)
    assert "another password" not in str(caught.value)


async def test_a_redis_that_is_away_does_not_stop_the_start(tmp_path: Path) -> None:
    port = free_port()
    variables = {"MOSAFE_DATA_DIR": str(tmp_path), "REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:{port}/0"}
    with capture_logs() as lines:
        async with serving(create_app(load(AccountSettings, variables))) as http:
            assert (await http.get("/health/live")).status_code == 200
    (line,) = [line for line in lines if line["event"] == "Redis is not available"]
    assert line["explanation"] == (
        f"REDIS_URL: the Redis at 127.0.0.1:{port} does not respond; check the address, and that redis-server runs"
    )
    assert PASSWORD not in str(lines)
