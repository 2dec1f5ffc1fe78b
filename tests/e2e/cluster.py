"""The five processes of the platform, each of which a test can kill and start again."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import httpx

from mosafe.local_mtls import OPERATOR, LocalMtls
from mosafe.processes import PROCESSES, Process, addresses, base_url, command_line
from mosafe.signature_variables import signature_variables
from servicekit.tls.contexts import client_context
from tests.e2e.platform import PORT_VARIABLES, clean_environment
from tests.ports import free_ports

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

READY_SECONDS = 60
NAMES = tuple(process.name for process in PROCESSES)


@dataclass
class Cluster:
    """An asynchronous context manager; all processes have ended when the block ends."""

    data_dir: Path
    router_config: Path | None = None
    mutual_tls: bool = False
    environ: dict[str, str] = field(init=False)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    client: httpx.AsyncClient = field(init=False)
    certificates: LocalMtls | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        ports = {name: str(port) for name, port in zip(PORT_VARIABLES, free_ports(len(PORT_VARIABLES)), strict=True)}
        self.environ = clean_environment(MOSAFE_DATA_DIR=str(self.data_dir), MOSAFE_LOG_FORMAT="json", **ports)
        self.environ.update(addresses(self.environ, tls=self.mutual_tls))
        self.environ.update(signature_variables(self.environ))

    async def __aenter__(self) -> Self:
        verify: ssl.SSLContext | bool = True
        if self.mutual_tls:
            self.certificates = LocalMtls.prepare(self.environ, PROCESSES)
            verify = client_context(self.certificates.folder.files(OPERATOR))
        self.client = httpx.AsyncClient(base_url=self.url("rest"), timeout=30, verify=verify)
        for name in NAMES:
            self.start(name)
        await asyncio.gather(*(self.wait_ready(name) for name in NAMES))
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.client.aclose()
        for name in list(self.running):
            self.kill(name)

    def url(self, name: str) -> str:
        return base_url(_process(name), self.environ, tls=self.mutual_tls)

    def start(self, name: str) -> None:
        own = self.certificates.variables(_process(name)) if self.certificates is not None else {}
        with (self.data_dir / f"{name}.log").open("ab") as log:
            arguments = command_line(_process(name), self.router_config)
            self.running[name] = subprocess.Popen(
                arguments, env={**self.environ, **own}, cwd=self.data_dir, stdout=log, stderr=log
            )

    def kill(self, name: str) -> None:
        """End the process as a power cut would."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    async def wait_ready(self, name: str) -> None:
        async with asyncio.timeout(READY_SECONDS):
            while not await self._is_ready(name):
                assert self.running[name].poll() is None, self.log(name)
                await asyncio.sleep(0.05)

    async def _is_ready(self, name: str) -> bool:
        try:
            return (await self.client.get(f"{self.url(name)}/health/ready")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def log(self, name: str) -> str:
        """The end of what the process wrote."""
        return (self.data_dir / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-4000:]


def _process(name: str) -> Process:
    return next(process for process in PROCESSES if process.name == name)
