"""Create a client of a Redis, with the limits that all uses of Redis in the router share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

if TYPE_CHECKING:
    from pydantic import SecretStr

MAX_CONNECTIONS: Final = 20
"""The maximum number of connections of a client.

More connections would not be faster, because Redis executes one command after the other.
"""


def redis_client(url: SecretStr, timeout: float, *, decode_responses: bool) -> Redis:
    """Return a client that connects on its first command.

    Args:
        url: The URL of the Redis.
        timeout: How many seconds a command waits for a connection, for connecting, and for each read and write.
        decode_responses: Whether the results of commands are text and not bytes.
    """
    pool = BlockingConnectionPool.from_url(
        url.get_secret_value(),
        decode_responses=decode_responses,
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
