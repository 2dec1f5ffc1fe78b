"""A store of any earlier release is migrated with its data, also if several processes start at the same time.

Covers `subgraphs/auth/store/migrations.py` and `subgraphs/auth/store/postgres_schema.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg
import pytest
from pydantic import SecretStr

from bank import values
from servicekit.sqlite import Database
from subgraphs.auth.domain import REFRESH_GRACE, Role, Verdict
from subgraphs.auth.store import migrations, postgres_schema
from subgraphs.auth.store.postgres import PostgresAuthStore
from subgraphs.auth.store.sqlite import SqliteAuthStore
from subgraphs.kit.postgres import PostgresDatabase
from subgraphs.kit.store_factory import StoreAddress
from tests.servicekit import processes
from tests.subgraphs.auth.store_contract import HASH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from subgraphs.auth.store.protocol import AuthStore

BEGAN = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
ENDED = BEGAN + timedelta(minutes=1)
ENDS = BEGAN + timedelta(days=30)
USED = {"user_id": "ann", "created_at": BEGAN, "expires_at": ENDS}
# Rows of each table, in an order in which they can be inserted. A store of an earlier number has some of the tables,
# with some of the columns.
ROWS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "users": (
        {
            "id": "ann",
            "email": "Ann@example.com",
            "email_key": "ann@example.com",
            "name": "Ann",
            "password_hash": HASH,
            "roles": ["CUSTOMER"],
            "created_at": BEGAN,
            "disabled_at": None,
            "email_verified_at": ENDED,
            "password_changed_at": ENDED,
        },
    ),
    "sessions": (
        {"id": "open", **USED, "methods": "otp pwd", "authenticated_at": ENDED, "factor_enrolled_at": BEGAN},
        {"id": "over", **USED, "ended_at": ENDED, "device": "Firefox", "network": "203.0.113.0/24", "name": "Desk"},
        {"id": "shop", **USED, "last_used_at": ENDED},
    ),
    "refresh_tokens": (
        {"digest": b"used", "session_id": "open", "issued_at": BEGAN, "expires_at": ENDS, "used_at": ENDED},
        {"digest": b"next", "session_id": "open", "issued_at": ENDED, "expires_at": ENDS},
    ),
    "signing_keys": (
        {
            "id": "key",
            "created_at": BEGAN,
            "active_from": BEGAN,
            "public_jwk": '{"kty": "EC"}',
            "sealed_private_key": b"sealed",
        },
    ),
    "mails": (
        {"id": "m", "sealed": b"sealed", "queued_at": BEGAN, "expires_at": ENDS, "due_at": BEGAN, "attempts": 2},
    ),
    "audit_key": ({"id": "key"},),
    "audit_log": (
        {
            "position": 1,
            "hash": b"hash",
            "at": BEGAN,
            "actor_kind": "USER",
            "actor_id": "ann",
            "action": "ROLE_GRANTED",
            "subject_kind": "USER",
            "subject_id": "bob",
            "outcome": "DONE",
            "origin": "203.0.113.0/24",
            "details": '{"role": "SUPPORT"}',
        },
    ),
    "audit_operations": ({"id": "operation", "service": "account", "position": 1, "resume": "key"},),
    "known_devices": ({"user_id": "ann", "device": "Firefox", "network": "203.0.113.0/24", "last_seen_at": BEGAN},),
    "api_keys": ({"id": "key", **USED, "name": "robot", "scopes": "profile", "last_used_at": ENDED},),
    "api_key_secrets": ({"digest": b"secret", "key_id": "key", "created_at": BEGAN, "ends_at": ENDS},),
    "totp_factors": ({"user_id": "ann", "sealed_secret": b"sealed", "enrolled_at": BEGAN, "last_step": 7},),
    "passkeys": (
        {
            "credential_id": b"passkey",
            "user_id": "ann",
            "public_key": b"public",
            "sign_count": 3,
            "name": "Phone",
            "enrolled_at": BEGAN,
            "last_used_at": ENDED,
        },
    ),
    "recovery_codes": ({"user_id": "ann", "digest": b"one"}, {"user_id": "ann", "digest": b"two"}),
    "second_factor_challenges": (
        {
            "digest": b"challenge",
            "purpose": "login",
            "user_id": "ann",
            "bound_to": "x",
            "expires_at": ENDS,
            "sealed": b"sealed",
            "attempts": 1,
        },
    ),
    "oauth_clients": ({"id": "shop", "created_at": BEGAN, "document": "{}"},),
    "oauth_tickets": ({"kind": "code", "digest": b"code", "alias": b"alias", "document": "{}", "expires_at": ENDS},),
    "oauth_grants": ({"session_id": "shop", "client_id": "shop", "document": "{}"},),
    "links": (
        {
            "digest": b"link",
            "purpose": "reset",
            "user_id": "ann",
            "email": "Ann@example.com",
            "issued_at": BEGAN,
            "expires_at": ENDS,
            "used_at": ENDED,
        },
    ),
}
# Tables that migrations and the start of a service fill.
OWN: Final = {"store_identity", "known_stores", "migrations"}

Columns: TypeAlias = "dict[str, list[str]]"
Contents: TypeAlias = "dict[str, list[tuple[Any, ...]]]"


async def is_kept(store: AuthStore) -> None:
    """The store reads the data of the earlier release, and what is new works with it."""
    found = await store.credentials("ANN@example.com")
    assert found is not None
    assert (found.user.id, found.user.roles, found.user.disabled_at) == ("ann", frozenset({Role.CUSTOMER}), None)
    assert found.password_hash == HASH
    assert [session.id for session in await store.sessions_ended_since(BEGAN)] == ["over"]
    reused = await store.exchange(b"used", b"next", ENDED + REFRESH_GRACE)
    assert reused is not None
    assert (reused.verdict, reused.session.id) == (Verdict.REUSED, "open")
    await store.grant("ann", Role.SUPPORT)
    assert (await store.users(["ann"]))["ann"].roles == {Role.CUSTOMER, Role.SUPPORT}
    assert (await store.identity()).id


def inserts(columns: Columns) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows for a store with these tables and columns."""
    assert columns.keys() - OWN <= ROWS.keys(), "each table needs rows in this test"
    for table, rows in ROWS.items():
        for row in rows:
            given = {name: value for name, value in row.items() if name in columns.get(table, ())}
            if given:
                yield table, given


def insert(table: str, names: Iterable[str], marks: Iterable[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(marks)})"  # noqa: S608 - names of this module


def select(table: str, names: Iterable[str]) -> str:
    return f"SELECT {', '.join(names)} FROM {table}"  # noqa: S608 - names of the migrations


def milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def in_sqlite(value: object) -> object:
    """A value as the SQLite store has it."""
    match value:
        case datetime():
            return milliseconds(value)
        case list():
            return " ".join(value)
    return value


def sqlite_columns(file: sqlite3.Connection) -> Columns:
    tables = [name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {name: [row[1] for row in file.execute(f"PRAGMA table_info({name})")] for name in tables}


def sqlite_contents(file: sqlite3.Connection, columns: Columns) -> Contents:
    return {
        table: sorted(file.execute(select(table, columns[table])), key=repr) for table in columns.keys() & ROWS.keys()
    }


@pytest.mark.parametrize("number", range(1, len(migrations.MIGRATIONS)))
async def test_an_sqlite_store_of_each_earlier_number_keeps_its_data(number: int, tmp_path: Path) -> None:
    path = tmp_path / "auth.sqlite3"
    database = await Database.open(path, migrations.MIGRATIONS[:number])
    await database.close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
        columns = sqlite_columns(file)
        for table, row in inserts(columns):
            file.execute(insert(table, row, "?" * len(row)), [*map(in_sqlite, row.values())])
        before = sqlite_contents(file, columns)
        store = await SqliteAuthStore.open_file(path)
        try:
            assert sqlite_contents(file, columns) == before
            await is_kept(store)
        finally:
            await store.close()


def address(url: str) -> StoreAddress:
    return StoreAddress(SecretStr(url), "AUTH_DB_URL", Path("unused"))


async def postgres_columns(connection: Any) -> Columns:
    query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    columns: Columns = {}
    for table, column in await connection.fetch(query):
        columns.setdefault(table, []).append(column)
    return columns


async def postgres_contents(connection: Any, columns: Columns) -> Contents:
    return {
        table: sorted(map(tuple, await connection.fetch(select(table, columns[table]))), key=repr)
        for table in columns.keys() & ROWS.keys()
    }


@pytest.mark.parametrize("number", range(1, len(postgres_schema.MIGRATIONS)))
async def test_a_postgresql_store_of_each_earlier_number_keeps_its_data(number: int, empty_postgres_url: str) -> None:
    database = await PostgresDatabase.open(address(empty_postgres_url), postgres_schema.MIGRATIONS[:number])
    await database.close()
    connection = await asyncpg.connect(empty_postgres_url)
    try:
        columns = await postgres_columns(connection)
        for table, row in inserts(columns):
            marks = [f"${place}" for place in range(1, len(row) + 1)]
            await connection.execute(insert(table, row, marks), *row.values())
        before = await postgres_contents(connection, columns)
        store = await PostgresAuthStore.open_at(address(empty_postgres_url), values.now)
        try:
            assert await postgres_contents(connection, columns) == before
            await is_kept(store)
        finally:
            await store.close()
    finally:
        await connection.close()


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
        url = request.getfixturevalue("empty_postgres_url")
        await (await PostgresDatabase.open(address(url), postgres_schema.MIGRATIONS[:1])).close()
    outputs = await asyncio.to_thread(lambda: processes.at_once(OPENS, url, processes=3))
    assert [output.splitlines()[-1] for output in outputs] == ["0"] * 3
