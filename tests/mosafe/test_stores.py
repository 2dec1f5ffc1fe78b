"""`mosafe stores`: what it says about orders and postings. `tests/security/test_lost_stores.py` has the lost stores."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from click.testing import CliRunner

from mosafe.cli import command
from mosafe.demo import fill

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner(env={"MOSAFE_DATA_DIR": str(folder)}).invoke(command, ["stores", *arguments])
    return result.exit_code, result.output


def test_orders_and_postings_are_compared(tmp_path: Path) -> None:
    assert run(tmp_path, "check") == (0, "The stores belong together.\n")
    assert list(tmp_path.glob("*.sqlite3")) == []
    asyncio.run(fill({"MOSAFE_DATA_DIR": str(tmp_path)}))
    assert run(tmp_path, "check") == (0, "The stores belong together.\n")
    with closing(sqlite3.connect(tmp_path / "transaction.sqlite3", isolation_level=None)) as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM transactions WHERE status = 'COMPLETED' LIMIT 2")]
        connection.execute("UPDATE transactions SET id = 'f' || substr(id, 2) WHERE id = ?", ids[:1])
        connection.execute(
            """UPDATE transactions SET status = 'FAILED', problem = '{"code": "SAME_ACCOUNT"}' WHERE id = ?""", ids[1:]
        )
    code, output = run(tmp_path, "check")
    assert code == 1
    assert output.splitlines() == [
        f"1 completed orders are not in the ledger: f{ids[0][1:]}",
        f"1 postings of the ledger have no order: {ids[0]}",
        f"1 failed orders are in the ledger: {ids[1]}",
    ]
