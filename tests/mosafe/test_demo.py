"""The demo data: complete, written once, and accepted by the services' own checks."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

from click.testing import CliRunner

from bank import values
from mosafe.demo import PEOPLE, fill
from subgraphs.account.cli import command as account_command

if TYPE_CHECKING:
    from pathlib import Path


async def test_the_demo_is_a_sound_month_and_is_written_once(tmp_path: Path) -> None:
    environ = {"MOSAFE_DATA_DIR": str(tmp_path)}
    report = await fill(environ)
    assert all(email in report for _, email, _ in PEOPLE)

    with closing(sqlite3.connect(tmp_path / "transaction.sqlite3")) as connection:
        kinds = dict(connection.execute("SELECT type, count(*) FROM transactions GROUP BY type").fetchall())
        states = {row[0] for row in connection.execute("SELECT DISTINCT status FROM transactions")}
        first, last = connection.execute("SELECT min(created_at), max(created_at) FROM transactions").fetchone()
    assert set(kinds) == {"DEPOSIT", "PAYMENT", "TRANSFER", "WITHDRAWAL"}
    assert states == {"COMPLETED"}
    assert timedelta(days=25) < timedelta(milliseconds=last - first) < timedelta(days=32)
    assert last <= values.now().timestamp() * 1000

    again = await fill(environ)
    assert "already there" in again


def test_the_demo_s_ledger_passes_its_check(tmp_path: Path) -> None:

    asyncio.run(fill({"MOSAFE_DATA_DIR": str(tmp_path)}))
    result = CliRunner().invoke(account_command, ["ledger", "check"], env={"MOSAFE_DATA_DIR": str(tmp_path)})
    assert result.exit_code == 0, result.output
