"""Keep the connections to one server alive, up to a maximum number, and give them to requests in order of arrival.

An *exchange* is one request and its response. Each exchange holds one permit of a FIFO semaphore. The semaphore has one
permit for each allowed connection, so the pool never has too many connections. An exchange takes the idle connection
that was used last. So connections that are not needed stay idle, and are closed after `idle_seconds`.

The server may close a kept-alive connection just when a request is sent. A query is then sent once more on a new
connection. A mutation must not be sent twice. Servers keep idle connections for longer than one second. So a mutation
uses a kept-alive connection only if the connection was in use within the last second (`FRESH_SECONDS`).
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from servicekit.http1.connection import Connection, ExchangeFailed
from servicekit.http1.fair_permits import FairPermits
from servicekit.http1.http_proxy import open_tunnel
from servicekit.time_limit import TimeLimit
from servicekit.tls.failures import CLOSED_AT_ONCE, tls_failure

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from servicekit.http1.connection import RawResponse
    from servicekit.http1.http_proxy import HttpProxy

FRESH_SECONDS = 1.0
"""A mutation uses a kept-alive connection only if the connection was idle for at most this time."""


class ServerOrigin(NamedTuple):
    """The address of the server to which a pool connects; `tls` is None for plain HTTP.

    If `socket` is the path of a Unix socket, the pool connects to this socket, and `host` and `port` are not used. If
    there is a `proxy`, the pool connects to the proxy, and for TLS through a tunnel of the proxy to the server.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    socket: str | None = None
    proxy: HttpProxy | None = None


class PoolLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one pool.

    Attributes:
        max_connections: The maximum number of connections. Other routers have the same default.
        max_waiting: The maximum number of requests that wait for a connection. If a server hangs, waiting is useless:
            all waiting requests reach their deadlines.
        idle_seconds: A connection that is idle for a longer time is closed. Other routers have the same default.
        max_response_bytes: The maximum size of one response, including its headers.
        connect_seconds: The maximum time to open a connection, with TLS. None for the time limit of the request.
    """

    max_connections: int = 100
    max_waiting: int = 1000
    idle_seconds: float = 50.0
    max_response_bytes: int = 64 * 1024 * 1024
    connect_seconds: float | None = None

    @property
    def max_values(self) -> int:
        """The maximum number of JSON values of one response.

        Small values need much more memory and time than their number of bytes suggests.
        """
        return max(1_000_000, self.max_response_bytes // 64)


class PoolFull(Exception):
    """The request was not sent, because too many requests wait for a connection."""


class NotConnected(ConnectionError):
    """A connection cannot be opened, so the server has not received the request."""


class Pool:
    """The connections to one server, and the requests that wait for a connection.

    `tls_failures` counts the connections that TLS did not allow, by the codes of `servicekit.tls.failures`.
    """

    def __init__(self, origin: ServerOrigin, limits: PoolLimits) -> None:
        self._origin = origin
        self._limits = limits
        self._permits = FairPermits(limits.max_connections)
        self._waiting = 0
        self._open: set[Connection] = set()
        self._idle: deque[Connection] = deque()
        self._closed = False
        self.tls_failures: Counter[str] = Counter()

    async def exchange(self, request: Callable[[], bytes], *, repeatable: bool, deadline: float) -> RawResponse:
        """Send one request and return the response.

        Args:
            request: Returns the bytes of the whole request. It is called just before each attempt to send the request,
                because the bytes contain the remaining time, and a signature may be used only once.
            repeatable: Whether the request may be sent a second time if the server closed the kept-alive connection.
            deadline: The time by which the response must be complete, on the event loop's clock. Waiting for a free
                connection counts too.

        Raises:
            PoolFull: All connections are in use, and too many requests wait for a connection.
            ExchangeFailed: The connection broke before the response was complete, or the response is malformed.
            NotConnected: A connection to the server cannot be opened.
            TimeoutError: No complete response before `deadline`.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now >= deadline:
            raise TimeoutError
        if not self._permits.take():
            await self._wait_for_permit(deadline)
        try:
            connection = self._take_idle(now, self._limits.idle_seconds if repeatable else FRESH_SECONDS)
            if connection is not None:
                try:
                    return await connection.begin(request(), deadline)
                except ExchangeFailed as failure:
                    if failure.response_begun or not repeatable:
                        raise
                finally:
                    connection.end()
            connection = await self._connect(loop, deadline)
            return await self._first_exchange(connection, request(), deadline)
        finally:
            if connection is not None and not connection.closed:
                connection.idle_since = loop.time()
                self._idle.append(connection)
            self._permits.release()

    def close(self) -> None:
        """Close every connection. Exchanges that are running fail."""
        self._closed = True
        for connection in list(self._open):
            connection.close()

    async def _first_exchange(self, connection: Connection, request: bytes, deadline: float) -> RawResponse:
        """Send the first request of a new connection."""
        try:
            return await connection.begin(request, deadline)
        except ExchangeFailed as failure:
            if self._origin.tls is None or failure.response_begun:
                raise
            raise ExchangeFailed(f"{failure}; {CLOSED_AT_ONCE}", response_begun=False) from failure
        finally:
            connection.end()

    async def _wait_for_permit(self, deadline: float) -> None:
        if self._waiting >= self._limits.max_waiting:
            raise PoolFull(f"{self._waiting} requests wait for a connection")
        self._waiting += 1
        try:
            with TimeLimit(deadline):
                await self._permits.wait()
        finally:
            self._waiting -= 1

    def _take_idle(self, now: float, max_idle_seconds: float) -> Connection | None:
        idle = self._idle
        while idle and (idle[0].closed or now - idle[0].idle_since > self._limits.idle_seconds):
            idle.popleft().close()
        while idle:
            connection = idle.pop()
            if not connection.closed and now - connection.idle_since <= max_idle_seconds:
                return connection
            connection.close()
        return None

    async def _connect(self, loop: asyncio.AbstractEventLoop, deadline: float) -> Connection:
        max_seconds = self._limits.connect_seconds
        own = loop.time() + max_seconds if max_seconds is not None else deadline
        try:
            with TimeLimit(min(own, deadline)):
                connection = await self._open_connection(loop)
        except TimeoutError as error:
            if loop.time() < deadline:
                raise NotConnected(f"no connection within {max_seconds:g} s") from error
            raise
        except OSError as error:
            failure = tls_failure(error)
            if failure is not None:
                self.tls_failures[failure.code] += 1
            raise NotConnected(str(failure or error)) from error
        if self._closed:
            connection.close()
        if not connection.closed:
            self._open.add(connection)
        return connection

    async def _open_connection(self, loop: asyncio.AbstractEventLoop) -> Connection:
        host, port, tls, socket, proxy = self._origin

        def connection() -> Connection:
            return Connection(loop, max_response_bytes=self._limits.max_response_bytes, on_close=self._open.discard)

        if socket is not None:
            _, opened = await loop.create_unix_connection(connection, socket)
        elif proxy is not None and tls is not None:
            opened = await open_tunnel(proxy, host, port, tls, connection)
        elif proxy is not None:
            _, opened = await loop.create_connection(connection, proxy.host, proxy.port)
        else:
            server_hostname = host if tls is not None else None
            _, opened = await loop.create_connection(connection, host, port, ssl=tls, server_hostname=server_hostname)
        return opened
