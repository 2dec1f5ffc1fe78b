"""A store of texts in the memory of this process."""

from __future__ import annotations

from router.storage.lru import Lru
from router.storage.memory_size import memory_size


class MemoryStore:
    """A `TextStore` that evicts the least recently used texts.

    It has at most `max_entries` texts. The texts and their keys use at most `max_bytes` of memory.
    """

    def __init__(self, *, max_entries: int, max_bytes: int) -> None:
        self.bounds = (max_entries, max_bytes)
        self.entries: Lru[str, str] = Lru(max_entries=max_entries, max_weight=max_bytes)

    async def get(self, key: str) -> str | None:
        """See `TextStore.get`."""
        return self.entries.get(key)

    async def put(self, key: str, text: str) -> None:
        """See `TextStore.put`."""
        self.entries.put(key, text, memory_size(key, text))

    async def aclose(self) -> None:
        """Do nothing, because this store has no connections."""
