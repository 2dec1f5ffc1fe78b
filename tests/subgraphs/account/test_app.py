"""The work that the running service does beside its requests."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from bank import values
from servicekit.settings import load
from subgraphs.account.app import create_app
from subgraphs.account.domain import AccountType, Opening, open_account
from subgraphs.account.settings import AccountSettings
from subgraphs.kit.outbox import RETENTION
from tests.subgraphs.account.support import KEY_TEXT, opened, person, sqlite_factory
from tests.subgraphs.support import running

if TYPE_CHECKING:
    from pathlib import Path


async def test_the_service_deletes_events_older_than_a_week(tmp_path: Path) -> None:
    environment = {"MOSAFE_DATA_DIR": str(tmp_path), "ACCOUNT_LEDGER_KEY": KEY_TEXT}
    ann, long_ago = person(), values.now() - RETENTION - timedelta(minutes=1)
    opening = Opening(ann.user_id, AccountType.CHECKING, "USD")
    async with sqlite_factory(tmp_path / "account.sqlite3")() as store:
        await store.open(ann.user_id, lambda count: open_account(opening, already_open=count, limit=9, now=long_ago))
        new = await opened(store, ann)
        async with running(create_app(load(AccountSettings, environment))):
            async with asyncio.timeout(5):
                while len(rows := await store.events(after=0, limit=9)) > 1:
                    pass
        assert [row.event.subject for row in rows] == [new.id]
