from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Final

from subgraphs.auth.second_factor.challenges import Challenge, Purpose, passkey_challenge

NOW: Final = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def test_a_challenge_has_256_random_bits_and_so_has_what_a_passkey_signs() -> None:
    """ASVS 6.7.2."""
    tokens = [Challenge.begin(Purpose.LOGIN, "ann", "", NOW)[0] for _ in range(100)]
    assert {len(base64.urlsafe_b64decode(f"{token}=")) for token in tokens} == {32}
    signed = {passkey_challenge(token) for token in tokens}
    assert (len(signed), {len(each) for each in signed}) == (100, {32})
