"""A store of texts in a Redis that several routers share.

If Redis is down or slow, a command fails after a timeout. For `PAUSE_SECONDS` after a failed command, the store sends
no commands and behaves like an empty store. So only the requests that already wait for Redis are slow.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError

from servicekit.redis_client import close_redis_client, redis_client

if TYPE_CHECKING:
    from router.settings.sections.apq import Redis as RedisSettings

PAUSE_SECONDS = 1.0
"""How long the store sends no commands after an error.

The pause is short, so that the store uses a restarted Redis soon. It is long enough that only few requests wait for a
stopped Redis.
"""

_log = structlog.stdlib.get_logger("storage")


class RedisStore:
    """A `TextStore` that connects to Redis on first use."""

    def __init__(self, settings: RedisSettings) -> None:
        self._redis = redis_client(settings.url.get_secret_value(), settings.timeout)
        self._prefix = settings.prefix
        self._seconds = max(1, round(settings.ttl))
        self._paused_until = 0.0

    async def get(self, key: str) -> str | None:
        """See `TextStore.get`."""
        if self._is_paused():
            return None
        try:
            found = await self._redis.get(self._prefix + key)
        except (RedisError, OSError, TimeoutError, UnicodeDecodeError) as error:
            self._pause(error)
            return None
        return found if isinstance(found, str) else None

    async def put(self, key: str, text: str) -> None:
        """See `TextStore.put`."""
        if self._is_paused():
            return
        try:
            await self._redis.set(self._prefix + key, text, ex=self._seconds)
        except (RedisError, OSError, TimeoutError) as error:
            self._pause(error)

    async def aclose(self) -> None:
        """See `TextStore.aclose`."""
        await close_redis_client(self._redis)

    def _is_paused(self) -> bool:
        return asyncio.get_running_loop().time() < self._paused_until

    def _pause(self, error: Exception) -> None:
        self._paused_until = asyncio.get_running_loop().time() + PAUSE_SECONDS
        # Do not log the message of the error, because it may contain the Redis URL with the password.
        _log.warning("redis unavailable, store paused", cause=type(error).__name__, seconds=PAUSE_SECONDS)
