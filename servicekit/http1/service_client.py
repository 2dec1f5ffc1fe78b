"""Calls another service of the platform: POST requests with JSON bodies, on kept-alive connections.

A call costs a thirtieth of the processor time of a call by httpx. Proxies, redirects and content codings are not
supported, because the services of a platform do not need them.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import TYPE_CHECKING, Final, Protocol

from servicekit.errors import ConfigurationError
from servicekit.http1.connection import ExchangeFailed, MalformedExchange, RawResponse
from servicekit.http1.pool import NotConnected, Pool, PoolFull, PoolLimits, ServerOrigin
from servicekit.http_url import split_http_url

if TYPE_CHECKING:
    from collections.abc import Mapping

# The exceptions of a call, each with a description for logs. Subclasses come before their base classes.
FAILURES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (NotConnected, "unreachable"),
    (PoolFull, "busy"),
    (TimeoutError, "timeout"),
    (MalformedExchange, "not HTTP"),
    (ExchangeFailed, "connection lost"),
    (OSError, "connection lost"),
)


_ENDS_A_LINE = re.compile(r"[\r\n\0]")


class ServiceClient(Protocol):
    """Sends requests to one service. `HttpServiceClient` sends them over the network; tests send them to functions."""

    async def post(
        self, path: str, headers: Mapping[str, str], body: bytes, *, seconds: float, repeatable: bool
    ) -> RawResponse:
        """Send a request, and return its response with any status.

        Args:
            path: the path of the URL, with its query.
            headers: headers in lower case. The client adds `host`, `content-type` (JSON) and `content-length`.
            body: the body, which is JSON.
            seconds: the time limit for the whole call.
            repeatable: whether the request may be sent again if the server closes the kept-alive connection.

        Raises:
            NotConnected: the service has not received the request, because there is no connection.
            PoolFull: the service has not received the request, because too many requests wait for a connection.
            TimeoutError: there is no complete response in time.
            ExchangeFailed: the connection broke; or, as `MalformedExchange`, the response is not HTTP or too large.
            ValueError: a header contains a line break, or a character that is not in Latin-1.
        """


class HttpServiceClient:
    """A `ServiceClient` over the network."""

    def __init__(self, base_url: str, limits: PoolLimits, *, variable: str, tls: ssl.SSLContext | None = None) -> None:
        """Create the client. It opens a connection for the first request.

        Args:
            base_url: an absolute `http(s)` URL, to whose path the paths of requests are appended.
            limits: the limits of the connections.
            variable: the variable with the URL, for the error message.
            tls: the context for an `https` URL; None for the authorities that the system trusts.

        Raises:
            ConfigurationError: the URL is not absolute `http(s)`, or contains credentials.
        """
        try:
            url = split_http_url(base_url)
        except ValueError as error:
            raise ConfigurationError(variable, str(error)) from None
        self._pool = Pool(
            ServerOrigin(url.host, url.port, (tls or ssl.create_default_context()) if url.is_tls else None), limits
        )
        self._prefix = url.target.rstrip("/")
        self._root = "" if self._prefix else "/"
        self._own = f"host: {url.authority}\r\ncontent-type: application/json\r\n"

    async def post(
        self, path: str, headers: Mapping[str, str], body: bytes, *, seconds: float, repeatable: bool
    ) -> RawResponse:
        if _ENDS_A_LINE.search("\t".join(headers.values())) is not None:
            raise ValueError("a header contains a line break or a NUL")
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"POST {self._prefix}{path or self._root} HTTP/1.1\r\n{self._own}content-length: {len(body)}\r\n{lines}\r\n"
        )
        request = head.encode("latin-1") + body
        deadline = asyncio.get_running_loop().time() + seconds
        return await self._pool.exchange(lambda: request, repeatable=repeatable, deadline=deadline)

    def close(self) -> None:
        """Close all connections. Calls that are running fail."""
        self._pool.close()
