"""Opens the store of the auth service's rate limits: in Redis with REDIS_URL, otherwise in memory."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from servicekit.errors import ConfigurationError
from servicekit.rate_limits import MemoryRateLimitStore
from subgraphs.auth.sealing import derive_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from servicekit.rate_limits import RateLimitStore
    from subgraphs.auth.settings import AuthSettings

# The purpose of the key of the digests of Redis' keys (`subgraphs.auth.sealing.derive_key`).
KEY_PURPOSE: Final = "rate limits"


@asynccontextmanager
async def open_limit_store(settings: AuthSettings) -> AsyncIterator[RateLimitStore]:
    """Open the store, and close it at the end of the block. Redis is first needed when the first event is counted.

    Raises:
        ConfigurationError: the URL has an unknown option, or an option with a wrong value.
        StartupError: the secret of the keys cannot be read or created.
    """
    if settings.redis_url is None:
        yield MemoryRateLimitStore()
        return
    # redis imports slowly
    from servicekit.redis_rate_limits import RedisRateLimitStore, SharedRateLimitStore  # noqa: PLC0415

    # All processes of the service have this secret, and without it nobody can find the key of an e-mail address.
    secret = derive_key(settings.key_encryption_secret(), KEY_PURPOSE)
    try:
        shared = RedisRateLimitStore(settings.redis_url.get_secret_value(), secret)
    except (ValueError, TypeError):
        # The message of the original error may contain the password, so it is not used.
        raise ConfigurationError("REDIS_URL", "an option of the URL is not known or has a wrong value") from None
    store = SharedRateLimitStore(shared, settings.limits.mode)
    try:
        yield store
    finally:
        await store.aclose()
