"""Both kinds of stores, and short times for the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from subgraphs.account.cache import cache_permits, redis_entries
from tests.subgraphs.account.support import sqlite_factory

if TYPE_CHECKING:
    from pathlib import Path

    from tests.subgraphs.account.support import StoreFactory


@pytest.fixture(params=["sqlite", "mongodb"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> StoreFactory:
    if request.param == "sqlite":
        return sqlite_factory(tmp_path / "account.sqlite3")
    factory: StoreFactory = request.getfixturevalue("mongo_stores")
    return factory


@pytest.fixture(autouse=True)
def long_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, a Redis that responds late is not taken for one that fails."""
    monkeypatch.setattr(cache_permits, "PERMIT_SECONDS", 20.0)
    monkeypatch.setattr(redis_entries, "TIMEOUT_SECONDS", 10.0)


@pytest.fixture
def short_times(long_times: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing Redis is tried again soon, and suspensions are short."""
    _ = long_times
    monkeypatch.setattr(cache_permits, "PERMIT_SECONDS", 0.1)
    monkeypatch.setattr(cache_permits, "SUSPENSION_SECONDS", 0.4)
    monkeypatch.setattr(redis_entries, "PAUSE_SECONDS", 0.02)


@pytest.fixture
def short_timeout(long_times: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that hangs is noticed early."""
    _ = long_times
    monkeypatch.setattr(redis_entries, "TIMEOUT_SECONDS", 0.25)
