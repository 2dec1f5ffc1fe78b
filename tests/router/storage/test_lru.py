from __future__ import annotations

from router.storage.lru import Lru


def test_what_was_used_longest_ago_is_forgotten_first() -> None:
    cache: Lru[str, int] = Lru(max_entries=2, max_weight=100)
    cache.put("a", 1, 1)
    cache.put("b", 2, 1)
    assert cache.get("a") == 1
    cache.put("c", 3, 1)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)


def test_weights_are_bounded_together() -> None:
    cache: Lru[str, int] = Lru(max_entries=10, max_weight=10)
    cache.put("a", 1, 6)
    cache.put("b", 2, 4)
    cache.put("c", 3, 1)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (None, 2, 3)


def test_an_entry_heavier_than_the_bound_is_not_kept_and_displaces_nothing() -> None:
    cache: Lru[str, int] = Lru(max_entries=10, max_weight=10)
    cache.put("a", 1, 1)
    cache.put("b", 2, 11)
    assert (cache.get("a"), cache.get("b")) == (1, None)


def test_an_entry_put_again_counts_once() -> None:
    cache: Lru[str, int] = Lru(max_entries=10, max_weight=10)
    for value in range(5):
        cache.put("a", value, 4)
    cache.put("b", 9, 6)
    assert (len(cache), cache.get("a"), cache.get("b")) == (2, 4, 9)


def test_hits_and_misses_are_counted() -> None:
    cache: Lru[str, int] = Lru(max_entries=2, max_weight=10)
    cache.put("a", 1, 1)
    cache.get("a")
    cache.get("b")
    assert (cache.hits, cache.misses) == (1, 1)


def test_the_hottest_are_those_used_most_then_those_used_last() -> None:
    cache: Lru[str, int] = Lru(max_entries=10, max_weight=10)
    for value, key in enumerate("abcd"):
        cache.put(key, value, 1)
    for key in "bbcad":
        cache.get(key)
    assert cache.hottest(3) == [("b", 1), ("d", 3), ("a", 0)]
    assert cache.weight == 4
