from __future__ import annotations

import pytest

from subgraphs.transaction.payments.webhook_signature import TOLERANCE_SECONDS, WebhookRefused, sign, verify

OLD, NEW, STRANGE = "o" * 32, "n" * 32, "s" * 32
NOW, BODY = 1_767_225_600, b'{"id":"evt_1"}'


def test_the_code_is_that_of_other_implementations() -> None:
    # printf '1767225600.{"id":"evt_1"}' | openssl dgst -sha256 -hmac nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn
    code = "6ba40bf60d7bee67f33d065a3d610b03f0193fd16e32bc4b3f200a4980358d00"
    assert sign(BODY, [NEW], NOW) == f"t={NOW},v1={code}"


@pytest.mark.parametrize(
    ("signed_with", "known"),
    [((NEW,), (NEW,)), ((OLD,), (NEW, OLD)), ((NEW, OLD), (OLD,)), ((STRANGE, NEW), (NEW, OLD))],
)
def test_one_pair_of_secrets_that_agrees_is_enough(signed_with: tuple[str, ...], known: tuple[str, ...]) -> None:
    head = verify(sign(BODY, signed_with, NOW), BODY, known, NOW)
    assert (head.created, head.ends) == (NOW, NOW + TOLERANCE_SECONDS)
    assert head.nonce == verify(sign(BODY, [known[0]], NOW), BODY, known, NOW).nonce


@pytest.mark.parametrize("seconds", [-TOLERANCE_SECONDS, 0, TOLERANCE_SECONDS])
def test_the_tolerance_is_on_both_sides(seconds: int) -> None:
    assert verify(sign(BODY, [NEW], NOW + seconds), BODY, [NEW], NOW).created == NOW + seconds


CODE = sign(BODY, [NEW], NOW).partition("v1=")[2]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "no signature"),
        ("", "no signature"),
        (sign(BODY, [STRANGE], NOW), "wrong signature"),
        (sign(b"{}", [NEW], NOW), "wrong signature"),
        (f"t={NOW + 1},v1={CODE}", "wrong signature"),
        (sign(BODY, [NEW], NOW - TOLERANCE_SECONDS - 1), "too old"),
        (sign(BODY, [NEW], NOW + TOLERANCE_SECONDS + 1), "from the future"),
        (f"t={NOW},v1={CODE.upper()}", "malformed signature"),
        (f"t={NOW},v1={CODE}0", "malformed signature"),
        (f"t={NOW},v1=", "malformed signature"),
        (f"t={NOW}", "malformed signature"),
        (f"v1={CODE}", "malformed signature"),
        (f"t={NOW},t={NOW},v1={CODE}", "malformed signature"),
        (f"t=-{NOW},v1={CODE}", "malformed signature"),
        (f"t={NOW}.0,v1={CODE}", "malformed signature"),
        (f"t=٣,v1={CODE}", "malformed signature"),
        (f"t={'9' * 400},v1={CODE}", "malformed signature"),
        (f"t={NOW}" + f",v1={CODE}" * 5, "malformed signature"),
        (f"t={NOW},v0={CODE}", "malformed signature"),
        (f"t={NOW},v1=" + "é" * 64, "malformed signature"),
    ],
)
def test_any_other_signature_is_refused(header: str | None, reason: str) -> None:
    with pytest.raises(WebhookRefused) as refused:
        verify(header, BODY, [NEW, OLD], NOW)
    assert refused.value.reason == reason
