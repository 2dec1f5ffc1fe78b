from __future__ import annotations

from router.storage.lru import Lru


def test_the_least_recently_used_entry_is_evicted_first() -> None:
    cache: Lru[str, int] = Lru(max_entries=2, max_weight=100)
    cache.put("a", 1, 1)
    cache.put("b", 2, 1)
    assert cache.get("a") == 1
    cache.put("c", 3, 1)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)


def test_the_total_weight_is_limited() -> None:
    cache: Lru[str, int] = Lru(max_entries=10, max_weight=10)
    cache.put("a", 1, 6)
    cache.put("b", 2, 4)
    cache.put("c", 3, 1)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (None, 2, 3)


def test_an_entry_heavier_than_the_limit_is_not_stored_and_evicts_nothing() -> None:
    cache: Lru[str, int] = Lru(max_entries=10, max_weight=10)
    cache.put("a", 1, 1)
    cache.put("b", 2, 11)
    assert (cache.get("a"), cache.get("b")) == (1, None)


def test_an_entry_stored_again_counts_once() -> None:
    cache: Lru[str, int] = Lru(max_entries=10, max_weight=10)
    for value in range(5):
        cache.put("a", value, 4)
    cache.put("b", 9, 6)
    assert (len(cache), cache.get("a"), cache.get("b")) == (2, 4, 9)


def test_an_entry_can_be_removed() -> None:
    cache: Lru[str, int] = Lru(max_entries=2, max_weight=10)
    cache.put("a", 1, 7)
    cache.put("b", 2, 3)
    cache.remove("a")
    cache.remove("never stored")
    assert (cache.get("a"), cache.get("b"), cache.weight) == (None, 2, 3)


def test_the_oldest_entry_would_be_evicted_first() -> None:
    cache: Lru[str, int] = Lru(max_entries=2, max_weight=10)
    assert cache.oldest() is None
    cache.put("a", 1, 1)
    cache.put("b", 2, 1)
    cache.get("a")
    assert cache.oldest() == 2


def test_there_is_room_within_both_limits() -> None:
    cache: Lru[str, int] = Lru(max_entries=2, max_weight=10)
    cache.put("a", 1, 6)
    assert (cache.has_room(4), cache.has_room(5)) == (True, False)
    cache.put("b", 1, 1)
    assert not cache.has_room(0)


def test_hits_and_misses_are_counted() -> None:
    cache: Lru[str, int] = Lru(max_entries=2, max_weight=10)
    cache.put("a", 1, 1)
    cache.get("a")
    cache.get("b")
    assert (cache.hits, cache.misses) == (1, 1)


def test_the_most_used_entries_are_ordered_by_use_then_by_last_use() -> None:
    cache: Lru[str, int] = Lru(max_entries=10, max_weight=10)
    for value, key in enumerate("abcd"):
        cache.put(key, value, 1)
    for key in "bbcad":
        cache.get(key)
    assert cache.most_used(3) == [("b", 1), ("d", 3), ("a", 0)]
    assert cache.weight == 4
