"""A store of any earlier release is migrated with its data, also if several processes start at the same time.

Covers `subgraphs/auth/store/migrations.py` and `subgraphs/auth/store/postgres_schema.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from pydantic import SecretStr

from bank import values
from servicekit.sqlite import Database
from subgraphs.auth.domain import Role
from subgraphs.auth.store import migrations, postgres_schema
from subgraphs.auth.store.postgres import PostgresAuthStore
from subgraphs.auth.store.sqlite import SqliteAuthStore
from subgraphs.kit.postgres import PostgresDatabase
from subgraphs.kit.store_factory import StoreAddress
from tests.servicekit import processes
from tests.subgraphs.auth.store_contract import HASH

if TYPE_CHECKING:
    from subgraphs.auth.store.protocol import AuthStore

BEGAN = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
ENDED = BEGAN + timedelta(minutes=1)
ENDS = BEGAN + timedelta(days=30)
# The columns of the first release. Later ones must have a default for these rows.
USER = "INSERT INTO users (id, email, email_key, name, password_hash, roles, created_at) VALUES"
SESSION = "INSERT INTO sessions (id, user_id, created_at, expires_at, ended_at) VALUES"
TOKEN = "INSERT INTO refresh_tokens (digest, session_id, issued_at, expires_at) VALUES"


async def is_kept(store: AuthStore) -> None:
    """The user of the earlier release is there, with the sessions and their tokens, and so is what is new."""
    found = await store.credentials("ANN@example.com")
    assert found is not None
    assert (found.user.id, found.user.roles, found.user.disabled_at) == ("ann", frozenset({Role.CUSTOMER}), None)
    assert found.password_hash == HASH
    assert [session.id for session in await store.sessions_ended_since(BEGAN)] == ["over"]
    assert (await store.end_session("open", ENDED)) is not None
    await store.grant("ann", Role.SUPPORT)
    assert (await store.users(["ann"]))["ann"].roles == {Role.CUSTOMER, Role.SUPPORT}
    assert (await store.identity()).id


def milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


@pytest.mark.parametrize("number", range(1, len(migrations.MIGRATIONS)))
async def test_an_sqlite_store_of_each_earlier_number_keeps_its_data(number: int, tmp_path: Path) -> None:
    path = tmp_path / "auth.sqlite3"
    database = await Database.open(path, migrations.MIGRATIONS[:number])
    await database.close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        began, ended, ends = map(milliseconds, (BEGAN, ENDED, ENDS))
        connection.execute(
            f"{USER} ('ann', 'ann@example.com', 'ann@example.com', 'Ann', ?, 'CUSTOMER', ?)", (HASH, began)
        )
        connection.execute(
            f"{SESSION} ('open', 'ann', ?, ?, NULL), ('over', 'ann', ?, ?, ?)", (began, ends) * 2 + (ended,)
        )
        connection.execute(f"{TOKEN} (x'01', 'open', ?, ?)", (began, ends))
    store = await SqliteAuthStore.open_file(path)
    try:
        await is_kept(store)
    finally:
        await store.close()


def address(url: str) -> StoreAddress:
    return StoreAddress(SecretStr(url), "AUTH_DB_URL", Path("unused"))


@pytest.mark.parametrize("number", range(1, len(postgres_schema.MIGRATIONS)))
async def test_a_postgresql_store_of_each_earlier_number_keeps_its_data(number: int, postgres_url: str) -> None:
    database = await PostgresDatabase.open(address(postgres_url), postgres_schema.MIGRATIONS[:number])
    await database.close()
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(
        f"{USER} ('ann', 'ann@example.com', 'ann@example.com', 'Ann', $1, '{{CUSTOMER}}', $2)", HASH, BEGAN
    )
    await connection.execute(
        f"{SESSION} ('open', 'ann', $1, $2, NULL), ('over', 'ann', $1, $2, $3)", BEGAN, ENDS, ENDED
    )
    await connection.execute(f"{TOKEN} ('\\x01', 'open', $1, $2)", BEGAN, ENDS)
    await connection.close()
    store = await PostgresAuthStore.open_at(address(postgres_url), values.now)
    try:
        await is_kept(store)
    finally:
        await store.close()


# Opens the store at the URL when the other processes do, and prints how many users it has.
OPENS = """
import asyncio, pathlib, sys
from pydantic import SecretStr
from bank import values
from subgraphs.auth.store.factory import STORES
from subgraphs.kit.store_factory import StoreAddress
url = sys.argv[1]
async def open_store():
    address = StoreAddress(SecretStr(url), "AUTH_DB_URL", pathlib.Path("unused"))
    store = await STORES[url.partition(":")[0]](address, values.now)
    print(len(await store.list_users("", 10)))
    await store.close()
print("ready", flush=True); input()
asyncio.run(open_store())
"""


@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
async def test_processes_that_start_together_migrate_an_old_store_once(
    server: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if server == "sqlite":
        url = f"sqlite:///{tmp_path}/auth.sqlite3"
        await (await Database.open(tmp_path / "auth.sqlite3", migrations.MIGRATIONS[:1])).close()
    else:
        url = request.getfixturevalue("postgres_url")
        await (await PostgresDatabase.open(address(url), postgres_schema.MIGRATIONS[:1])).close()
    outputs = await asyncio.to_thread(lambda: processes.at_once(OPENS, url, processes=3))
    assert [output.splitlines()[-1] for output in outputs] == ["0"] * 3
