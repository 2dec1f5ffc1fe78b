"""Connections to one origin: kept alive, bounded, handed out in the order they were asked for.

A permit (FIFO semaphore) is held for each exchange; idle connections exist only while permits are free, so their sum
never exceeds the bound. The connection used last is used first: the others grow old and are dropped.

A kept-alive connection may be closed by the server in the very moment it is used again. Where the exchange may be
repeated, that is harmless: it is tried once more on a connection of its own. Where it may not (a mutation), only a
connection used within the last second is taken again, which no server in its senses closes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from router.transport.http1.connection import Connection, ExchangeFailed

if TYPE_CHECKING:
    import ssl

    from router.transport.http1.connection import RawResponse

FRESH_SECONDS = 1.0
"""How recently a connection must have been used to carry an exchange that cannot be repeated."""


class Origin(NamedTuple):
    """Where connections lead; `tls` is None for plain HTTP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """Bounds of one origin's pool; 100 connections and 50 s are what other routers chose.

    `max_response_bytes` is for one response with its headers.
    """

    max_connections: int = 100
    idle_seconds: float = 50.0
    max_response_bytes: int = 64 * 1024 * 1024


class Pool:
    """The connections to one origin."""

    def __init__(self, origin: Origin, limits: PoolLimits) -> None:
        self._origin = origin
        self._limits = limits
        self._permits = asyncio.Semaphore(limits.max_connections)
        self._open: set[Connection] = set()
        self._idle: deque[Connection] = deque()
        self._closed = False

    async def exchange(self, request: bytes, *, repeatable: bool, seconds: float) -> RawResponse:
        """Carry one request within `seconds`, the wait for a permit when all connections are busy included.

        Raises:
            ExchangeFailed: no response (`repeatable` ones were tried again where that can help).
            OSError: no connection could be made.
            TimeoutError: no whole response in time.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        deadline = now + seconds
        await self._permit(deadline)
        try:
            connection = self._take_idle(now, self._limits.idle_seconds if repeatable else FRESH_SECONDS)
            if connection is not None:
                try:
                    return await connection.exchange(request, deadline)
                except ExchangeFailed as failure:
                    if failure.response_begun or not repeatable:
                        raise
            connection = await self._connect(loop, deadline)
            return await connection.exchange(request, deadline)
        finally:
            if connection is not None and not connection.closed:
                connection.idle_since = loop.time()
                self._idle.append(connection)
            self._permits.release()

    def close(self) -> None:
        """Close every connection; exchanges in flight fail."""
        self._closed = True
        for connection in list(self._open):
            connection.close()

    async def _permit(self, deadline: float) -> None:
        if not self._permits.locked():
            await self._permits.acquire()  # there is one: this does not wait
            return
        async with asyncio.timeout_at(deadline):
            await self._permits.acquire()

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
        host, port, tls = self._origin
        async with asyncio.timeout_at(deadline):
            _, connection = await loop.create_connection(
                lambda: Connection(
                    loop, max_response_bytes=self._limits.max_response_bytes, on_close=self._open.discard
                ),
                host,
                port,
                ssl=tls,
                server_hostname=host if tls is not None else None,
            )
        if self._closed:
            connection.close()
        if not connection.closed:
            self._open.add(connection)
        return connection
