"""A store of texts in the memory of this process."""

from __future__ import annotations

from router.storage.lru import Lru


class MemoryStore:
    """A `TextStore` that evicts the least recently used texts.

    It has at most `max_entries` texts with at most `max_bytes` characters in total. Each character counts as one byte.
    """

    def __init__(self, *, max_entries: int, max_bytes: int) -> None:
        self.bounds = (max_entries, max_bytes)
        self.entries: Lru[str, str] = Lru(max_entries=max_entries, max_weight=max_bytes)

    async def get(self, key: str) -> str | None:
        """See `TextStore.get`."""
        return self.entries.get(key)

    async def put(self, key: str, text: str) -> None:
        """See `TextStore.put`."""
        self.entries.put(key, text, len(text))

    async def aclose(self) -> None:
        """Do nothing, because this store has no connections."""
