"""The SQLite store keeps the contract of every auth store.

Covers `subgraphs/auth/store/sqlite.py`, `subgraphs/auth/store/migrations.py`,
`subgraphs/auth/store/sqlite_refresh_tokens.py`, `subgraphs/auth/store/sqlite_session_rows.py`,
`subgraphs/auth/store/sqlite_signing_keys.py`, `subgraphs/auth/store/sqlite_parts.py` and
`subgraphs/auth/store/user_columns.py`.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from subgraphs.auth.store.sqlite import SqliteAuthStore
from tests.subgraphs.auth.store_contract import CHECKS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from subgraphs.auth.store.protocol import AuthStore

    OpenStore = Callable[[], AbstractAsyncContextManager[AuthStore]]


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteAuthStore]:
    store = await SqliteAuthStore.open_file(path)
    try:
        yield store
    finally:
        await store.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_sqlite_store_keeps_the_contract(
    check: Callable[[OpenStore], Awaitable[None]], tmp_path: Path
) -> None:
    await check(lambda: opened(tmp_path / "auth.sqlite3"))
