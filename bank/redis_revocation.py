"""The list of revoked sessions in Redis, which processes on several machines share.

A Redis that was restarted or flushed has lost entries, and must not bring ended sessions back. So the list counts only
if a *mark* says that it is complete. The mark is the id of the server's run, so it is not valid after a restart from an
old copy, or on a replica that has become the primary server. Without a valid mark, it is unknown whether a session has
ended, and every look-up raises StoreFailure.

Only the auth service, which knows all ended sessions, adds them again and sets the mark:

```
a process                                  Redis
  look-up:  MGET mark, entry of session ──>  entry: revoked · no entry, but the mark of this run: not revoked
                                             neither: StoreFailure

the auth service (one process at a time, which has the lock)
  lock ──> add all entries ──> set the mark, if the lock is still there. A flush meanwhile has deleted the lock.
```

Entries expire by themselves. The mark has a shorter life than a new entry, and the auth service renews it. So if the
clock of the Redis machine jumps so far ahead that needed entries expire, the mark expires too.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

import structlog
from redis.exceptions import RedisError

from servicekit.errors import StoreFailure
from servicekit.redis_client import close_redis_client, redis_client
from servicekit.redis_outage import RedisOutage
from servicekit.redis_run import OtherRun, RedisRun

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

T = TypeVar("T")

# The hash tag keeps all keys on one node of a Redis Cluster.
PREFIX: Final = "mosafe:{revocations}:"
# How long connecting and each command may take.
TIMEOUT_SECONDS: Final = 0.5
# How long one call may take, including further attempts on new connections.
CALL_SECONDS: Final = 1.0
# After an error, no command is sent for this time. So few requests wait for a Redis that does not respond.
PAUSE_SECONDS: Final = 0.5
# How long the mark is valid unless it is renewed. Tokens end within minutes, and an entry lives for a day
# (`subgraphs.auth.identity_service`): the entry of a token that has not expired yet outlives the mark.
MARK_SECONDS: Final = 12 * 60 * 60
# How long the lock of a process is kept that has died while it added entries.
LOCK_SECONDS: Final = 10
# How many entries one script adds. Redis runs nothing else meanwhile.
_BATCH_SIZE: Final = 500
# The first attempt learns the run of a restarted server. Others may learn of it while the second one runs.
_MAX_ATTEMPTS: Final = 3

# KEYS: the lock, entries. ARGV: the token of the lock or an empty text, the lock's life, the life of each entry; all in
# milliseconds. Adds the entries and returns 1. If the lock has another token, it adds nothing and returns 0.
_ADD: Final = """
if ARGV[1] ~= '' then
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
for i = 2, #KEYS do
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[i + 1]) then redis.call('SET', KEYS[i], '', 'PX', ARGV[i + 1]) end
end
return 1
"""
# KEYS: the lock. ARGV: the token of the lock. Deletes the lock if it still has this token.
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""
# KEYS: the lock, the mark. ARGV: the token of the lock, the run of the server, the life of the mark in seconds.
_FINISH: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
return 1
"""

_log = structlog.stdlib.get_logger("revocation")


class EndedSession(NamedTuple):
    """A session that has ended. Its entry may be removed after `expires_at` (Unix seconds)."""

    id: str
    expires_at: float


class ListState(NamedTuple):
    """The state of the list.

    Attributes:
        is_complete: whether the mark says that the list has all ended sessions.
        evicted: how many keys this run of Redis has evicted because its memory was full. They may have been entries.
    """

    is_complete: bool
    evicted: int


class RedisRevocationList:
    """A `RevocationList` in Redis 6.2 or later. The connection is opened on first use.

    Each method raises StoreFailure if Redis does not respond. The first failure and the end of a failure are logged.
    """

    def __init__(self, url: str, issuer: str, *, clock: Callable[[], float] = time.time) -> None:
        """Create the list.

        Args:
            url: the URL of the Redis.
            issuer: the issuer of the access tokens. The sessions of another issuer have another list.
            clock: returns Unix seconds.

        Raises:
            ValueError: the URL has an option with a wrong value.
            TypeError: the URL has an unknown option.
        """
        self._run = RedisRun()
        self._redis = redis_client(url, TIMEOUT_SECONDS, decode_responses=False, on_connect=self._run.check)
        self._add, self._finish = self._redis.register_script(_ADD), self._redis.register_script(_FINISH)
        self._release = self._redis.register_script(_RELEASE)
        prefix = f"{PREFIX}{hashlib.sha256(issuer.encode()).hexdigest()[:16]}:"
        self._mark, self._lock, self._entry = f"{prefix}complete", f"{prefix}lock", f"{prefix}ended:"
        self._clock = clock
        parts = urlsplit(url)
        self._server = f"REDIS_URL: the Redis at {parts.hostname}:{parts.port or 6379}"
        self._outage = RedisOutage()

    async def revoke(self, session_id: str, expires_at: float) -> None:
        await self._call(lambda: self._add_entries("", [EndedSession(session_id, expires_at)]))

    async def is_revoked(self, session_id: str) -> bool:
        run, (mark, entry) = await self._call(lambda: self._redis.mget(self._mark, self._key(session_id)))
        if entry is not None:
            return True
        if mark != run.encode():
            await self._close_idle()
            raise StoreFailure(f"{self._server} does not have all ended sessions yet; the auth service adds them")
        return False

    async def state(self) -> ListState:
        """Return the state of the list. If it is complete, its mark is renewed."""

        async def read() -> list[Any]:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.get(self._mark)
                pipeline.expire(self._mark, MARK_SECONDS)
                pipeline.info("stats")
                return await pipeline.execute()

        run, (mark, _, stats) = await self._call(read)
        return ListState(mark == run.encode(), int(stats.get("evicted_keys", 0)))

    async def complete(
        self, ended: Callable[[], Awaitable[Sequence[EndedSession]]], *, unless_marked: bool = False
    ) -> bool:
        """Add all ended sessions, and mark the list as complete.

        Args:
            ended: returns the sessions whose tokens may not have expired. It is called after the lock was taken.
            unless_marked: do nothing if the list is complete, because another process has completed it meanwhile.

        Returns:
            False if another process completes the list now or has completed it, or if the Redis was flushed or
            restarted meanwhile.
        """
        token = secrets.token_hex(16)
        run, locked = await self._call(lambda: self._redis.set(self._lock, token, nx=True, px=LOCK_SECONDS * 1000))
        if not locked:
            return False
        if unless_marked and await self._is_marked():
            await self._call(lambda: self._release(keys=[self._lock], args=[token]))
            return False
        sessions = await ended()
        for start in range(0, len(sessions), _BATCH_SIZE):
            batch = sessions[start : start + _BATCH_SIZE]
            _, added = await self._call(partial(self._add_entries, token, batch))
            if not added:
                return False
        _, finished = await self._call(
            lambda: self._finish(keys=[self._lock, self._mark], args=[token, run, MARK_SECONDS])
        )
        return bool(finished) and run == self._run.id

    async def _is_marked(self) -> bool:
        run, mark = await self._call(lambda: self._redis.get(self._mark))
        return bool(mark == run.encode())

    async def aclose(self) -> None:
        await close_redis_client(self._redis)

    def _key(self, session_id: str) -> bytes:
        return f"{self._entry}{session_id}".encode("utf-8", "surrogatepass")

    async def _add_entries(self, token: str, sessions: Sequence[EndedSession]) -> int:
        now = self._clock()
        lives = [max(1, round((session.expires_at - now) * 1000)) for session in sessions]
        keys: list[str | bytes] = [self._lock, *(self._key(session.id) for session in sessions)]
        added: int = await self._add(keys=keys, args=[token, LOCK_SECONDS * 1000, *lives])
        return added

    async def _call(self, command: Callable[[], Awaitable[T]]) -> tuple[str, T]:
        """Run a command. Return the run of the server before the command, and the result."""
        if self._outage.is_paused():
            raise StoreFailure(f"{self._server} has just failed")
        try:
            async with asyncio.timeout(CALL_SECONDS):
                result = await self._on_one_run(command)
        except (RedisError, OSError, TimeoutError) as error:
            # The message of the error may contain the URL with the password.
            explanation = f"{self._server} does not respond ({type(error).__name__}); see whether redis-server runs"
            if self._outage.failed(PAUSE_SECONDS):
                _log.warning("revocation list unavailable", explanation=explanation)
            raise StoreFailure(explanation) from error
        if ended := self._outage.succeeded():
            _log.info("the revocation list is available again", failures=ended)
        return result

    async def _on_one_run(self, command: Callable[[], Awaitable[T]]) -> tuple[str, T]:
        """Run a command again until no connection has led to another run of the server meanwhile."""
        for _ in range(_MAX_ATTEMPTS):
            run = self._run.id
            try:
                result = await command()
            except (RedisError, OSError):
                if run == self._run.id:
                    raise
                await self._close_idle()
            else:
                if run == self._run.id:
                    return run, result
        raise OtherRun

    async def _close_idle(self) -> None:
        """Close the connections that no command uses. They may lead to another run, such as a former primary server."""
        await self._redis.connection_pool.disconnect(inuse_connections=False)
