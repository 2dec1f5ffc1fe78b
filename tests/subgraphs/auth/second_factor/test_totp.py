from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from subgraphs.auth.second_factor.totp import key_uri, matching_step, new_secret

# The secret and the codes of RFC 6238, appendix B; the last six of their eight digits.
SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_specification(seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    assert matching_step(SECRET, code, now) == seconds // 30
    assert matching_step(SECRET, f" {code[:3]} {code[3:]}", now) == seconds // 30


@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804")])
def test_a_code_lives_for_30_seconds(seconds: int, code: str) -> None:
    """ASVS 6.5.5."""
    begin = seconds // 30 * 30
    times = [begin - 1, begin, begin + 29, begin + 30]
    steps = [matching_step(SECRET, code, datetime.fromtimestamp(each, UTC)) for each in times]
    assert steps == [None, seconds // 30, seconds // 30, None]


def test_a_tolerance_accepts_the_codes_of_steps_around_the_present_one() -> None:
    times = [datetime.fromtimestamp(1111111109 + 30 * offset, UTC) for offset in range(-3, 4)]
    step = 1111111109 // 30
    assert [matching_step(SECRET, "081804", each, tolerance=2) for each in times] == [None, *[step] * 5, None]


@pytest.mark.parametrize("code", ["", "28708", "2870823", "28708a", "٢٨٧٠٨٢", "-87082", "\ud800", "2" * 10_000])
def test_a_malformed_code_is_wrong(code: str) -> None:
    assert matching_step(SECRET, code, datetime.fromtimestamp(59, UTC)) is None


def test_a_secret_has_160_random_bits() -> None:
    assert len(base64.b32decode(new_secret())) == 20
    assert new_secret() != new_secret()


def test_the_uri_names_the_bank_and_the_account() -> None:
    assert (
        key_uri(SECRET, "ann@example.com") == f"otpauth://totp/MoSafe:ann%40example.com?secret={SECRET}&issuer=MoSafe"
    )
