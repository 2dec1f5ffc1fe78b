"""The texts of refresh tokens: opaque, random, and each derived from the one before.

```
7eXq0yVd2mJrH3kz5cVn8A.K1v…   first token of a session: <family>.<secret>
7eXq0yVd2mJrH3kz5cVn8A.pQ9…   next token: the same family, and a secret that is derived from the whole first token
```
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_FAMILY_BYTES: Final = 16
_SECRET_BYTES: Final = 32


def new_refresh_token() -> str:
    """Return the first refresh token of a session: `<family>.<secret>`, with 128 and 256 random bits.

    All tokens of the session have this family. It shows that a token that is not stored any more was one of them. Only
    holders of a token know the family, and they could end the session in any case, by sending a used token.
    """
    return f"{secrets.token_urlsafe(_FAMILY_BYTES)}.{secrets.token_urlsafe(_SECRET_BYTES)}"


def family_of(refresh_token: str) -> str | None:
    """Return the family of a refresh token; None if it has none, as those of earlier releases."""
    family, separator, _ = refresh_token.partition(".")
    return family if separator else None


def family_digest(refresh_token: str, digest: Callable[[str], bytes]) -> bytes | None:
    """Return the digest of a token's family, as sessions have it (`Session.family`); None if it has no family."""
    family = family_of(refresh_token)
    return None if family is None else digest(family)


def next_refresh_token(refresh_token: str, key: bytes) -> str:
    """Return the refresh token that follows `refresh_token` in its session. It has the same family.

    It is derived from the token and the secret `key`, so the same token always has the same successor, and the store
    needs only digests. Without the key, nobody can derive a token from an older one.
    """
    mac = hmac.digest(key, refresh_token.encode("utf-8", "surrogatepass"), "sha256")
    following = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    family = family_of(refresh_token)
    return following if family is None else f"{family}.{following}"
