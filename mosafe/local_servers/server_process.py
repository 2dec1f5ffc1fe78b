"""Starts a server as a child process, waits until the server responds, and can pause, kill and stop it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Final, Self

from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# How long a server may take to start. On a busy machine, the first start of mongod took 5 s.
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.01
LOG_LINES: Final = 12
# How often a start is tried. A start fails if another process binds the chosen free port before the server does.
START_ATTEMPTS: Final = 3

# A Python program that calls `prctl` and then becomes the server by `exec`. `prctl` tells Linux to kill this process
# when the thread that started it ends, also after `exec`. If the parent ends before `prctl` is called, Linux does not
# kill the process. So the program checks that its parent is still the expected one.
_PR_SET_PDEATHSIG: Final = 1
#
# The third argument is the user that the server runs as, or empty. It is changed first, because Linux forgets what
# `prctl` has set when the user changes.
_EXEC_WITH_PARENT: Final = f"""
import ctypes, os, sys
if sys.argv[2]:
    import pwd
    user = pwd.getpwnam(sys.argv[2])
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
ctypes.CDLL(None).prctl({_PR_SET_PDEATHSIG}, {int(signal.SIGKILL)})
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[3], sys.argv[3:])
"""


class ServerNotInstalled(StartupError):
    """The package that contains the server is not installed, or there is no wheel of it for this platform."""

    def __init__(self, server: str, package: str) -> None:
        super().__init__(
            f"{server} needs the package {package}: pip install 'mosafe[dev]' (it has no wheel everywhere)"
        )


def free_port() -> int:
    """Return a port of 127.0.0.1 that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServerProcess(ABC):
    """A server as a child process. After a restart, it has the same port and folder.

    The server ends when its parent process ends. On Linux, it ends even if the parent is killed. On Linux, the server
    also ends when the thread that started it ends, so start it from a thread that lives long enough.
    """

    name: ClassVar[str]
    # The signal that asks the server to end without waiting for its clients.
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, folder: Path, port: int | None = None) -> None:
        """`folder` is for the server's data and log. If `port` is None, the first start chooses a free port."""
        self.folder = folder
        self._wanted_port = port
        self._port: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.system_user: str | None = None
        """The user that the server runs as; None for the user of this process. A subclass may set it."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    @abstractmethod
    def _command(self, port: int) -> Sequence[str]:
        """Return the command line; its first word is a path. Raises ServerNotInstalled if there is no executable."""

    @abstractmethod
    def _responds(self) -> bool:
        """Whether the running server is ready for clients."""

    @property
    def port(self) -> int:
        """The port of the server. Raises RuntimeError before the first start, because the port is not known then."""
        if self._port is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._port

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        return self._running.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code if the server ended by itself; None if the server is running or was stopped."""
        return self._process.poll() if self._process is not None else None

    def start(self) -> None:
        """Start the server and wait until it responds.

        Raises:
            ServerNotInstalled: its package is missing.
            StartupError: it ended or did not respond in time; the message has the last lines of its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        attempts = START_ATTEMPTS if self._port is None and self._wanted_port is None else 1
        for left in reversed(range(attempts)):
            if self._port is None:
                self._port = self._wanted_port or free_port()
            try:
                self._start_once(self._port)
                return
            except StartupError as error:
                self.stop()
                if left == 0 or isinstance(error, ServerNotInstalled):
                    raise
                self._port = None

    def stop(self) -> None:
        """Ask the server to end, and kill it if it takes too long."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(self.stop_signal)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        _close(process)

    def kill(self) -> None:
        """Kill the server with SIGKILL, as if it had crashed."""
        process, self._process = self._running, None
        process.kill()
        _close(process)

    def pause(self) -> None:
        """Stop the server's process temporarily (SIGSTOP), so that the server does not respond until `resume`.

        The connections and the memory of the server are kept. Tests use this to simulate a server that hangs.
        """
        self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running.send_signal(signal.SIGCONT)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} does not run")
        return self._process

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _start_once(self, port: int) -> None:
        command = self._command(port)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - an executable of our own dependencies
                _with_parent(command, self.system_user),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if self.answers_on_stdout else log,
                stderr=log,
                user=None if sys.platform == "linux" else self.system_user,
                start_new_session=True,  # Ctrl-C in the terminal reaches only this process, which stops the servers
            )
        end = time.monotonic() + START_SECONDS
        while not self._responds():
            if self._process.poll() is not None:
                raise StartupError(f"{self.name} ended with exit code {self._process.returncode}:{self._last_lines()}")
            if time.monotonic() > end:
                raise StartupError(f"{self.name} did not respond within {START_SECONDS:g} s:{self._last_lines()}")
            time.sleep(POLL_SECONDS)

    def _last_lines(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "".join(f"\n  {line}" for line in self._telling(lines)[-LOG_LINES:])

    def _telling(self, lines: Sequence[str]) -> Sequence[str]:
        """Return the lines of the log that may say why the server ended."""
        return lines

    # Whether the standard output of the server contains responses to commands. Otherwise, it is written to the log.
    answers_on_stdout: ClassVar[bool] = False


def _with_parent(command: Sequence[str], user: str | None) -> list[str]:
    """Return a command line that runs `command` as `user`. On Linux, the command is killed when this process ends."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", "-c", _EXEC_WITH_PARENT, str(os.getpid()), user or "", *command]


def _close(process: subprocess.Popen[bytes]) -> None:
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
