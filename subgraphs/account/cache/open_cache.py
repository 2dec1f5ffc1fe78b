"""Opens the cache of accounts for a service."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from servicekit.errors import ConfigurationError
from subgraphs.account.cache.account_cache import AccountCache
from subgraphs.account.cache.cache_permits import CachePermits
from subgraphs.account.cache.redis_entries import RedisEntries
from subgraphs.account.cache.sealed_values import SealedValues

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pydantic import SecretStr

    from bank.service_credential import ServiceCredential
    from subgraphs.account.store.protocol import AccountStore


@asynccontextmanager
async def open_cache(url: SecretStr, store: AccountStore, credential: ServiceCredential) -> AsyncIterator[AccountCache]:
    """Open the cache of the accounts in `store`, and close it at the end of the block.

    The connection to Redis is opened on first use, so a Redis that is away does not stop the start.

    Raises:
        ConfigurationError: the URL has an unknown option, or an option with a wrong value.
    """
    store_id = (await store.identity()).id
    try:
        entries = RedisEntries(url.get_secret_value(), store_id)
    except (ValueError, TypeError):
        # The message of the original error may contain the password, so it is not used.
        raise ConfigurationError("REDIS_URL", "an option of the URL is not known or has a wrong value") from None
    cache = AccountCache(entries, CachePermits(store), SealedValues(credential.derive_key("account cache")))
    try:
        yield cache
    finally:
        await cache.aclose()
