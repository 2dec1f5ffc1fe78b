"""A store of keys in the memory of this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.policies.idempotency.key_store import Entry


class _Stored(msgspec.Struct, frozen=True):
    entry: Entry
    expires: float
    size: int


class MemoryKeys:
    """A `KeyStore` with at most `entries` keys and `memory_bytes` of responses. The oldest keys are forgotten first."""

    def __init__(
        self, *, entries: int, memory_bytes: int, ttl: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bounds = (entries, memory_bytes)
        self._ttl = ttl
        self._clock = clock
        self._stored: OrderedDict[str, _Stored] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """The number of keys."""
        return len(self._stored)

    async def begin(self, key: str, entry: Entry) -> Entry | None:
        """See `KeyStore.begin`."""
        known = self._stored.get(key)
        if known is not None and self._clock() < known.expires:
            return known.entry
        self._put(key, entry)
        return None

    async def finish(self, key: str, entry: Entry) -> None:
        """See `KeyStore.finish`."""
        self._put(key, entry)

    async def forget(self, key: str) -> None:
        """See `KeyStore.forget`."""
        self._drop(key)

    async def aclose(self) -> None:
        """Do nothing, because this store has no connections."""

    def _put(self, key: str, entry: Entry) -> None:
        self._drop(key)
        size = len(key) + len(entry.response or "") + 500
        self._stored[key] = _Stored(entry, self._clock() + self._ttl, size)
        self._bytes += size
        max_entries, max_bytes = self._bounds
        while len(self._stored) > max_entries or (self._bytes > max_bytes and len(self._stored) > 1):
            self._drop(next(iter(self._stored)))

    def _drop(self, key: str) -> None:
        known = self._stored.pop(key, None)
        if known is not None:
            self._bytes -= known.size
