"""Access tokens (JWTs of RFC 9068, signed), and identifiers and secrets with their digests."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bank import values
from bank.identity import AUDIENCE, TOKEN_TYPE
from bank.scopes import ENROLMENT
from subgraphs.auth.domain import ACCESS_LIFETIME
from subgraphs.auth.second_factor.requirement import Requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from subgraphs.auth.api_keys.api_key import ApiKey
    from subgraphs.auth.authentication import Authentication
    from subgraphs.auth.domain import Session, User
    from subgraphs.auth.key_ring import KeyRing

# The claim `client_id` of tokens with which a user can only enrol a second factor. No OAuth client has this id.
ENROLMENT_CLIENT: Final = "second-factor-enrolment"
_SECRET_BYTES: Final = 32
_IDENTIFIER_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token.

    Attributes:
        expires_in: the number of seconds until it expires.
        allows_enrolment_only: whether its user must enrol a second factor before anything else.
    """

    text: str
    expires_in: int
    allows_enrolment_only: bool = False


class AccessTokens:
    """Issues access tokens."""

    def __init__(
        self,
        *,
        issuer: str,
        keys: KeyRing,
        clock: Callable[[], datetime] = values.now,
        requirement: Requirement = Requirement.NOBODY,
    ) -> None:
        """`requirement` says which users must have shown a second factor."""
        self._requirement = requirement
        self._issuer = issuer
        self._keys = keys
        self._clock = clock

    async def issue(self, user: User, session: Session) -> AccessToken:
        """Return a token for `user`. It expires when `session` expires, or earlier.

        If a second factor is missing, the token allows nothing but to enrol one.
        """
        proof = proof_claims(session.authentication)
        if not self._requirement.is_missing(user.roles, session.authentication):
            return await self._issue(user, session, {"scope": "", **proof})
        limits = {"client_id": ENROLMENT_CLIENT, "scope": ENROLMENT, "roles": []}
        return replace(await self._issue(user, session, {**limits, **proof}), allows_enrolment_only=True)

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


def new_secret_token() -> str:
    """Return 256 random bits in URL-safe characters: the token of a link, or another secret."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def digest(refresh_token: str) -> bytes:
    """Return the SHA-256 digest of a refresh token, which is stored instead of the token.

    Any text is accepted, because a client may send any text as a token.
    """
    return hashlib.sha256(refresh_token.encode("utf-8", "surrogatepass")).digest()
