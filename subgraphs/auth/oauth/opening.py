"""Makes the authorization server from the open parts of the auth service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from servicekit import client_address
from servicekit.dpop.nonces import Nonces
from subgraphs.auth.attempts import Origin
from subgraphs.auth.oauth.grants import Grants
from subgraphs.auth.oauth.oauth_tokens import OAuthTokens
from subgraphs.auth.oauth.passkey_pages import PasskeyPages
from subgraphs.auth.oauth.server import OAuthServer
from subgraphs.auth.sealing import derive_key

if TYPE_CHECKING:
    from bank.identity import TokenVerifier
    from subgraphs.auth.context import AuthServices
    from subgraphs.auth.key_ring import KeyRing
    from subgraphs.auth.sessions.session_service import Clocks
    from subgraphs.auth.settings import AuthSettings
    from subgraphs.auth.store.protocol import AuthStore

_FORM_KEY_PURPOSE: Final = "forms of the authorization server"
_REFRESH_KEY_PURPOSE: Final = "next refresh tokens of clients"


@dataclass(frozen=True, slots=True)
class OAuthParts:
    """The parts of the auth service that the authorization server uses, too."""

    store: AuthStore
    services: AuthServices
    keys: KeyRing
    verifier: TokenVerifier
    clocks: Clocks


def open_oauth(settings: AuthSettings, parts: OAuthParts) -> OAuthServer:
    """Return the authorization server.

    Raises:
        StartupError: the generated secret cannot be read or created.
    """

    def origin() -> Origin:
        return Origin.of(client_address.current().client, limits_loopback=settings.is_production)

    secret = settings.key_encryption_secret()
    nonce_secret = settings.dpop_nonce_secret
    next_key = derive_key(secret, _REFRESH_KEY_PURPOSE)
    return OAuthServer(
        issuer=settings.issuer,
        store=parts.store,
        services=parts.services,
        keys=parts.keys,
        verifier=parts.verifier,
        grants=Grants(parts.store, parts.services.sessions, parts.clocks, next_key),
        tokens=OAuthTokens(issuer=settings.issuer, keys=parts.keys, clock=parts.clocks.now),
        form_key=derive_key(secret, _FORM_KEY_PURPOSE),
        clocks=parts.clocks,
        passkeys=PasskeyPages.of(settings.relying_party, settings.issuer),
        account_url=settings.public_url or "",
        nonces=None if nonce_secret is None else Nonces(nonce_secret.get_secret_value()),
        origin=origin,
    )
