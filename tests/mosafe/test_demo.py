"""The demo data: complete, written once, and accepted by the services' own checks."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bank import values
from mosafe.demo import PEOPLE, fill
from servicekit.errors import StartupError
from servicekit.settings import load
from subgraphs.account.cli import command as account_command
from subgraphs.auth.domain import Role, User
from subgraphs.auth.identity_service import NewUser, create_user
from subgraphs.auth.password_hashing import PasswordHasher
from subgraphs.auth.settings import AuthSettings
from subgraphs.auth.store.factory import STORES
from subgraphs.kit.store_factory import open_store

if TYPE_CHECKING:
    from pathlib import Path


async def test_the_demo_is_a_sound_month_and_is_written_once(tmp_path: Path) -> None:
    environ = {"MOSAFE_DATA_DIR": str(tmp_path)}
    people = await fill(environ)
    assert [person.email for person in people] == [email for _, email, _ in PEOPLE]
    assert len({person.password for person in people}) == len(people)

    with closing(sqlite3.connect(tmp_path / "transaction.sqlite3")) as connection:
        kinds = dict(connection.execute("SELECT type, count(*) FROM transactions GROUP BY type").fetchall())
        states = {row[0] for row in connection.execute("SELECT DISTINCT status FROM transactions")}
        first, last = connection.execute("SELECT min(created_at), max(created_at) FROM transactions").fetchone()
    assert set(kinds) == {"DEPOSIT", "PAYMENT", "TRANSFER", "WITHDRAWAL"}
    assert states == {"COMPLETED"}
    assert timedelta(days=25) < timedelta(milliseconds=last - first) < timedelta(days=32)
    assert last <= values.now().timestamp() * 1000

    before = (tmp_path / "transaction.sqlite3").stat().st_size
    assert await fill(environ) == people
    assert (tmp_path / "transaction.sqlite3").stat().st_size == before


async def test_the_data_is_written_beside_that_of_a_user_who_took_the_block_of_the_readme(tmp_path: Path) -> None:
    """The demo's people are not recognised by their addresses alone: others may have registered similar ones."""
    environ = {"MOSAFE_DATA_DIR": str(tmp_path)}
    settings = load(AuthSettings, environ)
    async with open_store(settings.store, STORES) as store:
        with PasswordHasher() as hasher:
            ada = NewUser("ada@example.com", "correct horse battery", "Ada", (Role.CUSTOMER,))
            assert isinstance(await create_user(store, hasher, ada, values.now()), User)
    assert len(await fill(environ)) == len(PEOPLE)


async def test_a_start_that_was_cut_off_is_noticed(tmp_path: Path) -> None:
    environ = {"MOSAFE_DATA_DIR": str(tmp_path)}
    await fill(environ)
    (tmp_path / "demo.complete").unlink()
    with pytest.raises(StartupError, match="incomplete"):
        await fill(environ)


async def test_the_files_of_the_demo_are_private(tmp_path: Path) -> None:
    await fill({"MOSAFE_DATA_DIR": str(tmp_path)})
    assert (tmp_path / "secrets" / "demo.key").stat().st_mode & 0o077 == 0


def test_the_demo_s_ledger_passes_its_check(tmp_path: Path) -> None:

    asyncio.run(fill({"MOSAFE_DATA_DIR": str(tmp_path)}))
    result = CliRunner().invoke(account_command, ["ledger", "check"], env={"MOSAFE_DATA_DIR": str(tmp_path)})
    assert result.exit_code == 0, result.output
