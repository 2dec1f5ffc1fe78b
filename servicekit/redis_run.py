"""Recognises another run of a Redis server: after a restart or a failover, its data may be an old copy or missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

_RUN_ID: Final = re.compile(rb"^run_id:(\w+)", re.MULTILINE)


class OtherRun(RedisError):
    """A new connection leads to another run of a Redis server than the connections before it."""


class RedisRun:
    """The run of the server to which the connections of a client lead.

    Pass `check` to `redis_client` as `on_connect`, with `decode_responses=False`. If a command raises OtherRun, close
    the connections of the client and send the command again.

    Attributes:
        id: the run's id; empty before the first connection. A response comes from this run if the id was the same
            before the command was sent and after the response arrived.
    """

    def __init__(self) -> None:
        self.id = ""

    async def check(self, connection: AbstractConnection) -> None:
        """Prepare a new connection. Raises OtherRun if it leads to another run than the connections before it."""
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        found = _RUN_ID.search(await connection.read_response())
        run = found[1].decode() if found else ""
        if run != self.id:
            self.id = run
            raise OtherRun
