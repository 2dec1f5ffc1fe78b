"""Both stores keep the contract of API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.subgraphs.auth.api_keys.contract import CHECKS
from tests.subgraphs.auth.store.test_postgres import opened as opened_postgres
from tests.subgraphs.auth.store.test_sqlite import opened as opened_sqlite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from subgraphs.auth.store.protocol import AuthStore

    OpenStore = Callable[[], AbstractAsyncContextManager[AuthStore]]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_api_keys_in_sqlite_keep_the_contract(
    check: Callable[[OpenStore], Awaitable[None]], tmp_path: Path
) -> None:
    await check(lambda: opened_sqlite(tmp_path / "auth.sqlite3"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_api_keys_in_postgresql_keep_the_contract(
    check: Callable[[OpenStore], Awaitable[None]], postgres_url: str
) -> None:
    await check(lambda: opened_postgres(postgres_url))
