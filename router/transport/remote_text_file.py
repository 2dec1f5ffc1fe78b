"""Read a text file from a URL repeatedly.

If the file has not changed since the last read, the server does not send the file again (RFC 9110 §13, conditional
requests).
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import msgspec

from servicekit.http1.connection import ExchangeFailed
from servicekit.http1.pool import Pool, PoolLimits, ServerOrigin
from servicekit.http_url import split_http_url

if TYPE_CHECKING:
    from collections.abc import Mapping

_OK, _NOT_MODIFIED = 200, 304


class TextFileUnavailable(Exception):
    """The file cannot be read. The message says why; it is for logs, not for clients."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """The URL of a text file, and how to request the file.

    Attributes:
        url: An absolute `http(s)` URL.
        headers: The headers of each request.
        timeout: The maximum time in seconds until the response is complete.
        tls: The TLS settings for `https` URLs; None for the system's trust store.
    """

    url: str
    headers: Mapping[str, str]
    timeout: float
    tls: ssl.SSLContext | None = None


class RemoteTextFile:
    """Reads the text file at a URL. Redirects are not followed, because another server must not get the credentials."""

    def __init__(self, address: Address) -> None:
        url = split_http_url(address.url)
        tls = (address.tls or ssl.create_default_context()) if url.is_tls else None
        self._pool = Pool(ServerOrigin(url.host, url.port, tls), PoolLimits(max_connections=1))
        self._timeout = address.timeout
        own = {"host": url.authority, "accept": "*/*", **address.headers}
        lines = (f"GET {url.target} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in own.items()))
        self._head = "".join(lines)
        self._etag: str | None = None

    async def read(self) -> str | None:
        """Return the text of the file; None if the file has not changed since the last read (status 304).

        Raises:
            TextFileUnavailable: There is no connection or no response in time, the status is neither 200 nor 304, or
                the body is not UTF-8.
        """
        condition = f"if-none-match: {self._etag}\r\n" if self._etag is not None else ""
        request = f"{self._head}{condition}\r\n".encode("latin-1")
        try:
            deadline = asyncio.get_running_loop().time() + self._timeout
            response = await self._pool.exchange(lambda: request, repeatable=True, deadline=deadline)
        except TimeoutError as error:
            raise TextFileUnavailable(f"no complete response within {self._timeout:g} s") from error
        except (ExchangeFailed, OSError) as error:
            raise TextFileUnavailable(str(error)) from error
        if response.status == _NOT_MODIFIED:
            return None
        if response.status != _OK:
            raise TextFileUnavailable(f"HTTP status {response.status}")
        try:
            text = response.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise TextFileUnavailable("the response is not UTF-8 text") from error
        self._etag = response.headers.get("etag")
        return text

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()
