"""What machine the race runs on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Final

import psutil

from benchmarks.race.processes import can_pin
from benchmarks.race.results_file import Machine

ROOT: Final = Path(__file__).parents[2]


def machine() -> Machine:
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 2**30),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        is_pinned=can_pin(),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def commit() -> str:
    """The commit of the working tree, with a plus sign if files have changed since."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - fixed
