from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.subgraphs.auth.sessions.session_stores import SessionsOfTest, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a new store is: a file, or the URL of a PostgreSQL database."""
    if request.param == "sqlite":
        return tmp_path / "auth.sqlite3"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def sessions(place: Path | str) -> AsyncIterator[SessionsOfTest]:
    async with opened(place) as store:
        yield SessionsOfTest(store)
