"""Pebble, the ACME server for tests (RFC 8555), which `make tools` builds."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, ClassVar

from mosafe.local_servers.server_process import ServerNotInstalled, ServerProcess
from tests.ports import free_port
from tests.tools.deploy_tools import PEBBLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from servicekit.tls.files import TlsFiles


class Pebble(ServerProcess):
    """A public authority. It asks `http_port` of a host for the response to a challenge, instead of port 80."""

    name: ClassVar[str] = "pebble"

    def __init__(self, folder: Path, files: TlsFiles, http_port: int, name_server: str) -> None:
        """`files` has the certificate of the server itself. `name_server` is the address of the DNS server."""
        super().__init__(folder)
        self._files = files
        self._http_port = http_port
        self._name_server = name_server

    @property
    def directory_url(self) -> str:
        return f"https://localhost:{self.port}/dir"

    def _command(self, port: int) -> Sequence[str]:
        if not PEBBLE.exists():
            raise ServerNotInstalled("Pebble", "pebble, which `make tools` builds")
        settings = {
            "listenAddress": f"127.0.0.1:{port}",
            "managementListenAddress": f"127.0.0.1:{free_port()}",
            "certificate": str(self._files.certificate),
            "privateKey": str(self._files.key),
            "httpPort": self._http_port,
            "tlsPort": free_port(),
            "keyAlgorithm": "ecdsa",
            "profiles": {"default": {"description": "for tests", "validityPeriod": 7_776_000}},
        }
        path = self.folder / "pebble.json"
        path.write_text(json.dumps({"pebble": settings}), encoding="utf-8")
        return (str(PEBBLE), "-config", str(path), "-strict", "-dnsserver", self._name_server)

    def _responds(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False
