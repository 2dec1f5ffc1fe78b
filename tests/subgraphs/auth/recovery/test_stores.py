"""Both stores keep the contract of links and their changes.

Covers `subgraphs/auth/recovery/sqlite.py`, `subgraphs/auth/recovery/postgres.py`,
`subgraphs/auth/store/sqlite_users.py` and `subgraphs/auth/store/postgres_users.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.subgraphs.auth.recovery.store_contract import CHECKS
from tests.subgraphs.auth.store.test_postgres import opened as opened_in_postgresql
from tests.subgraphs.auth.store.test_sqlite import opened as opened_in_sqlite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.subgraphs.auth.store_contract import OpenStore


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_links_in_sqlite_keep_the_contract(
    check: Callable[[OpenStore], Awaitable[None]], tmp_path: Path
) -> None:
    await check(lambda: opened_in_sqlite(tmp_path / "auth.sqlite3"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_links_in_postgresql_keep_the_contract(
    check: Callable[[OpenStore], Awaitable[None]], postgres_url: str
) -> None:
    await check(lambda: opened_in_postgresql(postgres_url))
