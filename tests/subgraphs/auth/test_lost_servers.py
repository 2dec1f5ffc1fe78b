"""Requests fail clearly or succeed while servers are away or the clock is wrong, and nobody gets in who should not."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import jwt
import pytest
from redis import Redis

from bank import redis_revocation, values
from mosafe.local_servers.postgres_server import PostgresServer
from servicekit.errors import StoreFailure, Unauthenticated
from servicekit.settings import load
from subgraphs.auth import revocation_keeper
from subgraphs.auth.app import AuthRuntime, create_app, open_runtime
from subgraphs.auth.attempts import Origin
from subgraphs.auth.sessions.session_service import SignedIn
from subgraphs.auth.settings import AuthSettings
from subgraphs.kit import postgres
from tests.servers import folder_of_postgres
from tests.servers import running as running_server
from tests.subgraphs.auth.client import PASSWORD, Auth
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ME = "{ me { id } }"
HERE = Origin("127.0.0.1", has_address_limits=False)
# A guard, so that a request that hangs fails its test. It is far above every deadline of the service.
GUARD_SECONDS = 60


@pytest.fixture(autouse=True)
def _times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation_keeper, "CHECK_SECONDS", 0.02)
    monkeypatch.setattr(redis_revocation, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(redis_revocation, "TIMEOUT_SECONDS", 10.0)
    monkeypatch.setattr(redis_revocation, "CALL_SECONDS", 20.0)


@pytest.fixture
def postgres_of_the_test() -> Iterator[PostgresServer]:
    """A PostgreSQL that the test may kill, in a folder that other users may enter."""
    with folder_of_postgres() as folder, running_server(PostgresServer(Path(folder) / "p")) as server:
        server.create_database("auth")
        yield server


def settings_on(folder: Path, **variables: str) -> AuthSettings:
    environ = {"MOSAFE_ENV": "development", "MOSAFE_DATA_DIR": str(folder), "SUBGRAPH_SIGNATURES": "off"}
    return load(AuthSettings, {**environ, **variables})


async def codes_of_all(auth: Auth, session: dict[str, Any]) -> list[list[str | None]]:
    """The error codes of a login, a wrong login, a refresh and a query."""
    responses = [
        await auth.mutate("login", email="ann@example.com", password=PASSWORD),
        await auth.mutate("login", email="nobody@example.com", password=PASSWORD),
        await auth.mutate("refresh", refreshToken="unknown"),
        await auth.bearing(session["accessToken"]).execute(ME),
    ]
    return [list(response.codes) for response in responses]


async def test_a_killed_postgresql_is_unavailable_until_it_is_back(
    postgres_of_the_test: PostgresServer, redis_url: str, tmp_path: Path
) -> None:
    server = postgres_of_the_test
    settings = settings_on(tmp_path, AUTH_DB_URL=server.url("auth"), REDIS_URL=redis_url)
    async with running(create_app(settings)) as http, asyncio.timeout(GUARD_SECONDS):
        auth = Auth(GraphQLClient(http))
        session = await auth.sign_up("Ann")
        server.kill()
        assert await codes_of_all(auth, session) == [["SERVICE_UNAVAILABLE"]] * 4
        with Redis.from_url(redis_url) as redis:
            redis.flushall()
        # Without the store, nobody can tell which sessions have ended.
        assert (await auth.bearing(session["accessToken"]).execute(ME)).codes == ["SERVICE_UNAVAILABLE"]
        server.start()
        while (await auth.bearing(session["accessToken"]).execute(ME)).codes == ["SERVICE_UNAVAILABLE"]:
            await asyncio.sleep(0.01)
        assert await codes_of_all(auth, session) == [[]] * 4


async def test_a_pool_without_a_free_connection_is_unavailable_until_there_is_one(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "MAX_CONNECTIONS", 1)
    async with running(create_app(settings_on(tmp_path, AUTH_DB_URL=postgres_url))) as http:
        auth = Auth(GraphQLClient(http))
        session = await auth.sign_up("Ann")
        other = await asyncpg.connect(postgres_url)
        try:
            async with asyncio.timeout(GUARD_SECONDS), other.transaction():
                await other.execute("LOCK TABLE users, refresh_tokens IN ACCESS EXCLUSIVE MODE")
                monkeypatch.setattr(postgres, "OPERATION_SECONDS", 0.2)
                found = await asyncio.gather(*(codes_of_all(auth, session) for _ in range(5)))
                assert found == [[["SERVICE_UNAVAILABLE"]] * 4] * 5
        finally:
            await other.close()
        monkeypatch.setattr(postgres, "OPERATION_SECONDS", 20.0)
        assert await codes_of_all(auth, session) == [[]] * 4


@asynccontextmanager
async def service(settings: AuthSettings, off: timedelta) -> AsyncIterator[AuthRuntime]:
    async with open_runtime(settings, clock=lambda: values.now() + off) as runtime:
        yield runtime


@pytest.mark.parametrize("minutes", [-11, 11])
@pytest.mark.parametrize("shared", [False, True])
async def test_a_clock_that_is_minutes_off_lets_nobody_in_again(
    minutes: int, *, shared: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Only the clock of the service is wrong. The list in Redis is lost, and completed again."""
    url = request.getfixturevalue("redis_url") if shared else ""
    settings = settings_on(tmp_path, REDIS_URL=url)
    async with service(settings, timedelta(0)) as right:
        signed_in = await right.services.identity.register(
            email="ann@example.com", password=PASSWORD, name="Ann", origin=HERE
        )
        assert isinstance(signed_in, SignedIn)
        ended, access = session_of(signed_in), signed_in.access.text
        assert (await right.verifier.verify(access)).session_id == ended
    async with service(settings, timedelta(minutes=minutes)) as wrong, asyncio.timeout(GUARD_SECONDS):
        await wrong.services.sessions.end(ended)
        if shared:
            with Redis.from_url(url) as redis:
                redis.flushall()
        assert await is_refused(wrong, access)
        later = await wrong.services.identity.login(email="ann@example.com", password=PASSWORD, origin=HERE)
        assert isinstance(later, SignedIn)
        # The token of a clock that is ahead is not valid yet, that of one that is behind has expired.
        assert await is_refused(wrong, later.access.text)
    async with service(settings, timedelta(0)) as right:
        assert await is_refused(right, access)


def session_of(signed_in: SignedIn) -> str:
    sid: str = jwt.decode(signed_in.access.text, options={"verify_signature": False})["sid"]
    return sid


async def is_refused(runtime: AuthRuntime, token: str) -> bool:
    """Whether a token is refused as soon as the list of ended sessions is complete."""
    while True:
        try:
            await runtime.verifier.verify(token)
        except Unauthenticated:
            return True
        except StoreFailure:
            await asyncio.sleep(0.01)
        else:
            return False
