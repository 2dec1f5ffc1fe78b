"""A ledger that was deleted stops `mosafe up` with what to do, in one line (bank §4.8)."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.platform import PORT_VARIABLES, START_SECONDS, clean_environment, start_platform
from tests.ports import free_ports

if TYPE_CHECKING:
    from pathlib import Path


def run(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    ports = {name: str(port) for name, port in zip(PORT_VARIABLES, free_ports(len(PORT_VARIABLES)), strict=True)}
    return subprocess.run(
        [sys.executable, "-m", "mosafe", *arguments],
        env=clean_environment(MOSAFE_DATA_DIR=str(data_dir), **ports),
        cwd=data_dir,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


@pytest.mark.timeout(300)  # it starts the platform five times
def test_a_deleted_ledger_stops_the_platform_and_accepting_starts_it(tmp_path: Path) -> None:
    platform = start_platform(tmp_path)
    platform.open_account(platform.register(), deposit="5.00")
    assert platform.stop() == 0
    for path in tmp_path.glob("account.sqlite3*"):
        path.unlink()

    stopped = run(tmp_path, "up")
    assert stopped.returncode != 0
    assert "The account store is missing" in stopped.stderr
    assert "mosafe stores check" in stopped.stderr
    assert "Traceback" not in stopped.stdout + stopped.stderr
    assert not (tmp_path / "account.sqlite3").exists()

    assert run(tmp_path, "account", "ledger", "verify").returncode != 0
    found = run(tmp_path, "stores", "check")
    assert (found.returncode, "The account store is missing" in found.stdout) == (1, True)

    assert run(tmp_path, "stores", "accept", "--yes").returncode == 0
    platform = start_platform(tmp_path)
    assert platform.stop() == 0
    found = run(tmp_path, "stores", "check")
    assert "1 completed orders are not in the ledger" in found.stdout
