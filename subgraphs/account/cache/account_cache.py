"""Reads through the cache, and keeps readers away from it while accounts change; see `subgraphs.account.cache`."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from subgraphs.account.cache.account_json import FORMAT
from subgraphs.account.cache.redis_entries import CacheUnavailable, Entry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence

    from subgraphs.account.cache.cache_permits import CachePermits
    from subgraphs.account.cache.redis_entries import RedisEntries
    from subgraphs.account.cache.sealed_values import SealedValues

    # Reads the values of some keys from the store. Keys without a value are left out.
    Load = Callable[[Sequence[str]], Awaitable[Mapping[str, bytes]]]


class AccountCache:
    """The cache of one process.

    Attributes:
        hits: how many values came from the cache.
        misses: how many values came from the store, because they were not cached.
        bypassed: how many values came from the store, because the cache was away or suspended, or the account changed.
    """

    def __init__(self, entries: RedisEntries, permits: CachePermits, sealed: SealedValues) -> None:
        self._entries = entries
        self._permits = permits
        self._sealed = sealed
        # Maps keys with their generations, and a field, to the task that reads the values from the store.
        self._loading: dict[tuple[frozenset[tuple[str, str]], str], asyncio.Task[Mapping[str, bytes]]] = {}
        self.hits = self.misses = self.bypassed = 0

    def counts(self) -> dict[str, int]:
        """Return the numbers since the start, for operators."""
        return {
            "hits": self.hits,
            "misses": self.misses,
            "bypassed": self.bypassed,
            "failures": self._entries.failures,
            "suspensions": self._permits.suspensions,
        }

    async def get(self, keys: Collection[str], field: str, load: Load) -> Mapping[str, bytes]:
        """Return the value in `field` for each key that has one, from the cache or from the store.

        All values come from the same place. So they belong to the same moment, as if the store was read.
        """
        entries = await self._read(list(dict.fromkeys(keys)), field)
        values = {key: self._open(entry.value, _place(key, field)) for key, entry in entries.items()}
        found = {key: value for key, value in values.items() if value is not None}
        if len(found) == len(entries):
            self.hits += len(found)
            return found
        generations = {key: entry.generation for key, entry in entries.items() if entry.generation is not None}
        if len(generations) < len(entries):
            self.bypassed += len(entries)
            return await self._load(list(entries), generations, field, load)
        self.misses += len(entries)
        # A request that is cancelled must not end the task, for which others may wait.
        return await asyncio.shield(self._shared_load(generations, field, load))

    def _open(self, sealed: bytes | None, place: str) -> bytes | None:
        return None if sealed is None else self._sealed.open(sealed, place)

    @asynccontextmanager
    async def changing(self, keys: Collection[str]) -> AsyncIterator[None]:
        """Run a block that may change what the entries of `keys` contain.

        Afterwards, no process uses a value from before the change. Without Redis, this is achieved by a suspension of
        the cache in the store.

        Raises:
            Unavailable: neither Redis nor the store can be reached. If the block was run, its change may be stored.
        """
        mark = secrets.token_hex(8)
        try:
            await self._entries.mark(keys, mark)
        except CacheUnavailable:
            await self._permits.suspend()
        try:
            yield
        finally:
            try:
                await self._entries.unmark(keys, mark)
            except CacheUnavailable:
                await self._permits.suspend()

    async def aclose(self) -> None:
        """Cancel the reads of the store whose results are not needed any more, and close the connections."""
        tasks = set(self._loading.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._entries.aclose()

    async def _read(self, keys: Sequence[str], field: str) -> dict[str, Entry]:
        """Return what the cache has. If it may not be used, return entries without a generation."""
        nothing = dict.fromkeys(keys, Entry(None, None))
        epoch = await self._permits.epoch()
        if epoch is None or not keys:
            return nothing
        try:
            found = await self._entries.read(epoch, keys, field)
        except CacheUnavailable:
            return nothing
        # The permit may have ended while Redis responded.
        return dict(zip(keys, found, strict=True)) if self._permits.allows(epoch) else nothing

    def _shared_load(self, generations: Mapping[str, str], field: str, load: Load) -> asyncio.Task[Mapping[str, bytes]]:
        """Return a task that reads values from the store. Readers of the same generations share it."""
        place = (frozenset(generations.items()), field)
        if (running := self._loading.get(place)) is not None:
            return running
        task = self._loading[place] = asyncio.create_task(self._load(list(generations), generations, field, load))

        def forget(done: asyncio.Task[Mapping[str, bytes]]) -> None:
            del self._loading[place]
            if not done.cancelled():
                done.exception()  # whoever waits gets it; without this, asyncio would log it if nobody does

        task.add_done_callback(forget)
        return task

    async def _load(
        self, keys: Sequence[str], generations: Mapping[str, str], field: str, load: Load
    ) -> Mapping[str, bytes]:
        """Read the values of `keys` from the store, and cache those whose generation is known."""
        loaded = await load(keys)
        sealed = {
            key: (generations[key], self._sealed.seal(value, _place(key, field)))
            for key, value in loaded.items()
            if key in generations
        }
        if sealed:
            with suppress(CacheUnavailable):  # counted and logged by the entries
                await self._entries.fill(sealed, field)
        return loaded


def _place(key: str, field: str) -> str:
    return f"{FORMAT} {key} {field}"
