"""`UsedProofsInRedis`: the proofs that were used at any worker or router, so that none is accepted twice."""

from __future__ import annotations

import math
import secrets
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from router.policies.authentication.used_proofs import ProofsUnavailable
from servicekit.redis_client import close_redis_client, redis_client

if TYPE_CHECKING:
    from collections.abc import Hashable

    from router.settings.sections.dpop import DpopRedis


class UsedProofsInRedis:
    """The digests of used proofs in Redis, each with the HTTP request that used it. Redis forgets them by itself.

    The client connects on its first use.
    """

    def __init__(self, settings: DpopRedis) -> None:
        self._redis = redis_client(settings.url.get_secret_value(), settings.timeout)
        self._prefix = settings.prefix
        # Distinguishes the HTTP requests of this object from those of other workers and routers.
        self._owner = secrets.token_hex(16)

    async def use(self, digest: bytes, request: Hashable, seconds: float) -> bool:
        """Remember for `seconds` that `request` uses a proof. Return whether no other request has used the proof.

        Args:
            digest: The digest of the proof (`servicekit.dpop_proofs.Proof.digest`).
            request: The HTTP request, as for `UsedProofs.use`.
            seconds: How long the proof can still be accepted, at most.

        Raises:
            ProofsUnavailable: Redis does not respond in time.
        """
        key, user = self._prefix + digest.hex(), f"{self._owner} {request}"
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
