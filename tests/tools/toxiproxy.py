"""A toxiproxy server, which `make tools` builds: a TCP proxy that disturbs connections as its API tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import httpx

from mosafe.local_servers.server_process import ServerNotInstalled, ServerProcess
from mosafe.local_servers.tool_cache import TOOL_CACHE
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

EXECUTABLE: Final = TOOL_CACHE / "toxiproxy-server-v2.5.0"
_PROXY: Final = "subgraph"


class Toxiproxy(ServerProcess):
    """A toxiproxy server with one proxy."""

    name: ClassVar[str] = "toxiproxy"

    def proxy(self, upstream: str) -> str:
        """Forward connections to `upstream`, such as `127.0.0.1:3001`, and return the address of the proxy."""
        address = f"127.0.0.1:{free_port()}"
        self._call("POST", "/proxies", {"name": _PROXY, "listen": address, "upstream": upstream, "enabled": True})
        return address

    def disturb(self, kind: str, share: float = 1.0, **attributes: int) -> None:
        """Disturb the responses of a share of the connections from now on. `kind` is a toxic of toxiproxy."""
        self._add({"type": kind, "stream": "downstream", "toxicity": share, "attributes": attributes})

    def swallow_requests(self) -> None:
        """Forward no request from now on, so that there is no response, and keep the connections open."""
        self._add({"type": "timeout", "stream": "upstream", "toxicity": 1.0, "attributes": {"timeout": 0}})

    def _add(self, toxic: dict[str, Any]) -> None:
        self._call("POST", f"/proxies/{_PROXY}/toxics", toxic)

    def reset(self) -> None:
        """Disturb nothing any more."""
        self._call("POST", "/reset", {})

    def delete(self) -> None:
        """Remove the proxy, so that another one can be made."""
        self._call("DELETE", f"/proxies/{_PROXY}", {})

    def _call(self, method: str, path: str, body: dict[str, Any]) -> None:
        httpx.request(method, f"http://127.0.0.1:{self.port}{path}", json=body, timeout=10).raise_for_status()

    def _command(self, port: int) -> Sequence[str]:
        if not EXECUTABLE.exists():
            raise ServerNotInstalled("toxiproxy", "toxiproxy, which `make tools` builds")
        return (str(EXECUTABLE), "-host", "127.0.0.1", "-port", str(port))

    def _responds(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/version", timeout=1).is_success
        except httpx.TransportError:
            return False
