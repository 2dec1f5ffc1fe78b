"""Access tokens (JWTs of RFC 9068, signed) and refresh tokens (opaque, random)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bank import values
from bank.identity import AUDIENCE, TOKEN_TYPE
from subgraphs.auth.domain import ACCESS_LIFETIME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from subgraphs.auth.api_keys.api_key import ApiKey
    from subgraphs.auth.authentication import Authentication
    from subgraphs.auth.domain import Session, User
    from subgraphs.auth.key_ring import KeyRing

_REFRESH_TOKEN_BYTES: Final = 32
_IDENTIFIER_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token. `expires_in` is the number of seconds until it expires."""

    text: str
    expires_in: int


class AccessTokens:
    """Issues access tokens."""

    def __init__(self, *, issuer: str, keys: KeyRing, clock: Callable[[], datetime] = values.now) -> None:
        self._issuer = issuer
        self._keys = keys
        self._clock = clock

    async def issue(self, user: User, session: Session) -> AccessToken:
        """Return a token for `user`. It expires when `session` expires, or earlier."""
        return await self._issue(user, session, {"scope": "", **proof_claims(session.authentication)})

    async def issue_to_machine(self, user: User, session: Session, key: ApiKey) -> AccessToken:
        """Return a token with the scopes of an API key. It does not say that the user has proved their identity."""
        claims = {"client_id": f"api-key:{key.id}", "scope": " ".join(sorted(key.scopes))}
        return await self._issue(user, session, claims)

    async def _issue(self, user: User, session: Session, kind: Mapping[str, object]) -> AccessToken:
        """Return a token with the claims `kind`, which say what the token is good for."""
        now = self._clock()
        expires_at = min(now + ACCESS_LIFETIME, session.expires_at)
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": user.id,
            "sid": session.id,
            "roles": sorted(user.roles),
            **kind,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": new_identifier(),
        }
        text = await self._keys.sign(claims, TOKEN_TYPE)
        return AccessToken(text, int((expires_at - now).total_seconds()))


def proof_claims(authentication: Authentication) -> dict[str, object]:
    """Return the claims that say how and when the user has proved their identity."""
    enrolled = authentication.factor_enrolled_at
    return {
        "acr": authentication.acr,
        "amr": authentication.amr,
        "auth_time": int(authentication.at.timestamp()),
        **({} if enrolled is None else {"factor_enrolled_at": int(enrolled.timestamp())}),
    }


def new_identifier() -> str:
    """Return an id of a session or token, which has 128 random bits."""
    return secrets.token_hex(_IDENTIFIER_BYTES)


def new_refresh_token() -> str:
    """Return a refresh token of 256 random bits, in URL-safe characters."""
    return secrets.token_urlsafe(_REFRESH_TOKEN_BYTES)


def next_refresh_token(refresh_token: str, key: bytes) -> str:
    """Return the refresh token that follows `refresh_token` in its session.

    It is derived from the token and the secret `key`, so the same token always has the same successor, and the store
    needs only digests. Without the key, nobody can derive a token from an older one.
    """
    mac = hmac.digest(key, refresh_token.encode("utf-8", "surrogatepass"), "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def digest(refresh_token: str) -> bytes:
    """Return the SHA-256 digest of a refresh token, which is stored instead of the token.

    Any text is accepted, because a client may send any text as a token.
    """
    return hashlib.sha256(refresh_token.encode("utf-8", "surrogatepass")).digest()
