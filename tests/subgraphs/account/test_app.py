"""The work that the running service does beside its requests."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bank import values
from servicekit.settings import load
from subgraphs.account import app
from subgraphs.account.app import create_app
from subgraphs.account.cache import cache_permits, redis_entries
from subgraphs.account.domain import AccountType, Opening, open_account
from subgraphs.account.settings import AccountSettings
from subgraphs.kit.outbox import RETENTION
from tests.subgraphs.account.support import KEY_TEXT, opened, person, sqlite_factory
from tests.subgraphs.support import complete_list_of_ended_sessions, running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.subgraphs.account.conftest import Service
    from tests.subgraphs.support import Issuer

BALANCES = "{ accounts { totalCount nodes { balance } } }"


async def test_the_service_deletes_events_older_than_a_week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event is deleted when the consumers have read it, which may be after the first attempt."""
    monkeypatch.setattr(app, "PRUNE_SECONDS", 0.01)
    environment = {"MOSAFE_DATA_DIR": str(tmp_path), "ACCOUNT_LEDGER_KEY": KEY_TEXT}
    ann, long_ago = person(), values.now() - RETENTION - timedelta(minutes=1)
    opening = Opening(ann.user_id, AccountType.CHECKING, "USD")
    async with sqlite_factory(tmp_path / "account.sqlite3")() as store:
        await store.open(ann.user_id, lambda count: open_account(opening, already_open=count, limit=9, now=long_ago))
        new = await opened(store, ann)
        async with running(create_app(load(AccountSettings, environment))):
            async with asyncio.timeout(60):
                while len(rows := await store.events(after=0, limit=9)) > 1:
                    await asyncio.sleep(0.01)
        assert [row.event.subject for row in rows] == [new.id]


class TestCache:
    @pytest.fixture
    async def environment(self, redis_url: str, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        await complete_list_of_ended_sessions(redis_url, issuer)
        # On a busy machine, a Redis that responds late is not taken for one that fails.
        monkeypatch.setattr(cache_permits, "PERMIT_SECONDS", 20.0)
        monkeypatch.setattr(redis_entries, "TIMEOUT_SECONDS", 10.0)
        return {"REDIS_URL": redis_url}

    async def test_redis_caches_what_people_read_and_a_posting_is_seen_at_once(self, service: Service) -> None:
        async def read() -> tuple[str, int]:
            """The balance, and how many values came from the cache."""
            accounts = (await service.as_(service.ann).execute(BALANCES)).ok()["accounts"]
            ready = (await service.http.get("/health/ready")).json()
            assert accounts["totalCount"] == 1
            return accounts["nodes"][0]["balance"], ready["cache"]["hits"]

        account = await service.open(service.ann)
        assert await read() == ("0.00", 0)
        assert await read() == ("0.00", 3)
        await service.deposit(service.ann, account["id"], "12.34")
        # Only the account was invalidated, not the list of its owner's accounts.
        assert await read() == ("12.34", 5)
