"""nginx of Debian, which `make tools` unpacks, with the configuration of `deploy/cdn` in front of a local server."""

from __future__ import annotations

import os
import re
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from mosafe.local_servers.server_process import ServerNotInstalled, ServerProcess
from mosafe.local_servers.tool_cache import TOOL_CACHE

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIGURATION: Final = Path(__file__).parents[2] / "deploy" / "cdn" / "nginx.conf"
_MAIN: Final = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
{user}
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  include {folder}/mosafe.conf;
}}
"""


def program() -> Path | None:
    """Return the path of nginx, None if it is not installed."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    unpacked = TOOL_CACHE / "nginx"
    return unpacked if unpacked.exists() else Path(found) if found else None


class Nginx(ServerProcess):
    """A caching proxy. Its configuration is the file of the repository; only addresses and paths are put in."""

    name: ClassVar[str] = "nginx"

    def __init__(self, folder: Path, origin: str) -> None:
        """`origin` is the host and port of the server behind it."""
        super().__init__(folder)
        self._origin = origin

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _command(self, port: int) -> Sequence[str]:
        nginx = program()
        if nginx is None:
            raise ServerNotInstalled("nginx", "nginx, which `make tools` unpacks")
        text = CONFIGURATION.read_text(encoding="utf-8")
        for old, new in (
            (r"\blisten 443 ssl;", f"listen 127.0.0.1:{port};"),
            (r"\n *(?:ssl_|proxy_ssl_)[^\n]+", ""),  # this machine has no certificate of the bank
            (r"\bserver origin\.example\.com:443;", f"server {self._origin};"),
            (r"https://origin;", "http://origin;"),
            (r"/var/cache/nginx/mosafe", str(self.folder / "cache")),
        ):
            text, count = re.subn(old, new, text)
            assert count, f"{CONFIGURATION.name} has no longer {old}"
        (self.folder / "mosafe.conf").write_text(text, encoding="utf-8")
        # As root, the workers would be another user, who cannot open the folder of the test.
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(_MAIN.format(folder=self.folder, user=user), encoding="utf-8")
        return (str(nginx), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"))

    def _responds(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True
