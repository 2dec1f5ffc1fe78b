"""A limiter in Redis. Several workers and routers can share it.

Redis decides about all rules of a request in one script, and runs no other command meanwhile. The script reads the
clock of Redis, so the clocks of routers may differ. Times are in microseconds, which a Lua number holds exactly.

If Redis does not respond, the limiter sends no command for `PAUSE_SECONDS`. So only a few requests wait for Redis.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from router.policies.rate_limits.limiter import Decision, LimiterUnavailable
from servicekit.redis_client import close_redis_client, redis_client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.policies.rate_limits.limiter import Use
    from router.settings.sections.rate_limits import RateLimitRedis

PAUSE_SECONDS: Final = 1.0
"""After an error, the limiter sends no commands to Redis for this time."""

# KEYS has one key for each use. ARGV has, for each use, the debt that the use adds and the largest debt that its rule
# allows. The script returns, for each use, the wait and the debt. All times are in microseconds.
_SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local allowed, debts, result = true, {}, {}
for i, key in ipairs(KEYS) do
  local paid_at = tonumber(redis.call('GET', key) or now)
  debts[i] = math.max(0, paid_at - now)
  local wait = debts[i] + ARGV[2 * i - 1] - ARGV[2 * i]
  if wait > 1 then allowed = false else wait = 0 end
  result[2 * i - 1] = wait
end
for i, key in ipairs(KEYS) do
  if allowed then
    debts[i] = debts[i] + ARGV[2 * i - 1]
    redis.call('SET', key, string.format('%.0f', now + debts[i]), 'PX', math.ceil(debts[i] / 1000) + 1)
  end
  result[2 * i] = debts[i]
end
return result
"""
_MICROSECONDS: Final = 1_000_000


class RedisLimiter:
    """A `Limiter` that connects to Redis on first use."""

    def __init__(self, settings: RateLimitRedis) -> None:
        self._redis = redis_client(settings.url.get_secret_value(), settings.timeout, decode_responses=False)
        self._script = self._redis.register_script(_SCRIPT)
        self._prefix = settings.prefix
        self._paused_until = 0.0

    async def take(self, uses: Sequence[Use]) -> list[Decision]:
        """See `Limiter.take`."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._paused_until:
            raise LimiterUnavailable("paused after an error")
        keys = [self._prefix + use.key for use in uses]
        numbers = [round(n * _MICROSECONDS) for use in uses for n in (use.seconds, use.quota.most_debt)]
        try:
            found: Any = await self._script(keys=keys, args=numbers)
        except (RedisError, OSError, TimeoutError) as error:
            self._paused_until = loop.time() + PAUSE_SECONDS
            # The message of the error is not used, because it may contain the URL with the password.
            raise LimiterUnavailable(type(error).__name__) from error
        return [
            Decision(use.quota, found[2 * i] / _MICROSECONDS, found[2 * i + 1] / _MICROSECONDS)
            for i, use in enumerate(uses)
        ]

    async def aclose(self) -> None:
        """See `Limiter.aclose`."""
        await close_redis_client(self._redis)
