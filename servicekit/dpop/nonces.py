"""`Nonces`: short texts of a server that a proof must contain, so that proofs cannot be made in advance.

A nonce is the time at which it was made, with a signature. So processes that have the same secret need no common store.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

HEADER: Final = "dpop-nonce"
"""The header of a response that tells the client the nonce for its next proofs (RFC 9449 §8)."""
USE_DPOP_NONCE: Final = "use_dpop_nonce"
"""The error of a request whose proof has no recent nonce (RFC 9449 §8, §9)."""
LIFETIME_SECONDS: Final = 300.0
"""How long a nonce can be used: long enough for a client to need a new one only now and then."""

_NONCE: Final = re.compile(r"([0-9a-f]{8,12})\.[A-Za-z0-9_-]{43}", re.ASCII)


class Nonces:
    """Makes and checks nonces (RFC 9449 §8, §9)."""

    def __init__(self, secret: str, lifetime: float = LIFETIME_SECONDS) -> None:
        """Create the nonces. They are valid at all processes with the same `secret`, for `lifetime` seconds."""
        self._secret = secret.encode()
        self._lifetime = lifetime

    def make(self, now: float) -> str:
        """Return the nonce of the Unix time `now`."""
        return self._signed(f"{int(now):08x}")

    def is_recent(self, nonce: object, now: float) -> bool:
        """Return whether `nonce` was made by `make`, and not too long ago."""
        match = _NONCE.fullmatch(nonce) if isinstance(nonce, str) else None
        if match is None or not hmac.compare_digest(self._signed(match[1]), match[0]):
            return False
        return 0 <= now - int(match[1], 16) <= self._lifetime

    def _signed(self, made_at: str) -> str:
        digest = hmac.digest(self._secret, f"dpop-nonce {made_at}".encode(), hashlib.sha256)
        return f"{made_at}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
