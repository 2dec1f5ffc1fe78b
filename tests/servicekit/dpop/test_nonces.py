"""Nonces of the router: recent, signed, and the same for all workers."""

from __future__ import annotations

import pytest

from servicekit.dpop.nonces import Nonces

NOW = 1_800_000_000.0


def test_a_nonce_can_be_used_for_its_lifetime_by_each_worker() -> None:
    nonce = Nonces("secret", 60).make(NOW)
    worker = Nonces("secret", 60)
    assert [worker.is_recent(nonce, NOW + age) for age in (-1, 0, 60, 61)] == [False, True, True, False]
    assert not Nonces("other", 60).is_recent(nonce, NOW)


@pytest.mark.parametrize("change", ["x", "é", " ", "\n"])
def test_a_changed_nonce_is_not_accepted(change: str) -> None:
    nonces = Nonces("secret", 60)
    nonce = nonces.make(NOW)
    later = f"{int(NOW) + 30:08x}.{nonce.partition('.')[2]}"
    assert not any(nonces.is_recent(each, NOW + 30) for each in (nonce[:-1] + change, change + nonce, later, None, 5))
