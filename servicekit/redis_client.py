"""Creates a client of a Redis, with the limits that all uses of Redis in the router and the services share.

Only the extras that need a Redis install the package `redis`. So other modules of this package do not import this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio.connection import AbstractConnection

MAX_CONNECTIONS: Final = 20
"""The maximum number of connections of a client.

More connections would not be faster, because Redis executes one command after the other.
"""


def redis_client(
    url: str,
    timeout: float,
    *,
    decode_responses: bool = True,
    on_connect: Callable[[AbstractConnection], Awaitable[None]] | None = None,
) -> Redis:
    """Return a client that connects on its first command.

    Args:
        url: the URL of the Redis.
        timeout: how many seconds a command waits for a connection, for connecting, and for each read and write.
        decode_responses: whether the results of commands are text and not bytes.
        on_connect: is called with each new connection, and must call its method `on_connect`. The command that needs
            the connection raises the errors of this function.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        decode_responses=decode_responses,
        max_connections=MAX_CONNECTIONS,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        redis_connect_func=on_connect,
        retry=Retry(NoBackoff(), 1),  # retry once: Redis may have closed an idle connection
    )
    return Redis(connection_pool=pool)


async def close_redis_client(client: Redis) -> None:
    """Close a client and its connections."""
    await client.aclose()
    await client.connection_pool.disconnect()
