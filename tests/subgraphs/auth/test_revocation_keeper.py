"""Sessions that have ended stay ended, whatever happens to the Redis that has the list of them.

Covers `subgraphs/auth/open_revocations.py` and `subgraphs/kit/revocation_list.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from click.testing import CliRunner
from redis import Redis
from structlog.testing import capture_logs

from bank import redis_revocation
from mosafe.local_servers.redis_server import RedisServer
from servicekit.errors import ConfigurationError
from servicekit.settings import load
from subgraphs.auth import revocation_keeper
from subgraphs.auth.app import create_app
from subgraphs.auth.cli import command
from subgraphs.auth.settings import AuthSettings
from subgraphs.kit.revocation_list import open_revocation_list
from tests.servers import running as running_server
from tests.subgraphs.auth.client import Auth
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

ME = "{ me { id } }"
LOGOUT = "mutation { logout { __typename } }"


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation_keeper, "CHECK_SECONDS", 0.02)
    monkeypatch.setattr(redis_revocation, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(redis_revocation, "TIMEOUT_SECONDS", 10.0)
    monkeypatch.setattr(redis_revocation, "CALL_SECONDS", 20.0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may kill."""
    with running_server(RedisServer(tmp_path / "redis")) as server:
        yield server


def settings_on(url: str, folder: Path) -> AuthSettings:
    return load(AuthSettings, variables_on(url, folder))


def variables_on(url: str, folder: Path) -> dict[str, str]:
    return {
        "MOSAFE_ENV": "development",
        "MOSAFE_DATA_DIR": str(folder / "data"),
        "SUBGRAPH_SIGNATURES": "off",
        "REDIS_URL": url,
    }


@asynccontextmanager
async def auth_on(url: str, folder: Path) -> AsyncIterator[Auth]:
    async with running(create_app(settings_on(url, folder))) as http:
        yield Auth(GraphQLClient(http))


async def codes_until(auth: Auth, session: dict[str, Any], wanted: list[str]) -> set[str]:
    """Ask for the caller until the response has the codes `wanted`; returns the codes of the responses before it."""
    before: set[str] = set()
    async with asyncio.timeout(60):
        while (codes := (await auth.bearing(session["accessToken"]).execute(ME)).codes) != wanted:
            before.update(str(code) for code in codes or ["a response"])
            await asyncio.sleep(0.01)
    return before


async def test_a_session_that_has_ended_survives_no_flush_and_no_restart(server: RedisServer, tmp_path: Path) -> None:
    async with auth_on(server.url, tmp_path) as auth:
        ended, alive = await auth.sign_up("Ann"), await auth.sign_up("Bob")
        assert (await auth.bearing(ended["accessToken"]).execute(LOGOUT)).codes == []
        assert await codes_until(auth, ended, ["UNAUTHENTICATED"]) == set()
        with Redis.from_url(server.url) as redis:
            redis.flushall()
        # The list is completed before anybody is let in again.
        assert await codes_until(auth, ended, ["UNAUTHENTICATED"]) <= {"SERVICE_UNAVAILABLE"}
        assert await codes_until(auth, alive, []) <= {"SERVICE_UNAVAILABLE"}
        server.kill()
        assert (await auth.bearing(alive["accessToken"]).execute(ME)).codes == ["SERVICE_UNAVAILABLE"]
        assert (await auth.bearing(ended["accessToken"]).execute(ME)).codes == ["SERVICE_UNAVAILABLE"]
        server.start()
        assert await codes_until(auth, ended, ["UNAUTHENTICATED"]) <= {"SERVICE_UNAVAILABLE"}
        assert await codes_until(auth, alive, []) <= {"SERVICE_UNAVAILABLE"}


async def test_a_logout_that_cannot_reach_redis_takes_effect_when_redis_is_back(
    server: RedisServer, tmp_path: Path
) -> None:
    """The Redis keeps its data meanwhile, so that its list is complete as far as it knows."""
    async with auth_on(server.url, tmp_path) as auth:
        session, alive = await auth.sign_up("Ann"), await auth.sign_up("Bob")
        caller = auth.bearing(session["accessToken"])
        assert (await caller.execute(ME)).codes == []
        with Redis.from_url(server.url) as redis:
            # Until then, Redis runs no script that writes, but look-ups go on.
            redis.config_set("min-replicas-to-write", 1)
            assert (await caller.execute(LOGOUT)).codes == ["SERVICE_UNAVAILABLE"]
            redis.config_set("min-replicas-to-write", 0)
        await codes_until(auth, session, ["UNAUTHENTICATED"])
        assert await codes_until(auth, alive, []) <= {"SERVICE_UNAVAILABLE"}


async def test_the_service_starts_without_redis_and_is_ready_when_redis_is_there(
    server: RedisServer, tmp_path: Path
) -> None:
    server.kill()
    with capture_logs() as lines:
        async with auth_on(server.url, tmp_path) as auth:
            session = await auth.sign_up("Ann")
            assert (await auth.bearing(session["accessToken"]).execute(ME)).codes == ["SERVICE_UNAVAILABLE"]
            ready = await auth.client.http.get("/health/ready")
            assert (ready.status_code, ready.json()["failing"]) == (503, ["revocations"])
            server.start()
            assert await codes_until(auth, session, []) <= {"SERVICE_UNAVAILABLE"}
            assert (await auth.client.http.get("/health/ready")).status_code == 200
    assert sum(line["event"] == "revocation list unavailable" for line in lines) == 1
    assert sum(line["event"] == "the revocation list is complete" for line in lines) == 1


async def test_of_two_processes_one_completes_the_list(redis_url: str, tmp_path: Path) -> None:
    async with auth_on(redis_url, tmp_path) as auth, auth_on(redis_url, tmp_path) as other:
        session = await auth.sign_up("Ann")
        assert (await auth.bearing(session["accessToken"]).execute(LOGOUT)).codes == []
        assert (await other.bearing(session["accessToken"]).execute(ME)).codes == ["UNAUTHENTICATED"]
        with capture_logs() as lines, Redis.from_url(redis_url) as redis:
            redis.flushall()
            await codes_until(other, session, ["UNAUTHENTICATED"])
        assert sum(line["event"] == "the revocation list is complete" for line in lines) == 1


async def test_a_command_ends_sessions_for_every_process(redis_url: str, tmp_path: Path) -> None:
    async with auth_on(redis_url, tmp_path) as auth:
        session = await auth.sign_up("Ann")
        arguments = ["users", "disable", "ann@example.com"]
        result = await asyncio.to_thread(CliRunner().invoke, command, arguments, env=variables_on(redis_url, tmp_path))
        assert result.exit_code == 0, result.output
        assert (await auth.bearing(session["accessToken"]).execute(ME)).codes == ["UNAUTHENTICATED"]
        ended = jwt.decode(session["accessToken"], options={"verify_signature": False})["sid"]
        async with open_revocation_list(settings_on(redis_url, tmp_path)) as listed:
            assert await listed.is_revoked(ended)


async def test_keys_that_redis_has_evicted_are_added_again(redis_url: str, tmp_path: Path) -> None:
    async with auth_on(redis_url, tmp_path) as auth:
        session = await auth.sign_up("Ann")
        assert (await auth.bearing(session["accessToken"]).execute(LOGOUT)).codes == []
        with Redis.from_url(redis_url) as redis, capture_logs() as lines:
            (entry,) = redis.scan_iter("mosafe:{revocations}:*:ended:*")
            try:
                redis.config_set("maxmemory-policy", "allkeys-random")
                redis.config_set("maxmemory", 1)
                async with asyncio.timeout(60):
                    while redis.exists(entry):
                        redis.get("x")
                        await asyncio.sleep(0.01)
            finally:
                redis.config_set("maxmemory", 0)
                redis.config_set("maxmemory-policy", "noeviction")
            await codes_until(auth, session, ["UNAUTHENTICATED"])
            async with asyncio.timeout(60):
                while not redis.exists(entry):
                    await asyncio.sleep(0.01)
        assert any("noeviction" in line["event"] for line in lines)


async def test_a_wrong_option_of_the_url_stops_the_start_without_its_password(tmp_path: Path) -> None:
    settings = settings_on("redis://:hunter2@127.0.0.1:1/0?max_connections=many", tmp_path)
    with pytest.raises(ConfigurationError, match=r"^REDIS_URL: an option") as stopped:
        async with open_revocation_list(settings):
            pass
    assert "hunter2" not in str(stopped.value)
