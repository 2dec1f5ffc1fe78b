"""`UsedProofsInRedis`: the proofs that were used at any process, so that none is accepted twice."""

from __future__ import annotations

import math
import secrets
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from servicekit.dpop.used_proofs import ProofsUnavailable
from servicekit.redis_client import close_redis_client, redis_client

if TYPE_CHECKING:
    from collections.abc import Hashable

PREFIX: Final = "mosafe:dpop:"


class UsedProofsInRedis:
    """The digests of used proofs in Redis, each with the HTTP request that used it. Redis forgets them by itself.

    The client connects on its first use.
    """

    def __init__(self, url: str, timeout: float, prefix: str = PREFIX) -> None:
        """Create the store.

        Args:
            url: The URL of the Redis, with credentials if it requires them.
            timeout: How many seconds a command may take.
            prefix: How the keys in Redis begin.
        """
        self._redis = redis_client(url, timeout)
        self._prefix = prefix
        # Distinguishes the HTTP requests of this object from those of other processes.
        self._owner = secrets.token_hex(16)

    async def use(self, digest: bytes, request: Hashable, seconds: float) -> bool:
        """Remember for `seconds` that `request` uses a proof. Return whether no other request has used the proof.

        Args:
            digest: The digest of the proof (`servicekit.dpop.proofs.Proof.digest`).
            request: The HTTP request, as for `ProofMemory.use`.
            seconds: How long the proof can still be accepted, at most.

        Raises:
            ProofsUnavailable: Redis does not respond in time.
        """
        key = self._prefix + digest.hex()
        user = request if isinstance(request, str) else f"{self._owner} {request}"
        try:
            if await self._redis.set(key, user, ex=math.ceil(seconds) + 1, nx=True):
                return True
            return bool(await self._redis.get(key) == user)
        except (RedisError, OSError, TimeoutError) as error:
            # The message of the error may contain the URL with the password.
            raise ProofsUnavailable(type(error).__name__) from error

    async def aclose(self) -> None:
        """Close the connections."""
        await close_redis_client(self._redis)
