"""The service while the clock of its machine is wrong (issue 12, number 15).

Covers the clock of `subgraphs/auth/open_parts.py`.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import jwt
import pytest

from bank import values
from servicekit.errors import StartupError
from subgraphs.auth.app import AuthRuntime, open_runtime
from subgraphs.auth.attempts import Origin
from subgraphs.auth.sessions.session_service import SignedIn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subgraphs.auth.settings import AuthSettings

PASSWORD = "correct horse battery"
HERE = Origin("127.0.0.1", has_address_limits=False)


class Machine:
    """A wall clock that a test sets, and the service on it.

    The list of revocations uses the clock of the machine, too, so the times of a test are near its `start`.
    """

    def __init__(self, settings: AuthSettings) -> None:
        self.settings = settings
        self.start = self.now = values.now()

    @asynccontextmanager
    async def service(self) -> AsyncIterator[AuthRuntime]:
        async with open_runtime(self.settings, clock=lambda: self.now) as runtime:
            yield runtime


@pytest.fixture
def machine(settings: AuthSettings) -> Machine:
    return Machine(settings)


async def log_in(runtime: AuthRuntime) -> SignedIn:
    """A login whose token has a key that is published now."""
    signed_in = await runtime.services.identity.login(email="ann@example.com", password=PASSWORD, origin=HERE)
    assert isinstance(signed_in, SignedIn)
    published = {key["kid"] for key in await runtime.keys.public_keys()}
    assert jwt.get_unverified_header(signed_in.access.text)["kid"] in published
    return signed_in


async def sign_up(runtime: AuthRuntime) -> SignedIn:
    signed_in = await runtime.services.identity.register(
        email="ann@example.com", password=PASSWORD, name="Ann", origin=HERE
    )
    assert isinstance(signed_in, SignedIn)
    return signed_in


@pytest.mark.parametrize("back", [timedelta(minutes=10), timedelta(hours=3), timedelta(days=6)])
async def test_login_and_refresh_go_on_when_the_clock_is_set_back(machine: Machine, back: timedelta) -> None:
    async with machine.service() as runtime:
        session = await sign_up(runtime)
        machine.now = machine.start - back
        await log_in(runtime)
        assert await runtime.services.sessions.refresh(session.refresh_token) is not None
    async with machine.service() as restarted:
        again = await log_in(restarted)
        machine.now = machine.start + timedelta(minutes=1)
        assert await restarted.services.sessions.refresh(again.refresh_token) is not None
        await log_in(restarted)


@pytest.mark.parametrize("restarts", [False, True])
async def test_half_an_hour_thirty_one_days_ahead_leaves_nothing_behind(machine: Machine, *, restarts: bool) -> None:
    async with machine.service() as runtime:
        session = await sign_up(runtime)
        machine.now = machine.start + timedelta(days=31)
        assert await runtime.services.sessions.refresh(session.refresh_token) is None
        await log_in(runtime)
        if not restarts:
            machine.now = machine.start + timedelta(minutes=30)
            await log_in(runtime)
            # The session outlives the jump: nothing was deleted for it.
            assert await runtime.services.sessions.refresh(session.refresh_token) is not None
    if restarts:
        for _ in range(4):
            async with machine.service() as ahead:
                await log_in(ahead)
            machine.now += timedelta(minutes=10)
        machine.now = machine.start + timedelta(minutes=40)
        async with machine.service() as back:
            again = await log_in(back)
            assert await back.services.sessions.refresh(again.refresh_token) is not None


async def test_a_revocation_outlives_a_clock_that_is_set_back(machine: Machine) -> None:
    """The token is valid again when the time of its issue comes a second time; its session has ended."""
    async with machine.service() as runtime:
        session = await sign_up(runtime)
        caller_session = jwt.decode(session.access.text, options={"verify_signature": False})["sid"]
        machine.now = machine.start - timedelta(minutes=10)
        await runtime.revocations.revoke("another", machine.now.timestamp() + 1)
        await runtime.store.end_session(caller_session, machine.now)
    async with machine.service() as runtime:
        machine.now = machine.start + timedelta(minutes=9)
        await runtime.revocations.revoke("third", machine.now.timestamp() + 1)
        assert await runtime.revocations.is_revoked(caller_session)


async def test_a_clock_before_this_release_stops_the_start_with_one_line(machine: Machine) -> None:
    machine.now = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    with pytest.raises(StartupError, match=r"^the clock of this machine says 1970-01-01T00:01:00\.000Z; set it"):
        async with machine.service():
            pass
