"""The order of sets and the addresses of objects differ from process to process; plans do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_processes_that_hash_differently_print_the_same_bytes() -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.router.planner.printed_plans"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
        )
        for seed in ("1", "4242")
    ]
    one, other = [process.communicate()[0] for process in running]
    assert all(process.returncode == 0 for process in running)
    assert one.count(b"QueryPlan {") > 300, "plans are printed at all"
    assert one == other
