"""Runs the Node.js scripts of this folder with the packages that `make interop` installs."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE, Process
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HERE = Path(__file__).parent
INSTALLED = HERE.parent.parent / ".peers" / "clients"
SECONDS = 60


def run(script: str, *arguments: str) -> Any:
    """What the script prints, decoded from JSON. Skips the test when it cannot run; in CI, the test fails."""
    done = subprocess.run(_command(script, *arguments), capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@dataclass
class RunningScript:
    """A script that reads and prints one JSON value a line."""

    process: Process

    def send(self, value: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(value).encode() + b"\n")

    async def next(self) -> Any:
        """The next value that the script prints; None when it has ended."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            line = await self.process.stdout.readline()
        return json.loads(line) if line else None

    async def end(self) -> list[Any]:
        """End the script's input, and wait until it has ended. Returns the values that it still prints."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        values = []
        while (value := await self.next()) is not None:
            values.append(value)
        assert await self.process.wait() == 0
        return values


@asynccontextmanager
async def running(script: str, *arguments: str) -> AsyncIterator[RunningScript]:
    """Run a script meanwhile. Skips the test when it cannot run; in CI, the test fails."""
    process = await asyncio.create_subprocess_exec(*_command(script, *arguments), stdin=PIPE, stdout=PIPE)
    try:
        yield RunningScript(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _command(script: str, *arguments: str) -> list[str]:
    node, installed = shutil.which("node"), INSTALLED / ".installed"
    fresh = installed.exists() and installed.read_bytes() == (HERE / "package-lock.json").read_bytes()
    if node is None or not fresh:
        reason = "the npm clients are not installed: `make interop` does it where Node.js is present"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    # Node.js looks for modules in the folder of the script. Another worker may run the same script.
    new = shutil.copy(HERE / script, INSTALLED / f"{script}.{os.getpid()}")
    return [node, str(Path(new).replace(INSTALLED / script)), *arguments]
