"""An installation with running services, whose stores are backed up and restored by the commands."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from click.testing import CliRunner

from mosafe.backup.errors import BackupError
from mosafe.backup.installation import Installation
from mosafe.cli import command
from servicekit.errors import ConfigurationError
from servicekit.settings import load
from subgraphs.auth.app import create_app
from subgraphs.auth.settings import AuthSettings
from tests.ports import free_ports
from tests.subgraphs.auth.client import Auth
from tests.subgraphs.bank import Bank, open_bank
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path


@dataclass
class Rehearsed:
    """An installation, and the place of its backups.

    Attributes:
        folder: has the data directory, the backups and the keys.
        addresses: the variables with the addresses of servers; none for embedded stores.
    """

    folder: Path
    addresses: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data = self.folder / "data"
        self.backups = self.folder / "backups"
        self.key = self.folder / "keys" / "backup"
        ports = free_ports(3)
        # No service of this machine listens on these ports.
        self.ports = dict(zip(("AUTH_PORT", "ACCOUNT_PORT", "TRANSACTION_PORT"), map(str, ports), strict=True))
        if not self.key.exists():
            CliRunner().invoke(command, ["backup", "keygen", str(self.key)])

    @property
    def environ(self) -> dict[str, str]:
        return {
            "MOSAFE_DATA_DIR": str(self.data),
            "BACKUP_TO": str(self.backups),
            "BACKUP_RECIPIENTS": f"{self.key}.pub",
            "BACKUP_IDENTITY_FILE": str(self.key),
            **self.ports,
            **self.addresses,
        }

    @property
    def installation(self) -> Installation:
        return Installation.of(self.environ)

    def run(
        self, *arguments: str, code: int = 0, group: str = "backup", environ: Mapping[str, str] | None = None
    ) -> str:
        """The output of a command that ends with the exit code `code`."""
        result = CliRunner(env={**self.environ, **(environ or {})}).invoke(command, [*group.split(), *arguments])
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    async def run_beside(self, *arguments: str, code: int = 0, group: str = "backup") -> str:
        """As `run`, from a test with an event loop: the commands have their own loops."""
        return await asyncio.to_thread(self.run, *arguments, code=code, group=group)

    def refused(self, *arguments: str, **variables: str) -> str:
        """The message of a command that ends with an error of this platform."""
        result = CliRunner(env={**self.environ, **variables}).invoke(command, ["backup", *arguments])
        assert isinstance(result.exception, BackupError | ConfigurationError), (result.output, result.exception)
        return str(result.exception)

    @asynccontextmanager
    async def services(self) -> AsyncIterator[tuple[Bank, Auth]]:
        """The three services on these stores, without sockets."""
        variables = {"AUTH_ISSUER": "http://auth.test", "SUBGRAPH_SIGNATURES": "off", **self.addresses}
        async with AsyncExitStack() as stack:
            settings = load(AuthSettings, {"MOSAFE_DATA_DIR": str(self.data), **variables})
            auth = Auth(GraphQLClient(await stack.enter_async_context(running(create_app(settings)))))
            del variables["AUTH_ISSUER"]
            yield await stack.enter_async_context(open_bank(self.data, None, **variables)), auth
