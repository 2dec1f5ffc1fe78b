from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from router.policies.authentication.refusals import CredentialUndecided
from router.policies.authentication.revocation import RevokedIds
from router.settings.sections.authentication import RevocationTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "revoked.sqlite3"


@pytest.fixture
def revoked(file: Path) -> Iterator[RevokedIds]:
    check = RevokedIds(RevocationTable(sqlite=str(file), table="ended", column="id", claim="sid"))
    yield check
    check.close()


def end(file: Path, *sessions: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS ended (id TEXT PRIMARY KEY)")
        connection.executemany("INSERT INTO ended VALUES (?)", [(each,) for each in sessions])


async def test_a_revocation_is_effective_for_the_next_request(file: Path, revoked: RevokedIds) -> None:
    assert not await revoked.is_revoked({"sid": "a"})  # the file does not exist yet
    end(file, "a")
    assert await revoked.is_revoked({"sid": "a"})
    assert not await revoked.is_revoked({"sid": "b"})
    end(file, "b")
    assert await revoked.is_revoked({"sid": "b"})
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM ended WHERE id = 'a'")
    assert not await revoked.is_revoked({"sid": "a"})


async def test_the_table_is_read_only_after_a_change(file: Path, revoked: RevokedIds) -> None:
    end(file, "a")
    assert await revoked.is_revoked({"sid": "a"})
    statements: list[str] = []
    assert revoked._connection is not None  # noqa: SLF001
    revoked._connection.set_trace_callback(statements.append)  # noqa: SLF001
    for _ in range(5):
        await revoked.is_revoked({"sid": "a"})
    assert set(statements) == {"PRAGMA data_version"}


@pytest.mark.parametrize("claims", [{}, {"sid": None}, {"sid": ["a"]}, {"sid": {}}])
async def test_a_token_without_its_id_is_refused(file: Path, revoked: RevokedIds, claims: dict[str, object]) -> None:
    end(file)
    assert await revoked.is_revoked(claims)


@pytest.fixture
def broken(file: Path) -> Path:
    file.write_bytes(b"this is not a database" * 100)
    return file


async def test_a_list_that_cannot_be_read_decides_nothing(broken: Path, revoked: RevokedIds) -> None:
    with capture_logs() as logs, pytest.raises(CredentialUndecided):
        await revoked.is_revoked({"sid": "a"})
    assert [line["event"] for line in logs] == ["revocation list unavailable"]
    await asyncio.to_thread(broken.unlink)
    end(broken, "a")
    assert await revoked.is_revoked({"sid": "a"})
