"""Creates a client of the Redis of `REDIS_URL`, with the limits that all uses of Redis in a service share."""

from __future__ import annotations

from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

# More connections would not be faster, because Redis executes one command after the other.
MAX_CONNECTIONS: Final = 20


def redis_client(url: str, timeout: float) -> Redis:
    """Return a client that connects on its first command.

    Args:
        url: the URL of the Redis.
        timeout: how many seconds a command waits for a connection, for connecting, and for each read and write.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        decode_responses=True,
        max_connections=MAX_CONNECTIONS,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 1),  # retry once: Redis may have closed an idle connection
    )
    return Redis(connection_pool=pool)


async def close_redis_client(client: Redis) -> None:
    """Close a client and its connections."""
    await client.aclose()
    await client.connection_pool.disconnect()
