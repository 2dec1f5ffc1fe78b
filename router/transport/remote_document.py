"""One document at one address, asked for again and again (RFC 9110 §13: conditional requests)."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from router.transport.http1.connection import ExchangeFailed
from router.transport.http1.pool import Origin, Pool, PoolLimits

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_PORTS = {"http": 80, "https": 443}
_OK, _NOT_MODIFIED = 200, 304


class DocumentUnavailable(Exception):
    """It could not be had; the text says why, for logs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`headers` go with each request; `timeout` in seconds is for one answer; `tls` replaces the system's trust."""

    url: str
    headers: Mapping[str, str]
    timeout: float
    tls: ssl.SSLContext | None = None


class RemoteDocument:
    """What lies at an address. Redirects are not followed: a credential must not travel where nobody sent it."""

    def __init__(self, address: Address) -> None:
        url = urlsplit(address.url)
        host = url.hostname or ""
        tls = (address.tls or ssl.create_default_context()) if url.scheme == "https" else None
        self._pool = Pool(Origin(host, url.port or _DEFAULT_PORTS[url.scheme], tls), PoolLimits(max_connections=1))
        self._timeout = address.timeout
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        own = {"host": url.netloc, "accept": "*/*", **address.headers}
        self._head = "".join((f"GET {target} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in own.items())))
        self._etag: str | None = None

    async def read(self) -> str | None:
        """Its text, or None when the server says that it is still the one read last.

        Raises:
            DocumentUnavailable: no connection, no answer in time, an answer other than 200 or 304, or not UTF-8.
        """
        condition = f"if-none-match: {self._etag}\r\n" if self._etag is not None else ""
        request = f"{self._head}{condition}\r\n".encode("latin-1")
        try:
            answer = await self._pool.exchange(request, repeatable=True, seconds=self._timeout)
        except TimeoutError as error:
            raise DocumentUnavailable(f"no whole answer within {self._timeout:g} s") from error
        except (ExchangeFailed, OSError) as error:
            raise DocumentUnavailable(str(error)) from error
        if answer.status == _NOT_MODIFIED:
            return None
        if answer.status != _OK:
            raise DocumentUnavailable(f"HTTP status {answer.status}")
        try:
            text = answer.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DocumentUnavailable("the answer is not UTF-8 text") from error
        self._etag = answer.headers.get("etag")
        return text

    def close(self) -> None:
        """Let go of the connection."""
        self._pool.close()
