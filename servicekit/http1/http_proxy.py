"""`HttpProxy`: sends requests to a server through an HTTP proxy.

    http      POST http://server/graphql   to the proxy, which forwards the request (RFC 9112 §3.2.2)
    https     CONNECT server:443           the proxy opens a tunnel (RFC 9110 §9.3.6); TLS runs inside the tunnel

The proxy cannot read a request in a tunnel. The credentials of the proxy are sent only to the proxy.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import re
from typing import TYPE_CHECKING, Final, TypeVar, cast

import msgspec

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

_MAX_BYTES: Final = 65_536
_END: Final = b"\r\n\r\n"
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")
_SUCCESS: Final = b"2"

P = TypeVar("P", bound=asyncio.Protocol)


class HttpProxy(msgspec.Struct, frozen=True):
    """The address of a proxy. `authorization` is the value of `Proxy-Authorization`, or empty."""

    host: str
    port: int
    authorization: str = ""

    @property
    def header(self) -> str:
        """The header line with the credentials; empty if there are none."""
        return f"proxy-authorization: {self.authorization}\r\n" if self.authorization else ""


class ProxyRefused(ConnectionError):
    """The proxy did not open a tunnel to the server."""


def basic_authorization(username: str, password: str) -> str:
    """Return the value of a header with credentials (RFC 7617 §2)."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def bypasses_proxy(host: str, port: int, no_proxy: Sequence[str]) -> bool:
    """Return whether requests to a server do not go through the proxy.

    An entry of `no_proxy` is a host, a host with a port, a domain with all its subdomains (`.example.com`), a network
    (`10.0.0.0/8`), or `*` for all hosts.
    """
    return any(_matches(host.lower(), port, entry.lower()) for entry in no_proxy)


def _matches(host: str, port: int, entry: str) -> bool:
    if entry in ("*", host, f"{host}:{port}", f"[{host}]", f"[{host}]:{port}"):
        return True
    if entry.startswith((".", "*.")):
        domain = entry.removeprefix("*")
        return host.endswith(domain) or host == domain[1:]
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:  # the host is a name, or the entry is not a network
        return False


async def open_tunnel(proxy: HttpProxy, host: str, port: int, tls: ssl.SSLContext, protocol: Callable[[], P]) -> P:
    """Open a connection with TLS to a server, through a tunnel of the proxy.

    Raises:
        ProxyRefused: The proxy did not open the tunnel.
        OSError: The proxy cannot be reached, or the certificate of the server is not trusted.
    """
    loop = asyncio.get_running_loop()
    transport, answer = await loop.create_connection(_TunnelAnswer, proxy.host, proxy.port)
    try:
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        transport.write(f"CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n{proxy.header}\r\n".encode("latin-1"))
        await answer.opened
        opened = protocol()
        secured = await loop.start_tls(transport, opened, tls, server_hostname=host)
    except BaseException:
        transport.abort()
        raise
    opened.connection_made(cast("asyncio.Transport", secured))
    return opened


class _TunnelAnswer(asyncio.Protocol):
    """Receives the response of a proxy to CONNECT. `opened` is done when the tunnel is open."""

    def __init__(self) -> None:
        self._received = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if self.opened.done():
            return
        self._received += data
        head, end, rest = self._received.partition(_END)
        if not end:
            if len(self._received) > _MAX_BYTES:
                self._refuse("the head of its response is too large")
            return
        status = _STATUS.match(head + b"\r")
        if status is None:
            self._refuse("its response is not HTTP")
        elif not status[1].startswith(_SUCCESS):
            self._refuse(f"it responded {status[1].decode()}")
        elif rest:
            self._refuse(
                "it sent data before the server could"
            )  # the server speaks only after the TLS handshake begins
        else:
            self.opened.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self._refuse("it closed the connection" if exc is None else str(exc))

    def _refuse(self, reason: str) -> None:
        self.opened.set_exception(ProxyRefused(f"the proxy opened no tunnel: {reason}"))
