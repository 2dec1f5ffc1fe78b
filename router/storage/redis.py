"""A store in a Redis that several routers share.

A Redis that is down or slow costs each request its timeout once, then nothing for `REST_SECONDS`: in that time the
store answers as an empty one without asking.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from router.settings.sections.apq import Redis as RedisSettings

REST_SECONDS = 1.0
"""Short enough that a restarted Redis is in use at once, long enough that a dead one costs little."""
MAX_CONNECTIONS = 20
"""Lookups take well under a millisecond; more at once would only queue inside Redis, which has one thread."""

_log = structlog.stdlib.get_logger("storage")


class RedisStore:
    """A `TextStore`. Nothing is connected before the first use."""

    def __init__(self, settings: RedisSettings) -> None:
        pool = BlockingConnectionPool.from_url(
            settings.url.get_secret_value(),
            decode_responses=True,
            max_connections=MAX_CONNECTIONS,
            timeout=settings.timeout,
            socket_timeout=settings.timeout,
            socket_connect_timeout=settings.timeout,
            retry=Retry(NoBackoff(), 1),  # once, for a connection that died while it was idle
        )
        self._redis = Redis(connection_pool=pool)
        self._prefix = settings.prefix
        self._seconds = max(1, round(settings.ttl))
        self._rests_until = 0.0

    async def get(self, key: str) -> str | None:
        """See `TextStore.get`."""
        if self._rests():
            return None
        try:
            found = await self._redis.get(self._prefix + key)
        except (RedisError, OSError, TimeoutError, UnicodeDecodeError) as error:
            self._rest(error)
            return None
        return found if isinstance(found, str) else None

    async def put(self, key: str, text: str) -> None:
        """See `TextStore.put`."""
        if self._rests():
            return
        try:
            await self._redis.set(self._prefix + key, text, ex=self._seconds)
        except (RedisError, OSError, TimeoutError) as error:
            self._rest(error)

    async def aclose(self) -> None:
        """See `TextStore.aclose`."""
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    def _rests(self) -> bool:
        return asyncio.get_running_loop().time() < self._rests_until

    def _rest(self, error: Exception) -> None:
        self._rests_until = asyncio.get_running_loop().time() + REST_SECONDS
        # Never the message: it has the address, which may hold a credential.
        _log.warning("Redis does not answer, doing without", cause=type(error).__name__, seconds=REST_SECONDS)
