"""Processes of the race: on which processor they run, what they cost, and that they end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ROUTER_CORE: Final = 0
OTHER_CORE: Final = 1
STOP_SECONDS: Final = 5.0


class RaceError(Exception):
    """A part of the race does not work, for example a router that does not start."""


def free_port() -> int:
    """A port that was free at the time of the call."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def can_pin() -> bool:
    return {ROUTER_CORE, OTHER_CORE} <= os.sched_getaffinity(0)


def pinned(core: int | None, arguments: Sequence[str]) -> list[str]:
    """The command that runs on one core, if the machine has both cores of the race. None: any core."""
    return ["taskset", "-c", str(core), *arguments] if core is not None and can_pin() else list(arguments)


@dataclass(frozen=True, slots=True)
class Use:
    """What a process and its children have used so far, and hold now."""

    processor_seconds: float
    kernel_share: float
    memory_bytes: int


@dataclass(slots=True)
class Running:
    """A process in a group of its own, with all the processes that it starts."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(
        cls,
        arguments: Sequence[str],
        log: Path,
        *,
        core: int | None,
        environment: Mapping[str, str] | None = None,
        discards_output: bool = False,
    ) -> Self:
        """Start a program. Its errors are written to `log`, and its output too, unless it is discarded."""
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command lines
                pinned(core, arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if discards_output else output,
                stderr=output,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                cwd=log.parent,
            )
        return cls(process, log)

    def use(self) -> Use:
        """The processor time of all threads of all processes, and their memory.

        The clock of a process counts nanoseconds; the times in /proc count hundredths of a second.
        """
        seconds, user, system, memory = 0.0, 0.0, 0.0, 0
        for each in self._tree():
            with contextlib.suppress(psutil.Error, OSError):
                seconds += time.clock_gettime(~each.pid << 3 | 2)
                times = each.cpu_times()
                user, system = user + times.user, system + times.system
                memory += each.memory_info().rss
        return Use(seconds, system / (user + system) if user + system else 0.0, memory)

    def _tree(self) -> list[psutil.Process]:
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.Error:
            return []

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def last_lines(self) -> str:
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-12:])

    def stop(self) -> None:
        """End the process and those that it has started."""
        tree = self._tree()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        for each in tree:
            with contextlib.suppress(psutil.Error):
                each.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()
