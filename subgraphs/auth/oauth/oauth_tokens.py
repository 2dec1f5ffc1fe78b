"""Access tokens of clients (RFC 9068) and ID tokens (OpenID Connect Core §2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bank.identity import AUDIENCE, TOKEN_TYPE
from bank.scopes import EMAIL, PROFILE
from subgraphs.auth.domain import ACCESS_LIFETIME
from subgraphs.auth.oauth.scope_rules import roles_for, scope_text
from subgraphs.auth.tokens import AccessToken, new_identifier, proof_claims

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from subgraphs.auth.domain import User
    from subgraphs.auth.key_ring import KeyRing
    from subgraphs.auth.oauth.clients import Client
    from subgraphs.auth.oauth.grants import LiveGrant

# The session of the tokens that a client gets for itself. A client that is removed has its tokens revoked by this id.
MACHINE_SESSION: Final = "client:"


@dataclass(frozen=True, slots=True)
class Narrowing:
    """How one access token of a grant differs from the grant.

    Attributes:
        scopes: the scopes of the token, at most those of the grant.
        jkt: the thumbprint of the key to which the token is bound; None for a bearer token.
    """

    scopes: frozenset[str]
    jkt: str | None = None


class OAuthTokens:
    """Issues the tokens of clients."""

    def __init__(self, *, issuer: str, keys: KeyRing, clock: Callable[[], datetime]) -> None:
        self._issuer = issuer
        self._keys = keys
        self._clock = clock

    async def access_token(self, live: LiveGrant, narrowing: Narrowing) -> AccessToken:
        """Return an access token of a user's grant. It allows no more than the grant and the user's present roles."""
        claims = {
            "sub": live.user.id,
            "sid": live.session.id,
            "client_id": live.grant.client_id,
            "roles": roles_for(narrowing.scopes, live.user.roles),
            "scope": scope_text(narrowing.scopes),
            **proof_claims(live.session.authentication),
        }
        return await self._sign(claims, live.session.expires_at, narrowing.jkt)

    async def machine_token(self, client: Client, narrowing: Narrowing) -> AccessToken:
        """Return an access token with which a client acts for itself (RFC 6749 §4.4)."""
        claims = {
            "sub": client.id,
            "sid": f"{MACHINE_SESSION}{client.id}",
            "client_id": client.id,
            "roles": roles_for(narrowing.scopes, client.roles),
            "scope": scope_text(narrowing.scopes),
        }
        return await self._sign(claims, None, narrowing.jkt)

    async def id_token(self, live: LiveGrant) -> str:
        """Return an ID token: who the user is, and how and when they have logged in."""
        now = int(self._clock().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": live.grant.client_id,
            "sub": live.user.id,
            "sid": live.session.id,
            **user_claims(live.user, live.grant.scopes),
            **proof_claims(live.session.authentication),
            **({} if live.grant.nonce is None else {"nonce": live.grant.nonce}),
            "iat": now,
            "exp": now + int(ACCESS_LIFETIME.total_seconds()),
        }
        return await self._keys.sign(claims, "JWT")

    async def _sign(self, claims: dict[str, Any], session_end: datetime | None, jkt: str | None) -> AccessToken:
        now = self._clock()
        expires_at = now + ACCESS_LIFETIME if session_end is None else min(now + ACCESS_LIFETIME, session_end)
        complete = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            **claims,
            **({} if jkt is None else {"cnf": {"jkt": jkt}}),
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": new_identifier(),
        }
        return AccessToken(await self._keys.sign(complete, TOKEN_TYPE), int((expires_at - now).total_seconds()))


def user_claims(user: User, scopes: Collection[str]) -> dict[str, object]:
    """Return the claims about a user that `scopes` allow (OpenID Connect Core §5.4)."""
    claims: dict[str, object] = {}
    if PROFILE in scopes:
        claims["name"] = user.name
    if EMAIL in scopes:
        claims["email"] = user.email
    return claims
