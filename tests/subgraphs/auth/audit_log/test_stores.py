"""The audit log in both stores: the contract, and that the database refuses each change of an entry."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tests.subgraphs.auth.audit_log.contract import CHECKS, new_entry
from tests.subgraphs.auth.store.test_postgres import opened as opened_postgres
from tests.subgraphs.auth.store.test_sqlite import opened as opened_sqlite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from subgraphs.auth.store.protocol import AuthStore

    OpenStore = Callable[[], AbstractAsyncContextManager[AuthStore]]

FORGERIES = (
    "UPDATE audit_log SET actor_id = 'nobody' WHERE position = 1",
    "UPDATE audit_log SET position = 7",
    "DELETE FROM audit_log",
    "DELETE FROM audit_log WHERE position = 2",
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_audit_log_in_sqlite_keeps_the_contract(
    check: Callable[[OpenStore], Awaitable[None]], tmp_path: Path
) -> None:
    await check(lambda: opened_sqlite(tmp_path / "auth.sqlite3"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_audit_log_in_postgresql_keeps_the_contract(
    check: Callable[[OpenStore], Awaitable[None]], postgres_url: str
) -> None:
    await check(lambda: opened_postgres(postgres_url))


async def test_sqlite_refuses_to_change_entries(tmp_path: Path) -> None:
    path = tmp_path / "auth.sqlite3"
    async with opened_sqlite(path) as store:
        await store.audit_log.append(new_entry(0))
        await store.audit_log.append(new_entry(1))
        before = await store.audit_log.entries_after(0, 10)
        replaced = "INSERT OR REPLACE INTO audit_log SELECT {}, hash, at, 'x', 'x', 'x', 'x', 'x', 'x', '', '{{}}'"
        with closing(sqlite3.connect(path)) as connection:
            for forgery in (*FORGERIES, *(f"{replaced.format(at)} FROM audit_log" for at in (1, 2, 9))):
                with pytest.raises(sqlite3.IntegrityError, match="audit log"):
                    connection.execute(forgery)
        assert await store.audit_log.entries_after(0, 10) == before


async def test_postgresql_refuses_to_change_entries(postgres_url: str) -> None:
    async with opened_postgres(postgres_url) as store:
        await store.audit_log.append(new_entry(0))
        await store.audit_log.append(new_entry(1))
        before = await store.audit_log.entries_after(0, 10)
        connection = await asyncpg.connect(postgres_url)
        try:
            for forgery in (*FORGERIES, "TRUNCATE audit_log"):
                with pytest.raises(asyncpg.RaiseError, match="the audit log never changes"):
                    await connection.execute(forgery)
        finally:
            await connection.close()
        assert await store.audit_log.entries_after(0, 10) == before
