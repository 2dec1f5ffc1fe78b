"""Both stores keep the contract of the authorization server.

Covers `subgraphs/auth/oauth/sqlite_store.py`, `subgraphs/auth/oauth/postgres_store.py` and
`subgraphs/auth/store/oauth_migrations.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.subgraphs.auth.oauth.store_contract import CHECKS
from tests.subgraphs.auth.store.test_postgres import opened as opened_in_postgresql
from tests.subgraphs.auth.store.test_sqlite import opened as opened_in_sqlite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from subgraphs.auth.store.protocol import AuthStore

    Check = Callable[[Callable[[], AbstractAsyncContextManager[AuthStore]]], Awaitable[None]]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_sqlite_store_keeps_the_contract(check: Check, tmp_path: Path) -> None:
    await check(lambda: opened_in_sqlite(tmp_path / "auth.sqlite3"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_store_in_postgresql_keeps_the_contract(check: Check, postgres_url: str) -> None:
    await check(lambda: opened_in_postgresql(postgres_url))
