"""`mosafe account`: the migration of the store and the ledger check on the command line."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from servicekit.errors import StartupError
from subgraphs.account.cli import command
from tests.subgraphs.account.support import KEY_TEXT, funded, opened, person, sqlite_factory, transfer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def data_dir(tmp_path: Path) -> Path:
    async with sqlite_factory(tmp_path / "account.sqlite3")() as store:
        ann = person()
        source, destination = await funded(store, ann, "10.00"), await opened(store, ann)
        await store.post(transfer(ann, source.id, destination.id, "4.00"))
        await store.post(transfer(ann, source.id, destination.id, "400.00"))
        await funded(store, ann, "7", "JPY")
    return tmp_path


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
def test_migrate_creates_the_store(kind: str, tmp_path: Path, mongo_url: str) -> None:
    environ = {"MOSAFE_DATA_DIR": str(tmp_path), "ACCOUNT_DB_URL": mongo_url if kind == "mongodb" else ""}
    for _ in range(2):
        result = CliRunner(env=environ).invoke(command, ["migrate"])
        assert (result.exit_code, result.output.splitlines()[-1]) == (0, "the account store is up to date")
    assert (tmp_path / "account.sqlite3").exists() == (kind == "sqlite")


def check(data_dir: Path, *arguments: str) -> tuple[int, str]:
    environ = {"MOSAFE_DATA_DIR": str(data_dir)}
    result = CliRunner(env=environ).invoke(command, ["ledger", "check", *arguments])
    return result.exit_code, result.output


def test_a_sound_ledger(data_dir: Path) -> None:
    code, output = check(data_dir)
    assert code == 0
    assert "3 accounts, 3 postings (6 entries), 1 refusals" in output
    assert "customers hold 7 JPY, 10.00 USD" in output
    assert output.splitlines()[-1] == "the ledger is sound"
    assert "BROKEN" not in output


def test_the_heads_of_days_are_printed(data_dir: Path) -> None:
    environ = {"MOSAFE_DATA_DIR": str(data_dir), "ACCOUNT_LEDGER_KEY": KEY_TEXT}
    result = CliRunner(env=environ).invoke(command, ["ledger", "heads", "--days", "2"])
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines() if line.endswith(" accounts")]
    assert [(len(line[0]), len(line[1]), line[2]) for line in lines] == [(10, 64, "0")] * 2


def test_a_violation_is_reported_with_exit_code_1(data_dir: Path) -> None:
    path = data_dir / "account.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER accounts_rise")
        connection.execute("DROP TRIGGER balances_follow_entries")
        connection.execute("UPDATE accounts SET balance = balance + 1 WHERE user_id IS NOT NULL")
    code, output = check(data_dir, "--database", str(path))
    assert code == 1
    assert "BROKEN  each balance is the sum of its entries: 3 violations" in output
    assert output.splitlines()[-1] == "THE LEDGER IS NOT SOUND"


def test_a_file_that_is_not_a_ledger_stops_the_command_with_what_is_wrong(tmp_path: Path) -> None:
    """`servicekit.commands.run` prints it in one line, with exit code 2."""

    def failure() -> BaseException | None:
        return CliRunner(env={"MOSAFE_DATA_DIR": str(tmp_path)}).invoke(command, ["ledger", "check"]).exception

    missing = failure()
    assert isinstance(missing, StartupError)
    assert "account.sqlite3 cannot be opened" in str(missing)
    (tmp_path / "account.sqlite3").write_bytes(b"not a database, but long enough to look at" * 99)
    damaged = failure()
    assert isinstance(damaged, StartupError)
    assert "account.sqlite3 is damaged (file is not a database); stop all processes and restore it" in str(damaged)
