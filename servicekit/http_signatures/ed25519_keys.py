"""Ed25519 keys (RFC 9421 §3.3.6): the signer has the private key, and verifiers have only the public key.

A process that only verifies cannot sign. So whoever breaks into a subgraph cannot sign requests to other subgraphs.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from servicekit.http_signatures.keys import Algorithm, check_key_id


class Ed25519SigningKey:
    """A private key."""

    algorithm: Algorithm = "ed25519"

    def __init__(self, pem: bytes, key_id: str | None = None) -> None:
        """Read the key from a PEM text in the format PKCS #8.

        Raises:
            ValueError: the text has no unencrypted Ed25519 private key, or the id has a character that is not allowed.
        """
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError):  # TypeError: the key is encrypted. No message has a part of the key.
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("not a PEM file with an unencrypted Ed25519 private key")  # noqa: TRY004  (the text is wrong)
        self._key = key
        self.id = check_key_id(key_id) if key_id is not None else _fingerprint(key.public_key())

    def sign(self, base: bytes) -> bytes:
        return self._key.sign(base)


class Ed25519VerificationKey:
    """A public key."""

    algorithm: Algorithm = "ed25519"

    def __init__(self, pem: bytes, key_id: str | None = None) -> None:
        """Read the key from a PEM text in the format SubjectPublicKeyInfo.

        Raises:
            ValueError: the text has no Ed25519 public key, or the id has a character that is not allowed.
        """
        try:
            key = load_pem_public_key(pem)
        except ValueError:
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("not a PEM file with an Ed25519 public key")  # noqa: TRY004  (the text is wrong)
        self._key = key
        self.id = check_key_id(key_id) if key_id is not None else _fingerprint(key)

    def is_signature(self, signature: bytes, base: bytes) -> bool:
        try:
            self._key.verify(signature, base)
        except InvalidSignature:
            return False
        return True


def _fingerprint(key: Ed25519PublicKey) -> str:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"ed25519-{hashlib.sha256(raw).digest()[:8].hex()}"
