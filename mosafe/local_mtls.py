"""Mutual TLS on one machine: `mosafe up --mtls` makes the certificates of all processes, and renews them in time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from bank.topology import load_topology
from mosafe.certificates.commands import FOLDER
from mosafe.certificates.folder import CertificateFolder
from mosafe.certificates.issuing import Subject
from mosafe.certificates.keeping import complete
from mosafe.local_servers.server_process import free_port
from mosafe.processes import port_of, reachable_host
from servicekit.client_address import parse_address
from servicekit.errors import StartupError
from servicekit.tls.process_files import VARIABLES as FILE_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mosafe.processes import Process

HEALTH_PORT: Final = "MOSAFE_HEALTH_PORT"
OPERATOR: Final = "operator"
# Events of servers outside the platform come through the gateway. Here, such a server has the gateway's certificate.
_GATEWAY: Final = "traefik"
# Certificates are valid for days, so this is often enough.
_RENEWAL_SECONDS: Final = 600.0

_log = structlog.stdlib.get_logger("certificates")


@dataclass(frozen=True, slots=True)
class LocalMtls:
    """The certificates of the processes of one `mosafe up`.

    Attributes:
        folder: the certificates.
        health_ports: for each process, the port on which `mosafe up` asks whether it is ready.
    """

    folder: CertificateFolder
    health_ports: Mapping[str, int]

    @classmethod
    def prepare(cls, environ: Mapping[str, str], processes: Iterable[Process]) -> LocalMtls:
        """Create the authority and the certificates that are missing, and renew those that are due.

        Raises:
            StartupError: a file cannot be read or written, or the authority has expired.
        """
        folder = CertificateFolder(Path(environ.get("MOSAFE_DATA_DIR") or ".mosafe") / FOLDER)
        host = reachable_host(environ).strip("[]")
        further = Subject("", (), (host,)) if parse_address(host) is not None else Subject("", (host,))
        complete(folder, further)
        inside = (process for process in processes if not process.is_outside)
        return cls(folder, {process.name: _health_port(process, environ) for process in inside})

    def variables(self, process: Process) -> dict[str, str]:
        """Return the variables with which a process serves mutual TLS; of one outside, with which it calls us."""
        files = self.folder.files(_GATEWAY if process.is_outside else process.name)
        paths = {"certificate": files.certificate, "key": files.key, "authorities": files.authorities}
        own = {FILE_VARIABLES[role]: str(paths[role]) for role in FILE_VARIABLES}
        if process.is_outside:
            return own
        return own | {HEALTH_PORT: str(self.health_ports[process.name]), "MOSAFE_HEALTH_HOST": "127.0.0.1"}

    def ready_url(self, process: Process) -> str:
        return f"http://127.0.0.1:{self.health_ports[process.name]}/health/ready"

    def curl_options(self) -> str:
        """Return the options with which curl calls the processes as the operator."""
        files = self.folder.files(OPERATOR)
        return f"--cacert {self.folder.path.absolute() / 'ca.pem'} --cert {files.certificate} --key {files.key}"

    async def keep_renewing(self) -> None:
        """Renew certificates that are due, until this is cancelled. A failure is logged, and tried again later."""
        while True:
            await asyncio.sleep(_RENEWAL_SECONDS)
            try:
                renewed = await asyncio.to_thread(self.folder.renew_due)
            except StartupError as error:
                _log.error("certificates cannot be renewed", reason=str(error))
            else:
                if renewed:
                    _log.info("certificates renewed", processes=list(renewed))


def refuse_variables_of_one_process(environ: Mapping[str, str]) -> None:
    """Refuse variables that cannot have one value for all processes.

    Raises:
        StartupError: one of them is set. The message names it.
    """
    for name in (*FILE_VARIABLES.values(), HEALTH_PORT):
        if environ.get(name):
            raise StartupError(
                f"{name}: each process needs its own, but `mosafe up` runs several; unset it, and use --mtls"
            )


def _health_port(process: Process, environ: Mapping[str, str]) -> int:
    """Return the port of the topology; if the process has another port than usual, any free port.

    So a second platform on one machine does not take the ports of the first one.
    """
    default = load_topology().process(process.name).health_port
    if default is not None and port_of(process, environ) == process.default_port:
        return default
    return free_port()
