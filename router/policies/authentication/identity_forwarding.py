"""Makes the headers that tell subgraphs who the client is (`authentication.forward`).

A header contains a claim of the client, or a short-lived token that the router signs.
"""

from __future__ import annotations

import json
import time
import urllib.parse
from typing import TYPE_CHECKING, Final

import jwt

from router.storage.lru import Lru

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.request.identity import Identity
    from router.settings.sections.authentication import IdentityForwarding, IdentityToken

_CACHED_IDENTITIES: Final = 10_000
# Characters that are not percent-encoded: all printable ASCII characters except `%`. So usual values stay readable.
_READABLE: Final = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


class IdentityHeaders:
    """Makes the headers with the identity of a client, for the fetches of a request."""

    def __init__(self, settings: IdentityForwarding, clock: Callable[[], float] = time.time) -> None:
        self._claims = tuple(settings.headers.items())
        self._signer = _Signer(settings.token, clock) if settings.token is not None else None
        self._proof_key = settings.proof_key
        self.names = settings.header_names

    def of(self, identity: Identity) -> dict[str, str]:
        """Return the values of the identity headers, by header name."""
        headers = {
            name: header_value(identity.claims[claim]) for name, claim in self._claims if claim in identity.claims
        }
        if self._signer is not None:
            headers[self._signer.header] = self._signer.token(identity)
        if self._proof_key is not None and identity.proof_key is not None:
            headers[self._proof_key] = header_value(identity.proof_key)
        return headers


def header_value(claim: object) -> str:
    """Return the value of a claim as the value of a header (RFC 9110 §5.5).

    A text stays as it is. A list of texts is joined with spaces. Any other value is written as JSON. The character `%`,
    and characters that a header cannot have, are percent-encoded (RFC 3986 §2.1). So a claim with a line break cannot
    add another header.
    """
    if isinstance(claim, list) and all(isinstance(each, str) for each in claim):
        claim = " ".join(claim)
    text = claim if isinstance(claim, str) else json.dumps(claim, separators=(",", ":"))
    return urllib.parse.quote(text, safe=_READABLE, errors="surrogatepass")


class _Signer:
    """Signs tokens with the identity of a client.

    Signing is slow, so a token is used again for further requests until half of its lifetime has passed.
    """

    def __init__(self, settings: IdentityToken, clock: Callable[[], float]) -> None:
        self.header = settings.header
        self._settings = settings
        self._secret = settings.secret.get_secret_value()
        self._clock = clock
        # Maps an `Identity` object to its token, with the time at which a new token is signed. Requests with the same
        # verified access token share one `Identity` object (`verified_token_cache`).
        self._tokens: Lru[Identity, tuple[float, str]] = Lru(
            max_entries=_CACHED_IDENTITIES, max_weight=_CACHED_IDENTITIES
        )

    def token(self, identity: Identity) -> str:
        now = self._clock()
        found = self._tokens.get(identity)
        if found is not None and now < found[0]:
            return found[1]
        token = self._sign(identity.claims, now)
        self._tokens.put(identity, (now + self._settings.lifetime / 2, token), 1)
        return token

    def _sign(self, claims: Mapping[str, object], now: float) -> str:
        settings = self._settings
        own = {"iss": settings.issuer, "aud": settings.audience, "iat": int(now), "exp": int(now + settings.lifetime)}
        copied = {name: claims[name] for name in settings.claims if name in claims}
        return jwt.encode({**copied, **own}, self._secret, algorithm="HS256", headers={"typ": "JWT"})
