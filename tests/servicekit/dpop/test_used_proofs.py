"""A proof is remembered until it is too old to be accepted."""

from __future__ import annotations

import pytest

from servicekit.dpop.proofs import Proof
from servicekit.dpop.used_proofs import ProofMemory, TooManyProofs, UsedProofs
from servicekit.dpop.used_proofs_in_redis import UsedProofsInRedis


def digest_of(thumbprint: str, identifier: str) -> bytes:
    return Proof({"jti": identifier}, thumbprint).digest


def test_a_proof_is_new_once_for_each_key_and_identifier() -> None:
    used = UsedProofs(10)
    assert used.use(digest_of("key", "a"), 1, now=0, seconds=60)
    assert used.use(digest_of("key", "a"), 1, now=1, seconds=60), "the same HTTP request"
    assert not used.use(digest_of("key", "a"), 2, now=1, seconds=60)
    assert used.use(digest_of("key", "b"), 2, now=1, seconds=60)
    assert used.use(digest_of("other key", "a"), 2, now=1, seconds=60)


def test_proofs_are_forgotten_in_time_and_not_before() -> None:
    used = UsedProofs(2)
    assert used.use(digest_of("key", "a"), 1, now=0, seconds=60)
    assert used.use(digest_of("key", "b"), 2, now=30, seconds=60)
    with pytest.raises(TooManyProofs):
        used.use(digest_of("key", "c"), 3, now=59, seconds=60)
    assert used.use(digest_of("key", "c"), 3, now=60, seconds=60)
    assert len(used) == 2


def test_a_proof_that_is_remembered_for_longer_only_delays_that_others_are_forgotten() -> None:
    used = UsedProofs(2)
    assert used.use(digest_of("key", "a"), 1, now=0, seconds=600)
    assert used.use(digest_of("key", "b"), 2, now=1, seconds=60)
    with pytest.raises(TooManyProofs):
        used.use(digest_of("key", "c"), 3, now=100, seconds=60)
    assert used.use(digest_of("key", "c"), 3, now=600, seconds=60)


async def test_a_text_is_one_request_at_every_process(redis_url: str) -> None:
    first, second = (ProofMemory(10, UsedProofsInRedis(redis_url, 2, "statements:")) for _ in range(2))
    try:
        digest = digest_of("key", "a")
        assert await first.use(digest, "request", now=0, seconds=60)
        assert await second.use(digest, "request", now=0, seconds=60), "the second part of the same request"
        assert not await second.use(digest, "other", now=0, seconds=60)
        own = digest_of("key", "b")
        assert await first.use(own, 1, now=0, seconds=60)
        assert not await second.use(own, 1, now=0, seconds=60)
    finally:
        await first.aclose()
        await second.aclose()
