"""A limiter in Redis. Several workers and routers can share it.

Redis decides about all rules of a request in one script (`servicekit.rate_limit_script`).

If Redis does not respond, the limiter sends no command for `PAUSE_SECONDS`. So only a few requests wait for Redis.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from router.policies.rate_limits.limiter import Decision, LimiterUnavailable
from servicekit.rate_limit_script import Operation, RateLimitScript
from servicekit.rate_limit_script import Use as ScriptUse
from servicekit.redis_client import close_redis_client, redis_client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.policies.rate_limits.limiter import Use
    from router.settings.sections.rate_limits import RateLimitRedis

PAUSE_SECONDS: Final = 1.0
"""After an error, the limiter sends no commands to Redis for this time."""


class RedisLimiter:
    """A `Limiter` that connects to Redis on first use."""

    def __init__(self, settings: RateLimitRedis) -> None:
        self._redis = redis_client(settings.url.get_secret_value(), settings.timeout, decode_responses=False)
        self._script = RateLimitScript(self._redis)
        self._prefix = settings.prefix
        self._paused_until = 0.0

    async def take(self, uses: Sequence[Use]) -> list[Decision]:
        """See `Limiter.take`."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._paused_until:
            raise LimiterUnavailable("paused after an error")
        counts = [ScriptUse(self._prefix + use.key, use.seconds, use.quota.max_debt) for use in uses]
        try:
            found = await self._script.run(Operation.TAKE, counts)
        except (RedisError, OSError, TimeoutError) as error:
            self._paused_until = loop.time() + PAUSE_SECONDS
            # The message of the error is not used, because it may contain the URL with the password.
            raise LimiterUnavailable(type(error).__name__) from error
        return [Decision(use.quota, wait, debt) for use, (wait, debt) in zip(uses, found, strict=True)]

    async def aclose(self) -> None:
        """See `Limiter.aclose`."""
        await close_redis_client(self._redis)
