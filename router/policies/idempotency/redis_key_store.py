"""A store of keys in Redis. Several workers and routers can share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from router.policies.idempotency.key_store import Entry, KeyStoreUnavailable
from servicekit.redis_client import close_redis_client, redis_client

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from router.settings.sections.idempotency import IdempotencyRedis


class RedisKeys:
    """A `KeyStore` that connects to Redis on first use."""

    def __init__(self, settings: IdempotencyRedis, ttl: float) -> None:
        self._redis = redis_client(settings.url.get_secret_value(), settings.timeout)
        self._prefix = settings.prefix
        self._milliseconds = max(1, round(ttl * 1000))

    async def begin(self, key: str, entry: Entry) -> Entry | None:
        """See `KeyStore.begin`."""
        name, text = self._prefix + key, entry.to_text()
        while not await _used(self._redis.set(name, text, nx=True, px=self._milliseconds)):
            found = await _used(self._redis.get(name))
            if isinstance(found, str):  # otherwise the entry has expired since `set`
                return Entry.of_text(found)
        return None

    async def finish(self, key: str, entry: Entry) -> None:
        """See `KeyStore.finish`."""
        await _used(self._redis.set(self._prefix + key, entry.to_text(), px=self._milliseconds))

    async def forget(self, key: str) -> None:
        """See `KeyStore.forget`."""
        await _used(self._redis.delete(self._prefix + key))

    async def aclose(self) -> None:
        """See `KeyStore.aclose`."""
        await close_redis_client(self._redis)


async def _used(command: Awaitable[object]) -> object:
    """Run a command, and return its result.

    Raises:
        KeyStoreUnavailable: Redis does not respond. The message has only the class of the error, because the error's
            own message may contain the password.
    """
    try:
        return await command
    except (RedisError, OSError, TimeoutError, UnicodeDecodeError) as error:
        raise KeyStoreUnavailable(type(error).__name__) from error
