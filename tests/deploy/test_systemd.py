"""systemd accepts the units, and finds that their services are restricted. Run by `make test-deploy`."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.checks.systemd import COMMANDS, FOLDER
from tests.tools.deploy_tools import run_tool

ROOT: Final = Path(__file__).parents[2]
# systemd rates from 0 (safe) to 10. Above 2, a restriction is missing.
HIGHEST_EXPOSURE: Final = 2.0

pytestmark = pytest.mark.usefixtures("deploy_tools")


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("needs systemd-analyze, a part of systemd")
    return found


def unit(name: str) -> str:
    return name.replace("@.", "@auth.")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root of a machine on which the platform is installed."""
    units, commands = tmp_path / "etc/systemd/system", tmp_path / "opt/mosafe/bin"
    shutil.copytree(ROOT / FOLDER, units)
    commands.mkdir(parents=True)
    for name in ("mosafe", "router"):
        (commands / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (commands / name).chmod(0o755)
    (tmp_path / "bin").mkdir()
    shutil.copy("/bin/kill", tmp_path / "bin/kill")
    return tmp_path


def test_systemd_accepts_the_units(analyze: str, machine: Path) -> None:
    names = [*map(unit, COMMANDS), "mosafe-platform.target"]
    command = [analyze, "verify", f"--root={machine}", "--recursive-errors=no", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # The machine has no other units, such as network-online.target.
    problems = [line for line in done.stderr.splitlines() if "mosafe" in line and "Unit not found" not in line]
    assert (done.returncode, problems) == (0, []), done.stderr


def test_systemd_refuses_a_mistake(analyze: str, machine: Path) -> None:
    path = machine / "etc/systemd/system/mosafe-backup.service"
    path.write_text(path.read_text(encoding="utf-8").replace("MemoryMax=512M", "MemoryMax=much"), encoding="utf-8")
    command = [analyze, "verify", f"--root={machine}", "--recursive-errors=no", path.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Invalid memory limit 'much'" in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_the_services_are_restricted(analyze: str, machine: Path, name: str) -> None:
    output = run_tool(analyze, "security", "--offline=true", f"--root={machine}", unit(name))
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", output)
    assert exposure is not None
    assert float(exposure[1]) <= HIGHEST_EXPOSURE
