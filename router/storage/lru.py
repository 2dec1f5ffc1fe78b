"""A bounded cache that forgets what was used longest ago, and knows what was used most."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Lru(Generic[K, V]):
    """At most `max_entries`, and at most `max_weight` of all weights together.

    An entry heavier than the whole bound is not kept. `hits` and `misses` count lookups since the last `recount`;
    `weight` is that of all entries together.
    """

    def __init__(self, *, max_entries: int, max_weight: int) -> None:
        self._max_entries = max_entries
        self._max_weight = max_weight
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self.weight = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The value under `key`, used just now."""
        entry = self._entries.get(key)
        if entry is None:
            self.misses += 1
            return None
        self.hits += 1
        entry.uses += 1
        self._entries.move_to_end(key)
        return entry.value

    def put(self, key: K, value: V, weight: int) -> None:
        """Keep `value`, forgetting others as the bounds require."""
        old = self._entries.pop(key, None)
        if old is not None:
            self.weight -= old.weight
        if weight > self._max_weight:
            return
        self._entries[key] = _Entry(value, weight)
        self.weight += weight
        while len(self._entries) > self._max_entries or self.weight > self._max_weight:
            _, forgotten = self._entries.popitem(last=False)
            self.weight -= forgotten.weight

    def recount(self) -> None:
        """Count lookups from here on: what filled the cache says nothing about how well it serves."""
        self.hits = self.misses = 0

    def hottest(self, count: int) -> list[tuple[K, V]]:
        """The `count` entries used most, most used first; of those used equally often, the one used last."""
        latest_first = reversed(self._entries.items())
        return [(key, entry.value) for key, entry in heapq.nlargest(count, latest_first, key=lambda each: each[1].uses)]


class _Entry(Generic[V]):
    __slots__ = ("uses", "value", "weight")

    def __init__(self, value: V, weight: int) -> None:
        self.value = value
        self.weight = weight
        self.uses = 0
