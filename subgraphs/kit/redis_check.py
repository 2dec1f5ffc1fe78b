"""Checks at the start of a service whether the Redis of REDIS_URL responds, and says what to do if it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from servicekit.errors import ConfigurationError, StartupError
from servicekit.redis_client import close_redis_client, redis_client

if TYPE_CHECKING:
    from pydantic import SecretStr

VARIABLE: Final = "REDIS_URL"
# How long connecting and the command may take, each.
CHECK_SECONDS: Final = 2.0
_MAX_LENGTH: Final = 200

_log = structlog.stdlib.get_logger("redis")


async def check_redis(url: SecretStr) -> None:
    """Send a command to the Redis. If Redis is away, this is only logged, because a service also works without it.

    Raises:
        ConfigurationError: the URL has an unknown option, or an option with a wrong value.
        StartupError: Redis refuses the credentials or the database of the URL. It contains no password.
    """
    parts = urlsplit(url.get_secret_value())
    server = f"{VARIABLE}: the Redis at {parts.hostname}:{parts.port or 6379}"
    try:
        client = redis_client(url.get_secret_value(), CHECK_SECONDS)
    except (ValueError, TypeError):
        # The message of the original error may contain the password, so it is not used.
        raise ConfigurationError(VARIABLE, "an option of the URL is not known or has a wrong value") from None
    try:
        await client.ping()
    except (AuthenticationError, NoPermissionError) as error:
        raise StartupError(
            f"{server} refuses the user name or the password; correct the URL, or create the user"
        ) from error
    except ResponseError as error:
        raise StartupError(f"{server} answers: {str(error)[:_MAX_LENGTH]}; correct the URL") from error
    except (RedisError, OSError, TimeoutError):
        _log.warning(
            "Redis is not available",
            explanation=f"{server} does not respond; check the address, and that redis-server runs",
        )
    finally:
        await close_redis_client(client)
