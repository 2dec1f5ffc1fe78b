from __future__ import annotations

import pytest

from servicekit.errors import ConfigurationError
from subgraphs.auth.sealing import Sealer, derive_key

SEALER = Sealer("s" * 32, "tests")


def test_a_sealed_secret_is_opened_and_not_readable() -> None:
    sealed = SEALER.seal(b"JBSWY3DPEHPK3PXP", bound_to=b"ann")
    assert b"JBSW" not in sealed
    assert SEALER.open(sealed, bound_to=b"ann") == b"JBSWY3DPEHPK3PXP"
    assert SEALER.seal(b"JBSWY3DPEHPK3PXP", bound_to=b"ann") != sealed


@pytest.mark.parametrize(
    ("sealer", "bound_to"),
    [(Sealer("x" * 32, "tests"), b"ann"), (Sealer("s" * 32, "others"), b"ann"), (SEALER, b"bob")],
)
def test_another_secret_purpose_or_owner_does_not_open_it(sealer: Sealer, bound_to: bytes) -> None:
    with pytest.raises(ConfigurationError, match="AUTH_JWT_SECRET"):
        sealer.open(SEALER.seal(b"secret", bound_to=b"ann"), bound_to=bound_to)


@pytest.mark.parametrize("at", [0, 12, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    sealed = bytearray(SEALER.seal(b"secret", bound_to=b"ann"))
    sealed[at] ^= 1
    with pytest.raises(ConfigurationError):
        SEALER.open(bytes(sealed), bound_to=b"ann")


def test_each_purpose_has_its_own_key() -> None:
    keys = {derive_key(secret, purpose) for secret in ("s" * 32, "x" * 32) for purpose in ("a", "b")}
    assert {len(key) for key in keys} == {32}
    assert len(keys) == 4
