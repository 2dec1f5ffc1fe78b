"""Encrypts cached values, so that a reader of the Redis learns no balances, and a writer cannot forge any."""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12


class SealedValues:
    """Encrypts values with AES-256-GCM. A sealed value is valid only in the place for which it was made."""

    def __init__(self, key: bytes) -> None:
        """`key` has 32 bytes."""
        self._cipher = AESGCM(key)

    def seal(self, value: bytes, place: str) -> bytes:
        """Encrypt `value` for `place`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes | None:
        """Return the value, or None if it was not sealed with this key for this place."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            return None
