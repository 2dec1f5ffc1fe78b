"""A bounded cache that evicts the least recently used entry, and counts how often each entry is used."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Lru(Generic[K, V]):
    """A cache of at most `max_entries` entries with a total weight of at most `max_weight`.

    An entry is a key with its value and its weight. The caller chooses the weight, for example the length of a text. An
    entry that is heavier than `max_weight` is not stored.

    Attributes:
        weight: the total weight of all entries.
        hits: the number of lookups that found an entry, since the last `reset_counts`.
        misses: the number of lookups that found no entry, since the last `reset_counts`.
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
        """Return the value of `key`, and count this use of its entry. Return None if the cache has no such entry."""
        entry = self._entries.get(key)
        if entry is None:
            self.misses += 1
            return None
        self.hits += 1
        entry.uses += 1
        self._entries.move_to_end(key)
        return entry.value

    def put(self, key: K, value: V, weight: int) -> None:
        """Store `value` for `key`. Then evict the least recently used entries until the cache is within its limits."""
        old = self._entries.pop(key, None)
        if old is not None:
            self.weight -= old.weight
        if weight > self._max_weight:
            return
        self._entries[key] = _Entry(value, weight)
        self.weight += weight
        while len(self._entries) > self._max_entries or self.weight > self._max_weight:
            _, evicted = self._entries.popitem(last=False)
            self.weight -= evicted.weight

    def remove(self, key: K) -> None:
        """Remove the entry of `key`, if there is one."""
        removed = self._entries.pop(key, None)
        if removed is not None:
            self.weight -= removed.weight

    def oldest(self) -> V | None:
        """Return the value of the least recently used entry. Return None if the cache is empty."""
        return next((entry.value for entry in self._entries.values()), None)

    def has_room(self, weight: int) -> bool:
        """Return whether a new entry of this weight would evict no other entry."""
        return len(self._entries) < self._max_entries and self.weight + weight <= self._max_weight

    def reset_counts(self) -> None:
        """Set `hits` and `misses` to 0.

        Call this method after a warm-up, so that only the lookups of client requests are counted.
        """
        self.hits = self.misses = 0

    def most_used(self, count: int) -> list[tuple[K, V]]:
        """Return keys and values of the `count` most used entries, the most used entry first.

        Of two entries with the same number of uses, the more recently used entry is first.
        """
        latest_first = reversed(self._entries.items())
        return [(key, entry.value) for key, entry in heapq.nlargest(count, latest_first, key=lambda each: each[1].uses)]


class _Entry(Generic[V]):
    __slots__ = ("uses", "value", "weight")

    def __init__(self, value: V, weight: int) -> None:
        self.value = value
        self.weight = weight
        self.uses = 0
