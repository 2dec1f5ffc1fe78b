"""A proof is remembered until it is too old to be accepted."""

from __future__ import annotations

import pytest

from router.policies.authentication.used_proofs import TooManyProofs, UsedProofs
from servicekit.dpop_proofs import Proof


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
