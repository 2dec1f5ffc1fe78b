"""Nonces in memory: no request twice, whatever the clock, the load and restarts do."""

from __future__ import annotations

from servicekit.http_signatures.request_verifier import VerifiedHead
from servicekit.http_signatures.seen_nonces import MemoryNonces
from tests.servicekit.http_signatures.signed_requests import NOW, Clock


def head(nonce: str, *, created: int = NOW, ends: int | None = None) -> VerifiedHead:
    return VerifiedHead("first", "", nonce, created, created + 65 if ends is None else ends)


async def test_a_nonce_is_accepted_once() -> None:
    nonces = MemoryNonces(clock=Clock())
    assert await nonces.is_first(head("a"))
    assert await nonces.is_first(head("b"))
    assert not await nonces.is_first(head("a"))
    assert len(nonces) == 2


async def test_expired_nonces_are_forgotten() -> None:
    clock = Clock()
    nonces = MemoryNonces(clock=clock)
    for second in range(1000):
        clock.now = NOW + second
        assert await nonces.is_first(head("a", created=NOW + second))
    assert len(nonces) <= 66


async def test_setting_the_clock_back_makes_no_request_new() -> None:
    clock = Clock()
    nonces = MemoryNonces(clock=clock)
    assert await nonces.is_first(head("a"))
    clock.now = NOW + 1000
    assert await nonces.is_first(head("b", created=NOW + 1000))
    clock.now = NOW
    assert not await nonces.is_first(head("a"))
    assert await nonces.is_first(head("c", created=NOW + 1))


async def test_a_full_memory_refuses_old_signatures_but_accepts_none_twice() -> None:
    nonces = MemoryNonces(max_nonces=3, clock=Clock())
    for second in range(3):
        assert await nonces.is_first(head("a", created=NOW + second))
    assert await nonces.is_first(head("b", created=NOW + 3))  # the nonce of the first second is forgotten
    assert not await nonces.is_first(head("a", created=NOW))
    assert not await nonces.is_first(head("new", created=NOW))
    assert not await nonces.is_first(head("a", created=NOW + 1))
    assert await nonces.is_first(head("c", created=NOW + 4))
    assert len(nonces) == 3


async def test_a_memory_that_one_second_fills_refuses_the_rest_of_this_second() -> None:
    nonces = MemoryNonces(max_nonces=2, clock=Clock())
    results = [await nonces.is_first(head(str(number))) for number in range(5)]
    assert results == [True, True, False, False, False]
    assert await nonces.is_first(head("0", created=NOW + 1))


async def test_a_new_process_refuses_what_an_old_one_may_have_accepted() -> None:
    nonces = MemoryNonces(clock=Clock(NOW + 0.7))
    assert not await nonces.is_first(head("a", created=NOW - 1))
    assert await nonces.is_first(head("a", created=NOW))
    await nonces.aclose()
