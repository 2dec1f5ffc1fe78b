"""Traefik, which `make tools` builds, with the configuration of this repository in front of local processes."""

from __future__ import annotations

import json
import re
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import httpx

from mosafe.local_servers.server_process import ServerNotInstalled, ServerProcess
from tests.ports import free_port
from tests.tools.deploy_tools import TRAEFIK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONFIGURATION: Final = Path(__file__).parents[2] / "traefik"


class Traefik(ServerProcess):
    """A Traefik. Its files are those of the repository; only addresses of this machine are put in.

    Attributes:
        http_port: the port that redirects to `port`.
        dashboard_port: the port of the dashboard.
        acme: the URL of an ACME server, and the authorities of that server; None for the one of the configuration.
        services: the URL of a service in the configuration, and its URL on this machine.
    """

    name: ClassVar[str] = "traefik"

    def __init__(self, folder: Path, services: Mapping[str, str], certificates: Path) -> None:
        """`services` maps the URL of a service in the configuration to its URL on this machine.

        `certificates` is the folder with the certificate of Traefik.
        """
        super().__init__(folder)
        self._certificates = certificates
        self.http_port, self.dashboard_port, self._health_port = free_port(), free_port(), free_port()
        self.services = dict(services)
        self.acme: tuple[str, Path] | None = None
        self._reads = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def write_routes(self) -> None:
        """Copy the files of `traefik/config`. A running Traefik reads them again."""
        config = self.folder / "config"
        config.mkdir(exist_ok=True)
        for path in (CONFIGURATION / "config").glob("*.yml"):
            text = path.read_text(encoding="utf-8")
            for address, real in self.services.items():
                text = text.replace(f'"{address}"', f'"{real}"')
            text = text.replace("/etc/traefik/certs", str(self._certificates))
            (config / path.name).write_text(text, encoding="utf-8")

    def read_again(self) -> None:
        """Let Traefik read its files again, as `mosafe certs keep --touch` does, and wait until it has."""
        self._reads += 1
        name = f"read-{self._reads}"
        # The name appears in the API when everything that was read is in use.
        marker = {"http": {"middlewares": {name: {"headers": {"customResponseHeaders": {"X-Read": ""}}}}}}
        (self.folder / "config" / "tls.yml").touch()
        (self.folder / "config" / "marker.yml").write_text(json.dumps(marker), encoding="utf-8")
        while name not in {each["name"].partition("@")[0] for each in self.api("/http/middlewares")}:
            time.sleep(0.1)

    def api(self, path: str) -> Any:
        """Return a document of the dashboard's API."""
        return httpx.get(f"http://127.0.0.1:{self.dashboard_port}/api{path}", timeout=10).raise_for_status().json()

    def requests(self) -> list[dict[str, Any]]:
        """Return the lines of the access log."""
        lines = (json.loads(line) for line in self.log_lines() if line.startswith("{"))
        return [line for line in lines if "RequestPath" in line]

    def log_lines(self) -> list[str]:
        """Return all lines that Traefik has written."""
        return [
            line
            for path in self.folder.glob("*.log")
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        ]

    def _command(self, port: int) -> Sequence[str]:
        if not TRAEFIK.exists():
            raise ServerNotInstalled("Traefik", "traefik, which `make tools` builds")
        self.write_routes()
        text = (CONFIGURATION / "traefik.yml").read_text(encoding="utf-8")
        ports = {80: self.http_port, 443: port, 8080: self.dashboard_port, 8082: self._health_port}
        text = re.sub(r'address: ":(\d+)"', lambda found: f'address: "127.0.0.1:{ports[int(found[1])]}"', text)
        text = text.replace("/etc/traefik/config", str(self.folder / "config")).replace("/acme/", f"{self.folder}/")
        if self.acme is not None:
            url, authorities = self.acme
            own = f"keyType: EC256\n      caServer: {url}\n      caCertificates: [{authorities}]"
            text = text.replace("keyType: EC256", own)
        (self.folder / "traefik.yml").write_text(text, encoding="utf-8")
        return (str(TRAEFIK), f"--configFile={self.folder / 'traefik.yml'}")

    def _responds(self) -> bool:
        try:
            found = httpx.get(f"http://127.0.0.1:{self._health_port}/ping", timeout=1)
            routes = {route["name"] for route in self.api("/http/routers")} if found.is_success else set()
        except httpx.HTTPError:
            return False
        return "rest@file" in routes


def without_verification() -> ssl.SSLContext:
    """Return a context that accepts the certificate that Traefik has signed itself."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
