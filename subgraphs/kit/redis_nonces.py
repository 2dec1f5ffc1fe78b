"""The nonces of signed requests in Redis, for a service that runs in several processes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from servicekit.http_signatures.seen_nonces import NoncesUnavailable
from servicekit.redis_client import close_redis_client, redis_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicekit.http_signatures.request_verifier import VerifiedHead

PREFIX: Final = "mosafe:nonce:"


class RedisNonces:
    """A `SeenNonces` in Redis. The connection is opened on first use. Redis forgets each nonce by itself."""

    def __init__(self, url: str, service: str, *, timeout: float = 1.0, clock: Callable[[], float] = time.time) -> None:
        """Create the store.

        Args:
            url: the URL of the Redis.
            service: the name of the service, whose nonces are kept apart from the nonces of other services.
            timeout: how many seconds connecting and each command may take.
            clock: returns Unix seconds.
        """
        self._redis = redis_client(url, timeout)
        self._prefix = f"{PREFIX}{service}:"
        self._clock = clock

    async def is_first(self, head: VerifiedHead) -> bool:
        # A little more, because the verifier has compared the clock with the end of the signature a moment ago.
        seconds = max(1, int(head.ends - self._clock()) + 2)
        try:
            was_set = await self._redis.set(f"{self._prefix}{head.nonce}", "", ex=seconds, nx=True)
        except (RedisError, OSError, TimeoutError) as error:
            # The message of the error may contain the URL with the password.
            raise NoncesUnavailable(type(error).__name__) from error
        return was_set is not None

    async def aclose(self) -> None:
        await close_redis_client(self._redis)
