"""Real servers for tests, and options that make the long tests run longer, for runs by hand.

Each worker of pytest-xdist starts a server when its first test asks for it, and all its tests share it. A test that
stops a server runs a separate one: `with running(Mongod(tmp_path)) as server` (`tests/servers.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import hypothesis
import pytest
from pymongo import MongoClient
from redis import Redis

from mosafe.local_servers.kafka_mock import KafkaMock
from mosafe.local_servers.mongod import Mongod
from mosafe.local_servers.redis_server import RedisServer
from servicekit.logging import configure, request_lines
from servicekit.settings import ProcessSettings, load
from servicekit.tls.failures import COUNTS
from tests.hang_guard import HangGuard
from tests.ports import free_port
from tests.router.every_policy.running_router import RouterWithEveryPolicy, serving_every_policy
from tests.servers import PostgresServer, folder_of_postgres, running

if TYPE_CHECKING:
    from collections.abc import Iterator

# Hypothesis would fail an example that takes longer than 200 ms, and ten that take longer than a second to generate.
# Both happen beside other tests.
hypothesis.settings.register_profile(
    "without deadline", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("without deadline")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mosafe")
    group.addoption("--crash-rounds", type=int, default=5, help="how many processes the crash test kills")
    group.addoption("--composition-inputs", type=int, default=600, help="how many spoiled schemas are composed")
    group.addoption("--fuzz-requests", type=int, default=150, help="how many requests the REST fuzz test sends")
    group.addoption(
        "--graphql-fuzz-requests",
        type=int,
        default=60,
        help="how many operations the GraphQL fuzz test sends to each port",
    )
    group.addoption(
        "--every-policy",
        action="store_true",
        help="run the platform of the end-to-end tests with every policy of the router on",
    )
    group.addoption(
        "--misbehaving-subgraphs",
        action="store_true",
        help="measure calls to subgraphs behind toxiproxy (make misbehaving-subgraphs)",
    )
    group.addoption("--consumer-kills", type=int, default=1, help="how often the test of consumers kills a process")
    group.addoption("--kafka-brokers", help="test the bus on this real Kafka without topics, not on the mock broker")
    group.addoption(
        "--installed-hook",
        action="store_true",
        help="let pre-commit install the router for its hook (make installed-hook)",
    )
    group.addoption("--all-ids", action="store_true", help="spread 10^6 ids over shards, instead of 50,000")
    group.addoption("--real-kafka", action="store_true", help="run the tests of Apache Kafka (make test-kafka)")
    group.addoption("--deploy-tools", action="store_true", help="check manifests with the tools of make test-deploy")
    group.addoption("--reloads", type=int, default=5, help="how often the memory test reloads the router")
    group.addoption("--hostile-requests", type=int, default=1_500, help="how many hostile requests the five ports get")
    group.addoption("--load-seconds", type=float, default=8, help="how long the mixed load runs")
    group.addoption("--browser-pages", action="store_true", help="look at every page with Chromium (make browser)")
    group.addoption("--payment-orders", type=int, default=60, help="how many orders have random outcomes on each store")
    group.addoption("--http-fuzz-requests", type=int, default=300, help="how many requests the HTTP fuzz test sends")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(HangGuard(config))


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A replica set of one member that the tests of this worker share. Do not stop it."""
    with running(Mongod(tmp_path_factory.mktemp("mongod"))) as server:
        yield server


@pytest.fixture
def mongo_urls(mongod: Mongod) -> Iterator[dict[str, str]]:
    """The variables of the account and the transaction service for new databases, which are dropped afterwards."""
    names = {variable: f"test_{uuid4().hex}" for variable in ("ACCOUNT_DB_URL", "TRANSACTION_DB_URL")}
    yield {variable: mongod.url(name) for variable, name in names.items()}
    client: MongoClient[dict[str, object]]
    with MongoClient(mongod.url("admin")) as client:
        for name in names.values():
            client.drop_database(name)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that the tests of this worker share. Do not stop it."""
    with running(RedisServer(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture(scope="session")
def router_with_every_policy(
    redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RouterWithEveryPolicy]:
    """A running router in whose configuration every policy is on (`tests/router/every_policy/router.yaml`)."""
    with serving_every_policy(tmp_path_factory.mktemp("every_policy"), redis_server.url) as running_router:
        yield running_router


@pytest.fixture(scope="session")
def kafka_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaMock]:
    """A process for Kafka clusters in memory that the tests of this worker share. Do not stop it."""
    with running(KafkaMock(tmp_path_factory.mktemp("kafka"))) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL that the tests of this worker share. Do not stop it."""
    with folder_of_postgres() as folder, running(PostgresServer(Path(folder))) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a new PostgreSQL database."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop_later(url)


@pytest.fixture
def mongo_url(mongod: Mongod) -> Iterator[str]:
    """The URL of a new database: `mongodb://127.0.0.1:<port>/<name>`."""
    name = f"test_{uuid4().hex}"
    yield mongod.url(name)
    client: MongoClient[dict[str, object]]
    with MongoClient(mongod.url("admin")) as client:
        client.drop_database(name)


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty Redis database: `redis://127.0.0.1:<port>/0`."""
    with Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def kafka_brokers(kafka_mock: KafkaMock) -> str:
    """The address of a new Kafka cluster without topics: `127.0.0.1:<port>`."""
    kafka_mock.renew()
    return kafka_mock.brokers


@pytest.fixture
def unused_tcp_port() -> int:
    """A port on which nobody listens. An outgoing connection could get the one that pytest-asyncio chooses."""
    return free_port()


@pytest.fixture(autouse=True)
def _log_lines_pass_structlog() -> Iterator[None]:
    """A command that a test runs in this process configures its log. Later tests look at what structlog gets."""
    yield
    if request_lines() is not None:
        configure("test", load(ProcessSettings, {}))


@pytest.fixture(autouse=True)
def _no_handshake_has_failed() -> None:
    """Each test begins as a new process does, whose `/health/ready` shows no failed TLS handshakes."""
    COUNTS.as_client.clear()
    COUNTS.as_server.clear()
