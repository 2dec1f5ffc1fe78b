from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from bank import values
from servicekit.rate_limits import MemoryRateLimitStore
from servicekit.settings import load
from subgraphs.auth import open_limit_store, password_hashing
from subgraphs.auth.app import create_app
from subgraphs.auth.settings import AuthSettings
from subgraphs.auth.store.postgres import PostgresAuthStore
from subgraphs.kit.store_factory import StoreAddress
from tests.subgraphs.auth.client import Auth
from tests.subgraphs.auth.command_line import CommandLine
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.servers import PostgresServer


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a hash of a password take no time: most tests wait longer for hashes than for all else.

    The tests of the hasher replace this fixture, and the platforms of the end-to-end tests hash as in production.
    """
    monkeypatch.setattr(password_hashing, "_TIME_COST", 1)
    monkeypatch.setattr(password_hashing, "MEMORY_KIB", 64)


@pytest.fixture
def limits_without_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All attempts come at one moment for the limits, so none is allowed again only because the machine is slow."""
    store = partial(MemoryRateLimitStore, clock=lambda: 1_000.0)
    monkeypatch.setattr(open_limit_store, "MemoryRateLimitStore", store)


@pytest.fixture
def settings(tmp_path: Path) -> AuthSettings:
    environ = {"MOSAFE_ENV": "development", "MOSAFE_DATA_DIR": str(tmp_path), "AUTH_ISSUER": "http://auth.test"}
    return load(AuthSettings, {**environ, "SUBGRAPH_SIGNATURES": "off"})


@pytest.fixture
async def auth(settings: AuthSettings) -> AsyncIterator[Auth]:
    async with running(create_app(settings)) as http:
        yield Auth(GraphQLClient(http))


@pytest.fixture
def mosafe_auth(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop_later(url)


@pytest.fixture(scope="session")
def migrated_database(postgres_server: PostgresServer) -> str:
    """The name of a database with the tables of the service, which nobody changes."""
    url = postgres_server.new_database()

    async def migrate() -> None:
        store = await PostgresAuthStore.open_at(StoreAddress(SecretStr(url), "AUTH_DB_URL", Path()), values.now)
        await store.close()

    # In a thread, because the event loop of a test may already run.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrate()).result()
    return urlsplit(url).path.removeprefix("/")


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, migrated_database: str) -> Iterator[str]:
    """The URL of a new PostgreSQL database with the tables of the service: a copy of `migrated_database`."""
    identity = "UPDATE store_identity SET id = substr(replace(gen_random_uuid()::text, '-', ''), 1, 24);"
    url = postgres_server.new_database(migrated_database, identity)
    yield url
    postgres_server.drop_later(url)
