"""Secrets at rest: each is encrypted with a key that is derived from `AUTH_JWT_SECRET`.

A `Sealer` is for one purpose, such as signing keys. Each purpose has its own key (HKDF, RFC 5869), so a sealed text of
one purpose cannot be opened as one of another purpose:

```python
sealer = Sealer(settings.key_encryption_secret(), "second factors")
sealed = sealer.seal(b"JBSWY3DPEHPK3PXP", bound_to=user_id.encode())
sealer.open(sealed, bound_to=user_id.encode())
```

`mosafe auth keys reseal` replaces `AUTH_JWT_SECRET`. So everything that is sealed must be sealed again there, in the
same database transaction (`subgraphs.auth.resealing`).
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from servicekit.errors import ConfigurationError

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


def derive_key(secret: str, purpose: str) -> bytes:
    """Return a 256-bit key for one purpose. It changes only if `secret` changes."""
    derivation = HKDF(hashes.SHA256(), length=_KEY_BYTES, salt=None, info=f"mosafe auth: {purpose}".encode())
    return derivation.derive(secret.encode())


class Sealer:
    """Encrypts texts of one purpose with AES-256-GCM."""

    def __init__(self, secret: str, purpose: str) -> None:
        self._cipher = AESGCM(derive_key(secret, purpose))

    def seal(self, plain: bytes, *, bound_to: bytes) -> bytes:
        """Return the nonce and the ciphertext of `plain`.

        Args:
            plain: the secret.
            bound_to: the data to which the secret belongs, such as the id of its row. The secret can only be opened
                with the same data, so nobody can move it to another row.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, bound_to)

    def open(self, sealed: bytes, *, bound_to: bytes) -> bytes:
        """Return the secret that was sealed.

        Raises:
            ConfigurationError: it was sealed with another `AUTH_JWT_SECRET`, for another purpose or other data.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
        except InvalidTag:
            raise ConfigurationError("AUTH_JWT_SECRET", "a stored secret was encrypted with another secret") from None
