"""Counts events in Redis, so that several processes share their limits, and decides what happens without Redis.

If Redis does not respond, the `Mode` of a limit decides about an event. The first failure and the end of a failure are
logged, and all failures are counted.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

import structlog
from redis.exceptions import RedisError

from servicekit.errors import Unavailable
from servicekit.rate_limit_script import Operation, RateLimitScript, Use
from servicekit.rate_limits import TURN_KEPT_SECONDS, MemoryRateLimitStore, Mode, Taken
from servicekit.redis_client import close_redis_client, redis_client
from servicekit.redis_outage import RedisOutage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from servicekit.rate_limits import RateLimit, RateLimitStore

T = TypeVar("T")

PREFIX: Final = "mosafe:limit:"
# How long connecting and each command may take. Counting in Redis takes less than a millisecond.
TIMEOUT_SECONDS: Final = 0.25
# How long one call may take, including a second attempt on a new connection.
CALL_SECONDS: Final = 0.5
# After an error, no command is sent for this time. So few requests wait for a Redis that does not respond.
PAUSE_SECONDS: Final = 1.0

_log = structlog.stdlib.get_logger("rate limits")


class CountsUnavailable(Exception):
    """Redis did not do what it was asked to do. The message contains no URL."""


class RedisRateLimitStore:
    """A `RateLimitStore` in Redis 6.2 or later. Each method raises CountsUnavailable if Redis fails.

    The connection is opened on first use. Keys are keyed digests, so that Redis has no e-mail address.
    """

    def __init__(self, url: str, secret: bytes) -> None:
        """Create the store.

        Args:
            url: the URL of the Redis.
            secret: the key of the digests. All processes that share the counts must have the same.

        Raises:
            ValueError: the URL has an option with a wrong value.
            TypeError: the URL has an unknown option.
        """
        self._redis = redis_client(url, TIMEOUT_SECONDS, decode_responses=False)
        self._script = RateLimitScript(self._redis)
        self._secret = hashlib.sha256(secret).digest()

    async def take(self, limit: RateLimit, key: str) -> Taken:
        wait, debt = await self._run(Operation.TAKE, self._use(limit, key))
        return Taken(wait, debt / limit.interval)

    async def add(self, limit: RateLimit, key: str) -> float:
        _, debt = await self._run(Operation.ADD, self._use(limit, key))
        return debt / limit.interval

    async def give_back(self, limit: RateLimit, key: str) -> None:
        await self._run(Operation.GIVE_BACK, self._use(limit, key))

    async def level(self, limit: RateLimit, key: str) -> float:
        _, debt = await self._run(Operation.LEVEL, self._use(limit, key))
        return debt / limit.interval

    async def wait_turn(self, name: str, key: str, seconds: float) -> float:
        wait, _ = await self._run(Operation.WAIT_TURN, Use(self._place(name, key), seconds, TURN_KEPT_SECONDS))
        return wait

    def details(self) -> Mapping[str, object]:
        return {}

    async def aclose(self) -> None:
        await close_redis_client(self._redis)

    async def _run(self, operation: Operation, use: Use) -> tuple[float, float]:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                (counted,) = await self._script.run(operation, [use])
        except (RedisError, OSError, TimeoutError) as error:
            # The message of the error may contain the URL with the password.
            raise CountsUnavailable(type(error).__name__) from error
        return counted

    def _use(self, limit: RateLimit, key: str) -> Use:
        return Use(self._place(limit.name, key), limit.interval, limit.seconds, limit.doubling or 0.0)

    def _place(self, name: str, key: str) -> str:
        text = key.encode("utf-8", "surrogatepass")
        return f"{PREFIX}{name}:{hashlib.blake2b(text, digest_size=16, key=self._secret).hexdigest()}"


class SharedRateLimitStore:
    """A `RateLimitStore` in Redis that continues without Redis, as the mode of each limit says.

    Events that were counted in memory are not counted in Redis later.
    """

    def __init__(
        self, shared: RedisRateLimitStore, modes: Callable[[str], Mode], *, local: RateLimitStore | None = None
    ) -> None:
        """Create the store.

        Args:
            shared: the counts in Redis.
            modes: returns the mode of the limit with a name.
            local: counts while Redis is away; by default a store in memory.
        """
        self._shared = shared
        self._modes = modes
        self._local = local or MemoryRateLimitStore()
        self._outage = RedisOutage()

    @property
    def failures(self) -> int:
        """How often Redis has failed since the start."""
        return self._outage.failures

    async def take(self, limit: RateLimit, key: str) -> Taken:
        return await self._try(
            limit.name, self._shared.take(limit, key), lambda: self._local.take(limit, key), Taken(0.0, 0.0)
        )

    async def add(self, limit: RateLimit, key: str) -> float:
        return await self._try(limit.name, self._shared.add(limit, key), lambda: self._local.add(limit, key), 0.0)

    async def give_back(self, limit: RateLimit, key: str) -> None:
        # If the limit is closed, the event stays counted until its debt has fallen. This does not refuse a request.
        with suppress(Unavailable):
            await self._try(
                limit.name, self._shared.give_back(limit, key), lambda: self._local.give_back(limit, key), None
            )

    async def level(self, limit: RateLimit, key: str) -> float:
        return await self._try(limit.name, self._shared.level(limit, key), lambda: self._local.level(limit, key), 0.0)

    async def wait_turn(self, name: str, key: str, seconds: float) -> float:
        return await self._try(
            name, self._shared.wait_turn(name, key, seconds), lambda: self._local.wait_turn(name, key, seconds), 0.0
        )

    def details(self) -> Mapping[str, object]:
        """Return for `/health/ready` whether Redis counts now, and how often it has failed since the start."""
        return {"shared": not self._outage.is_failing(), "failures": self.failures}

    async def aclose(self) -> None:
        await self._shared.aclose()

    async def _try(
        self,
        name: str,
        shared: Coroutine[object, object, T],
        local: Callable[[], Coroutine[object, object, T]],
        if_open: T,
    ) -> T:
        """Return the result of `shared`. If Redis is away, do what the mode of the limit `name` says."""
        if self._outage.is_paused():
            shared.close()
        else:
            try:
                result = await shared
            except CountsUnavailable as error:
                if self._outage.failed(PAUSE_SECONDS):
                    _log.warning(
                        "the limits are not shared, because Redis is away", variable="REDIS_URL", cause=str(error)
                    )
            else:
                if ended := self._outage.succeeded():
                    _log.info("the limits are shared again", failures=ended)
                return result
        match self._modes(name):
            case Mode.OPEN:
                return if_open
            case Mode.CLOSED:
                raise Unavailable
            case Mode.LOCAL:
                return await local()
