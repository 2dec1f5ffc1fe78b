"""Both stores keep the contract of second factors.

Covers `subgraphs/auth/second_factor/sqlite_store.py` and `subgraphs/auth/second_factor/postgres_store.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.subgraphs.auth.second_factor.store_contract import CHECKS
from tests.subgraphs.auth.store import test_postgres, test_sqlite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_store_in_sqlite_keeps_the_contract(check: Callable[..., Awaitable[None]], tmp_path: Path) -> None:
    await check(lambda: test_sqlite.opened(tmp_path / "auth.sqlite3"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_store_in_postgresql_keeps_the_contract(
    check: Callable[..., Awaitable[None]], postgres_url: str
) -> None:
    await check(lambda: test_postgres.opened(postgres_url))
