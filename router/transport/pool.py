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

from .connection import Connection, ExchangeFailed, MalformedExchange

if TYPE_CHECKING:
    import ssl

    from .connection import RawResponse

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
        self._idle: deque[Connection] = deque()
        self._busy: set[Connection] = set()
        self._closed = False

    async def exchange(self, request: bytes, *, repeatable: bool) -> RawResponse:
        """Carry one request; waits for a permit when all connections are busy.

        Raises:
            ExchangeFailed: no response (`repeatable` ones were tried again where that can help).
            OSError: no connection could be made.
        """
        async with self._permits:
            connection = self._take_idle(FRESH_SECONDS if not repeatable else self._limits.idle_seconds)
            if connection is not None:
                try:
                    return await self._run(connection, request)
                except ExchangeFailed as failure:
                    if failure.response_begun or isinstance(failure, MalformedExchange) or not repeatable:
                        raise
            return await self._run(await self._connect(), request)

    def close(self) -> None:
        """Close every connection; exchanges in flight fail."""
        self._closed = True
        for connection in [*self._idle, *self._busy]:
            connection.close()
        self._idle.clear()

    async def _run(self, connection: Connection, request: bytes) -> RawResponse:
        self._busy.add(connection)
        try:
            return await connection.exchange(request)
        finally:
            self._busy.discard(connection)
            if self._closed:
                connection.close()
            elif not connection.closed:
                connection.idle_since = asyncio.get_running_loop().time()
                self._idle.append(connection)

    def _take_idle(self, max_idle_seconds: float) -> Connection | None:
        now = asyncio.get_running_loop().time()
        self._drop_expired(now)
        while self._idle:
            connection = self._idle.pop()
            if connection.closed:
                continue
            if now - connection.idle_since <= max_idle_seconds:
                return connection
            connection.close()
        return None

    def _drop_expired(self, now: float) -> None:
        while self._idle and (self._idle[0].closed or now - self._idle[0].idle_since > self._limits.idle_seconds):
            self._idle.popleft().close()

    async def _connect(self) -> Connection:
        if self._closed:
            raise ExchangeFailed("the pool is closed", response_begun=False)
        loop = asyncio.get_running_loop()
        host, port, tls = self._origin
        _, connection = await loop.create_connection(
            lambda: Connection(loop, max_response_bytes=self._limits.max_response_bytes),
            host,
            port,
            ssl=tls,
            server_hostname=host if tls is not None else None,
        )
        return connection
