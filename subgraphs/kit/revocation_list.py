"""Opens the list of revoked sessions: in Redis with REDIS_URL, otherwise in the data directory."""

from __future__ import annotations

from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

from bank.revocation import SqliteRevocationList
from servicekit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bank.redis_revocation import RedisRevocationList
    from subgraphs.kit.settings import SubgraphSettings


@asynccontextmanager
async def open_revocation_list(
    settings: SubgraphSettings,
) -> AsyncIterator[SqliteRevocationList | RedisRevocationList]:
    """Open the list, and close it at the end of the block. Redis is first needed for the first look-up.

    Raises:
        ConfigurationError: the URL of the Redis has an unknown option, or an option with a wrong value.
        StartupError: the file of the list cannot be opened or created, or is damaged.
    """
    if settings.redis_url is None:
        with closing(SqliteRevocationList(settings.data_dir)) as listed:
            yield listed
        return
    from bank.redis_revocation import RedisRevocationList  # noqa: PLC0415 - redis imports slowly

    try:
        shared = RedisRevocationList(settings.redis_url.get_secret_value(), settings.issuer)
    except (ValueError, TypeError):
        # The message of the original error may contain the password, so it is not used.
        raise ConfigurationError("REDIS_URL", "an option of the URL is not known or has a wrong value") from None
    try:
        yield shared
    finally:
        await shared.aclose()
