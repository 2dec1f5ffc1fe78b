"""The keys of signatures (RFC 9421 §3.3): the interface, and HMAC with SHA-256.

The id of a key is in each signature (`keyid`), so the verifier can have several keys. That makes the rotation of keys
possible: the verifier gets the new key, then the signer changes to it, then the verifier loses the old key. By default,
the id is computed from the key, so that two keys never have the same id.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final, Literal, Protocol

Algorithm = Literal["hmac-sha256", "ed25519"]

MIN_SECRET_BYTES: Final = 32
"""The shortest secret of an HMAC key: the length of a SHA-256 digest (RFC 2104 §3)."""

# A key id needs no escapes in `Signature-Input`.
_KEY_ID: Final = re.compile(r"[A-Za-z0-9._:/@+=-]{1,100}")


class SigningKey(Protocol):
    """A key that signs."""

    @property
    def id(self) -> str: ...

    @property
    def algorithm(self) -> Algorithm: ...

    def sign(self, base: bytes) -> bytes:
        """Return the signature of a signature base."""


class VerificationKey(Protocol):
    """A key that verifies signatures of one algorithm. A signature cannot choose another algorithm for the key."""

    @property
    def id(self) -> str: ...

    @property
    def algorithm(self) -> Algorithm: ...

    def is_signature(self, signature: bytes, base: bytes) -> bool:
        """Return whether `signature` is a signature of `base` by this key."""


def check_key_id(key_id: str) -> str:
    """Return `key_id`.

    Raises:
        ValueError: it is empty, too long, or has a character other than letters, digits and `._:/@+=-`.
    """
    if _KEY_ID.fullmatch(key_id) is None:
        raise ValueError("the id of a key has 1 to 100 letters, digits and characters of ._:/@+=-")
    return key_id


class HmacKey:
    """A secret that signer and verifier share (`hmac-sha256`, RFC 9421 §3.3.3)."""

    algorithm: Algorithm = "hmac-sha256"

    def __init__(self, secret: bytes, key_id: str | None = None) -> None:
        """Create the key.

        Raises:
            ValueError: the secret has fewer than `MIN_SECRET_BYTES`, or the id has a character that is not allowed.
        """
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(f"the secret of a signature has at least {MIN_SECRET_BYTES} bytes")
        self._secret = secret
        # The default id is a short HMAC of a fixed text. It does not reveal the secret, and nobody can use it as a
        # signature: a signature base is never as short as this text.
        self.id = check_key_id(key_id) if key_id is not None else f"hmac-{self.sign(b'key id')[:8].hex()}"

    def sign(self, base: bytes) -> bytes:
        return hmac.digest(self._secret, base, hashlib.sha256)

    def is_signature(self, signature: bytes, base: bytes) -> bool:
        return hmac.compare_digest(signature, self.sign(base))
