"""What the endpoints of the authorization server share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bank.identity import TokenVerifier
    from servicekit.dpop.nonces import Nonces
    from subgraphs.auth.attempts import Origin
    from subgraphs.auth.context import AuthServices
    from subgraphs.auth.key_ring import KeyRing
    from subgraphs.auth.oauth.grants import Grants
    from subgraphs.auth.oauth.oauth_tokens import OAuthTokens
    from subgraphs.auth.oauth.passkey_pages import PasskeyPages
    from subgraphs.auth.oauth.store import OAuthStore
    from subgraphs.auth.sessions.session_service import Clocks
    from subgraphs.auth.store.protocol import AuthStore


@dataclass(frozen=True, slots=True)
class OAuthServer:
    """The parts of the running authorization server.

    Attributes:
        issuer: the URL that clients know the server by: the claim `iss`.
        form_key: authenticates the tokens of forms (`browser_login.form_token`).
        passkeys: where passkeys work; None if they work nowhere.
        account_url: with which URLs of the pages of the user's account begin: `AUTH_PUBLIC_URL`, or empty.
        nonces: makes the nonces that DPoP proofs must contain; None: they need none.
        origin: returns the networks from which the current request comes, for limits.
    """

    issuer: str
    store: AuthStore
    services: AuthServices
    keys: KeyRing
    verifier: TokenVerifier
    grants: Grants
    tokens: OAuthTokens
    form_key: bytes
    clocks: Clocks
    passkeys: PasskeyPages | None
    account_url: str
    nonces: Nonces | None
    origin: Callable[[], Origin]

    @property
    def oauth(self) -> OAuthStore:
        return self.store.oauth

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach the server by https, so that cookies can be limited to it."""
        return self.issuer.startswith("https://")

    def expired_before(self) -> datetime:
        """Return the time before which something must have expired to be deleted."""
        return min(self.clocks.now(), self.clocks.for_deletion())

    def clock(self) -> datetime:
        return self.clocks.now()

    def url(self, path: str) -> str:
        """Return the URL of a path of this server."""
        return f"{self.issuer.rstrip('/')}{path}"
