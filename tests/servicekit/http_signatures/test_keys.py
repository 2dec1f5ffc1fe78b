"""Keys, their ids, and the texts that are no keys. Covers `ed25519_keys.py` beside `keys.py`."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from servicekit.http_signatures.ed25519_keys import Ed25519SigningKey, Ed25519VerificationKey
from servicekit.http_signatures.keys import MIN_SECRET_BYTES, HmacKey
from tests.servicekit.http_signatures.test_rfc_9421_vectors import PRIVATE_KEY, PUBLIC_KEY

SECRET = b"s" * MIN_SECRET_BYTES


def test_two_secrets_have_different_ids_and_one_secret_always_the_same() -> None:
    assert HmacKey(SECRET).id == HmacKey(SECRET).id != HmacKey(SECRET + b"s").id
    assert HmacKey(SECRET).id.startswith("hmac-")
    assert HmacKey(SECRET, "router-2026").id == "router-2026"


def test_both_halves_of_a_key_pair_have_the_same_id() -> None:
    assert Ed25519SigningKey(PRIVATE_KEY).id == Ed25519VerificationKey(PUBLIC_KEY).id
    assert Ed25519SigningKey(PRIVATE_KEY, "a").id == Ed25519VerificationKey(PUBLIC_KEY, "a").id == "a"


def test_a_short_secret_is_refused_without_being_named() -> None:
    with pytest.raises(ValueError, match=f"at least {MIN_SECRET_BYTES} bytes") as refused:
        HmacKey(b"hunter2")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("key_id", ["", 'a"b', "a\\b", "a b", "é", "x" * 101])
def test_an_id_that_would_need_escapes_is_refused(key_id: str) -> None:
    for make in (
        lambda: HmacKey(SECRET, key_id),
        lambda: Ed25519SigningKey(PRIVATE_KEY, key_id),
        lambda: Ed25519VerificationKey(PUBLIC_KEY, key_id),
    ):
        with pytest.raises(ValueError, match="id of a key"):
            make()


def _elliptic_curve() -> bytes:
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _encrypted() -> bytes:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))


@pytest.mark.parametrize("pem", [b"", b"text", PUBLIC_KEY, _elliptic_curve(), _encrypted()])
def test_only_an_ed25519_private_key_signs(pem: bytes) -> None:
    with pytest.raises(ValueError, match="not a PEM file with an unencrypted Ed25519 private key"):
        Ed25519SigningKey(pem)


def _public_elliptic_curve() -> bytes:
    key = generate_private_key(SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("pem", [b"", b"text", PRIVATE_KEY, _public_elliptic_curve()])
def test_only_an_ed25519_public_key_verifies(pem: bytes) -> None:
    with pytest.raises(ValueError, match="not a PEM file with an Ed25519 public key"):
        Ed25519VerificationKey(pem)
