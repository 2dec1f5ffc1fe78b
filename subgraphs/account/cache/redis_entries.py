"""The entries of the cache in Redis, and the marks of accounts that change; see `subgraphs.account.cache`.

All keys have the hash tag `{accounts}`, so that a Redis Cluster keeps them on one node. Each key expires.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog
from redis.exceptions import RedisError

from servicekit.redis_client import close_redis_client, redis_client
from servicekit.redis_outage import RedisOutage
from servicekit.redis_run import OtherRun, RedisRun

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

T = TypeVar("T")

PREFIX: Final = "mosafe:{accounts}:"
# How long an entry lives after its first reader, whatever happens.
ENTRY_SECONDS: Final = 60
# How long a mark lives without its writer. This is longer than a transaction takes: up to 8 s in MongoDB, and in SQLite
# 5 s for other writers and a moment for itself.
MARK_SECONDS: Final = 15
# The number of values of an entry. A client chooses which pages it reads, so the number of pages must have a bound.
MAX_VALUES: Final = 20
# After an error, no command is sent for this time. So no request waits for a Redis that does not respond.
PAUSE_SECONDS: Final = 1.0
# How long connecting and each command may take. Reading the store is hardly slower.
TIMEOUT_SECONDS: Final = 0.25

# KEYS: for each entry its key and the key of its marks. ARGV: scope, generation of new entries, life in ms, field.
# For each entry, the response has two items: its generation, or nil while it is marked, and the value, or nil.
_READ: Final = """
local found = {}
for i = 1, #KEYS, 2 do
  local generation, value = false, false
  if redis.call('EXISTS', KEYS[i + 1]) == 0 then
    local entry = redis.call('HMGET', KEYS[i], 'scope', 'generation', ARGV[4])
    if entry[1] == ARGV[1] then
      generation, value = entry[2], entry[3]
    else
      redis.call('DEL', KEYS[i])
      redis.call('HSET', KEYS[i], 'scope', ARGV[1], 'generation', ARGV[2])
      redis.call('PEXPIRE', KEYS[i], ARGV[3])
      generation = ARGV[2]
    end
  end
  found[i], found[i + 1] = generation, value
end
return found
"""
# KEYS: entries. ARGV: field, the largest number of fields, and for each entry its generation and the value.
_FILL: Final = """
for i = 1, #KEYS do
  if redis.call('HGET', KEYS[i], 'generation') == ARGV[2 * i + 1]
      and redis.call('HLEN', KEYS[i]) < tonumber(ARGV[2]) then
    redis.call('HSET', KEYS[i], ARGV[1], ARGV[2 * i + 2])
  end
end
"""
# KEYS: for each entry its key and the key of its marks. ARGV: the mark, its life in ms.
_MARK: Final = """
for i = 1, #KEYS, 2 do
  redis.call('DEL', KEYS[i])
  redis.call('SADD', KEYS[i + 1], ARGV[1])
  redis.call('PEXPIRE', KEYS[i + 1], ARGV[2])
end
"""
_UNMARK: Final = """
for i = 1, #KEYS, 2 do
  redis.call('DEL', KEYS[i])
  redis.call('SREM', KEYS[i + 1], ARGV[1])
end
"""
# `scope` and `generation` are fields of an entry, too.
_OWN_FIELDS: Final = 2

_log = structlog.stdlib.get_logger("account.cache")


class CacheUnavailable(Exception):
    """Redis did not do what it was asked to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a reader found: the generation of the entry, or None while the account changes, and the value if any."""

    generation: str | None
    value: bytes | None


class RedisEntries:
    """The entries of one store in Redis 6.2 or later. The connection is opened on first use.

    Each method raises CacheUnavailable if Redis fails. The first failure and the end of a failure are logged.
    """

    def __init__(self, url: str, store_id: str) -> None:
        """Create the entries.

        Args:
            url: the URL of the Redis.
            store_id: the id of the store whose accounts are cached; other stores have other entries.

        Raises:
            ValueError: the URL has an option with a wrong value.
            TypeError: the URL has an unknown option.
        """
        self._run_of_server = RedisRun()
        self._redis = redis_client(url, TIMEOUT_SECONDS, decode_responses=False, on_connect=self._run_of_server.check)
        self._read, self._fill, self._mark, self._unmark = (
            self._redis.register_script(script) for script in (_READ, _FILL, _MARK, _UNMARK)
        )
        self._prefix = f"{PREFIX}{store_id}:"
        self._outage = RedisOutage()

    @property
    def failures(self) -> int:
        """How often Redis has failed since the start."""
        return self._outage.failures

    async def read(self, epoch: str, keys: Sequence[str], field: str) -> list[Entry]:
        """Return an entry for each key, with its value in `field`. An entry that is missing is made, without a value.

        A value is of this epoch and of this run of Redis.
        """
        new, life = secrets.token_hex(8), ENTRY_SECONDS * 1000

        async def read() -> tuple[str, list[bytes | None]]:
            server = self._run_of_server.id
            return server, await self._read(self._with_marks(keys), [f"{epoch}/{server}", new, life, field])

        server, found = await self._run(read)
        if server != self._run_of_server.id:  # the response may be of the new run, whose entries may be old copies
            return [Entry(None, None)] * len(keys)
        return [
            Entry(None if generation is None else generation.decode(), value)
            for generation, value in zip(found[::2], found[1::2], strict=True)
        ]

    async def fill(self, values: Mapping[str, tuple[str, bytes]], field: str) -> None:
        """Store a value for each key, with the generation that the reader had found before it read the store."""
        arguments: list[Any] = [field, MAX_VALUES + _OWN_FIELDS]
        for generation, value in values.values():
            arguments += [generation, value]
        await self._run(lambda: self._fill([f"{self._prefix}{key}" for key in values], arguments))

    async def mark(self, keys: Collection[str], mark: str) -> None:
        """Delete the entries, and allow no new ones until `unmark`, for `MARK_SECONDS` at most."""
        await self._run(lambda: self._mark(self._with_marks(keys), [mark, MARK_SECONDS * 1000]))

    async def unmark(self, keys: Collection[str], mark: str) -> None:
        """Delete the entries, and remove the mark."""
        await self._run(lambda: self._unmark(self._with_marks(keys), [mark]))

    async def aclose(self) -> None:
        await close_redis_client(self._redis)

    def _with_marks(self, keys: Collection[str]) -> list[str]:
        return [name for key in keys for name in (f"{self._prefix}{key}", f"{self._prefix}{key}:marks")]

    async def _run(self, command: Callable[[], Awaitable[T]]) -> T:
        """Run a command. It is made again if a new connection leads to another server, which has another scope."""
        if self._outage.is_paused():
            raise CacheUnavailable("Redis has just failed")
        try:
            try:
                result = await command()
            except OtherRun:
                await self._redis.connection_pool.disconnect()
                result = await command()
        except (RedisError, OSError, TimeoutError) as error:
            if self._outage.failed(PAUSE_SECONDS):
                _log.warning(
                    "the cache of accounts is not available, the store is read instead",
                    variable="REDIS_URL",
                    cause=type(error).__name__,
                )
            # The message of the error may contain the URL with the password.
            raise CacheUnavailable(type(error).__name__) from error
        if ended := self._outage.succeeded():
            _log.info("the cache of accounts is used again", failures=ended)
        return result
