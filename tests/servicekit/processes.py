"""Starts Python programs that use servicekit in separate processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]


def start(
    program: str, *arguments: str, pass_fds: Sequence[int] = (), stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    """Start `program` in a new interpreter, with its output in pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=pass_fds,
    )


def at_once(program: str, *arguments: str, processes: int) -> list[str]:
    """What each of several processes prints when all run `program` at the same moment.

    The program waits for the start signal with `input()`.
    """
    started = [start(program, *arguments, stdin=subprocess.PIPE) for _ in range(processes)]
    # Every interpreter has started before the first one gets the signal.
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    outputs = []
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        output, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        outputs.append(output)
    return outputs
