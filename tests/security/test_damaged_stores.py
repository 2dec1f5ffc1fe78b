"""A damaged database is one line and exit code 2 for every command, and 503 for clients of a running service.

Before, it was a traceback when the damage was not in the first page.
"""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from bank.revocation import SqliteRevocationList
from subgraphs.account.store.sqlite import SqliteAccountStore
from subgraphs.auth.store.sqlite import SqliteAuthStore
from subgraphs.transaction.store.sqlite import SqliteTransactionStore
from tests.e2e.cluster import Cluster
from tests.e2e.platform import PORT_VARIABLES, clean_environment
from tests.e2e.test_crash import open_customer
from tests.ports import free_ports

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.xdist_group("failures"), pytest.mark.timeout(300)]

PAGE: Final = 4096
COMMANDS: Final[dict[str, list[tuple[str, ...]]]] = {
    "auth": [("auth",), ("auth", "users", "list"), ("auth", "keys", "rotate")],
    "account": [("account",), ("account", "ledger", "check")],
    "transaction": [("transaction",), ("transaction", "open")],
    "revocations": [("auth",), ("account",), ("transaction",), ("auth", "users", "disable", "ann@example.com")],
}
ALL: Final = [(store, arguments) for store, commands in COMMANDS.items() for arguments in commands]


async def create_stores(folder: Path) -> None:
    for name, store in (
        ("auth", SqliteAuthStore),
        ("account", SqliteAccountStore),
        ("transaction", SqliteTransactionStore),
    ):
        await (await store.open_file(folder / f"{name}.sqlite3")).close()
    SqliteRevocationList(folder).close()


def damage(path: Path, first: int) -> None:
    """Overwrite the pages from `first` on (0 is the page with the schema)."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(first * PAGE)
        file.write(b"\xff" * (size - first * PAGE))


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(("store", "arguments"), ALL, ids=[f"{store}-{'-'.join(args)}" for store, args in ALL])
async def test_a_command_on_a_damaged_store_is_one_line(
    tmp_path: Path, store: str, arguments: tuple[str, ...], first: int
) -> None:
    await create_stores(tmp_path)
    damage(tmp_path / f"{store}.sqlite3", first)
    ports = {name: str(port) for name, port in zip(PORT_VARIABLES, free_ports(len(PORT_VARIABLES)), strict=True)}
    outcome = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "mosafe", *arguments],
        env=clean_environment(MOSAFE_DATA_DIR=str(tmp_path), MOSAFE_LOG_FORMAT="json", **ports),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome.returncode == 2, outcome.stdout + outcome.stderr
    (line,) = outcome.stderr.splitlines()
    assert f"{store}.sqlite3 is damaged" in line
    assert "restore it from a backup" in line
    assert "Traceback" not in outcome.stdout


async def test_damage_under_a_running_service_is_503(tmp_path: Path) -> None:
    """The pages are overwritten while the service runs, as a failing disk does."""
    async with Cluster(tmp_path) as cluster:
        ann = await open_customer(cluster.client)
        path = f"/api/accounts/{ann.account_id}"
        assert (await cluster.client.get(path, headers=ann.headers)).status_code == 200
        with closing(sqlite3.connect(tmp_path / "account.sqlite3")) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        damage(tmp_path / "account.sqlite3", 1)

        async def failing() -> int:
            # A new account makes the reader forget the pages that it remembers.
            new = {"type": "SAVINGS", "currency": "EUR"}
            await cluster.client.post("/api/accounts", json=new, headers=ann.headers)
            return (await cluster.client.get("/api/accounts", headers=ann.headers)).status_code

        async with asyncio.timeout(30):
            while (status := await failing()) == 200:
                await asyncio.sleep(0.1)
        assert status == 503
        ready = await cluster.client.get(f"{cluster.url('account')}/health/ready")
        assert (ready.status_code, ready.json()["failing"]) == (503, ["store"])
        assert (await cluster.client.get("/api/auth/me", headers=ann.headers)).status_code == 200
        assert "Traceback" not in cluster.log("account")
