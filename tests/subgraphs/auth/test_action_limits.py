"""Actions are limited for an address, an account, and all together.

Covers `subgraphs/auth/attempts.py` and `subgraphs/auth/open_limit_store.py`.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import pytest

from servicekit.errors import ConfigurationError, RateLimited, Unavailable
from servicekit.rate_limits import MemoryRateLimitStore, Taken
from servicekit.settings import load
from subgraphs.auth.action_limits import Action, ActionLimits
from subgraphs.auth.app import create_app
from subgraphs.auth.attempts import Attempt, Origin
from subgraphs.auth.limit_table import LimitTable
from subgraphs.auth.open_limit_store import open_limit_store
from subgraphs.auth.settings import AuthSettings
from tests.subgraphs.auth.client import PASSWORD, Auth
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from pathlib import Path

    from servicekit.rate_limits import RateLimit

HOME = Origin("203.0.113.7", has_address_limits=True)
ANN = "ann@example.com"


def limits(**quotas: tuple[int, float]) -> ActionLimits:
    table = LimitTable({name.replace("_", "-"): quota for name, quota in quotas.items()})
    return ActionLimits(MemoryRateLimitStore(clock=lambda: 1000.0), table)


async def refused_by(counted: ActionLimits, origin: Origin, account: str | None, attempts: int) -> list[str]:
    """The names of the limits that refuse, in order; an empty text for an attempt that is allowed."""
    found = []
    for _ in range(attempts):
        try:
            await counted.count(Action.RESET, origin, account)
        except RateLimited as refused:
            found.append(str(refused.policy).split('"')[1])
        else:
            found.append("")
    return found


async def test_an_address_an_account_and_all_have_limits() -> None:
    counted = limits(reset_address=(4, 60), reset_account=(2, 60), reset_global=(6, 60))
    assert await refused_by(counted, HOME, ANN, 3) == ["", "", "reset-account"]
    assert await refused_by(counted, HOME, "bob@example.com", 3) == ["", "", "reset-address"]
    other = Origin("198.51.100.1", has_address_limits=True)
    assert await refused_by(counted, other, None, 3) == ["", "", "reset-global"]


async def test_what_one_address_does_in_excess_uses_up_no_limit_of_others() -> None:
    counted = limits(reset_address=(2, 60), reset_account=(3, 60), reset_global=(3, 60))
    assert await refused_by(counted, HOME, ANN, 50) == ["", "", *["reset-address"] * 48]
    assert await refused_by(counted, Origin("198.51.100.1", has_address_limits=True), ANN, 2) == ["", "reset-account"]


async def test_an_account_may_be_counted_when_it_is_known() -> None:
    counted = limits(token_account=(1, 60))
    await counted.count_account(Action.TOKEN, "shop")
    with pytest.raises(RateLimited) as refused:
        await counted.count_account(Action.TOKEN, "shop")
    assert refused.value.policy == '"token-account";q=1;w=60'


async def test_loopback_has_no_limit_of_its_address_in_development_but_of_all() -> None:
    counted = limits(reset_address=(1, 60), reset_global=(5, 60))
    developer = Origin.of(ipaddress.ip_address("::1"), limits_loopback=False)
    assert await refused_by(counted, developer, None, 6) == [""] * 5 + ["reset-global"]


class ClosedGlobal(MemoryRateLimitStore):
    """A store that cannot count the limit of all attempts."""

    async def take(self, limit: RateLimit, key: str) -> Taken:
        if limit.name.endswith("-global"):
            raise Unavailable
        return await super().take(limit, key)


async def test_an_attempt_that_cannot_be_counted_is_counted_nowhere() -> None:
    store = ClosedGlobal()
    with pytest.raises(Unavailable):
        await ActionLimits(store, LimitTable()).count(Action.RESET, HOME, ANN)
    assert len(store) == 0
    await (await Attempt(store).take(LimitTable().limit("reset-account"), ANN)).give_back()
    assert len(store) == 0


def settings_on(folder: Path, **variables: str) -> AuthSettings:
    environ = {"MOSAFE_ENV": "development", "MOSAFE_DATA_DIR": str(folder), "SUBGRAPH_SIGNATURES": "off"}
    return load(AuthSettings, {**environ, **variables})


async def refresh(auth: Auth, session: dict[str, Any]) -> dict[str, Any]:
    following: dict[str, Any] = (await auth.mutate("refresh", refreshToken=session["refreshToken"])).ok()["refresh"]
    return following


async def test_refreshes_are_limited_and_the_refusal_uses_up_no_token(tmp_path: Path) -> None:
    settings = settings_on(tmp_path, AUTH_RATE_LIMITS="refresh-global=2/3600")
    async with running(create_app(settings)) as http:
        auth = Auth(GraphQLClient(http))
        session = await refresh(auth, await refresh(auth, await auth.sign_up()))
        (error,) = (await auth.mutate("refresh", refreshToken=session["refreshToken"])).errors
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert 1700 < error["extensions"]["retryAfter"] <= 1800
    assert error["extensions"]["policy"] == '"refresh-global";q=2;w=3600'
    async with running(create_app(settings)) as http:  # its counts in memory are new
        assert (await refresh(Auth(GraphQLClient(http)), session))["__typename"] == "Session"


async def test_the_refreshes_of_an_account_are_limited_for_all_its_sessions(tmp_path: Path) -> None:
    settings = settings_on(tmp_path, AUTH_RATE_LIMITS="refresh-account=2/3600")
    async with running(create_app(settings)) as http:
        auth = Auth(GraphQLClient(http))
        ann, eve = await auth.sign_up("Ann"), await auth.sign_up("Eve")
        other = (await auth.mutate("login", email="ann@example.com", password=PASSWORD)).ok()["login"]
        await refresh(auth, await refresh(auth, ann))
        (error,) = (await auth.mutate("refresh", refreshToken=other["refreshToken"])).errors
        assert (error["extensions"]["code"], error["extensions"]["policy"]) == (
            "RATE_LIMITED",
            '"refresh-account";q=2;w=3600',
        )
        for _ in range(3):  # an unknown token belongs to no account
            refused = (await auth.mutate("refresh", refreshToken="unknown")).ok()["refresh"]
            assert refused["code"] == "INVALID_TOKEN"
        assert (await refresh(auth, eve))["__typename"] == "Session"
    async with running(create_app(settings)) as http:  # the refusal has used up no token
        assert (await refresh(Auth(GraphQLClient(http)), other))["__typename"] == "Session"


async def test_a_wrong_option_of_the_url_stops_the_start_without_its_password(tmp_path: Path) -> None:
    settings = settings_on(tmp_path, REDIS_URL="redis://:hunter2@127.0.0.1:1/0?max_connections=many")
    with pytest.raises(ConfigurationError, match=r"^REDIS_URL: an option") as stopped:
        async with open_limit_store(settings):
            pass
    assert "hunter2" not in str(stopped.value)
