"""Verifies access tokens (JSON Web Tokens), and returns the identity of the client.

The checks follow RFC 8725 (best practices for JWT). The text of a token decides only which of the configured issuers is
used, and which key of this issuer. A token is refused if a field of its header contains a key or the address of a key,
or changes how a key is used. At most one signature is verified for a token. The response to the client is the same for
every invalid token.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import jwt

from router.policies.authentication.refusals import CredentialRefused
from router.policies.authentication.verified_token_cache import VerifiedToken, VerifiedTokens
from router.request.identity import Identity, scopes_of
from servicekit.dpop.proofs import FORBIDDEN_HEADER, NOT_VALID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router.policies.authentication.token_sources import FoundToken
    from router.settings.sections.authentication import Jwt, JwtIssuer
    from servicekit.key_set import KeySet, KeySource

MAX_CHARACTERS: Final = 16_384
"""The maximum length of a token; a longer token is refused. Tokens of real issuers are much shorter.
"""

# The compact form of a signed token (RFC 7515 §7.1), and its characters (RFC 4648 §5).
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


class Issuer(NamedTuple):
    """An issuer whose tokens are accepted, with the source of its keys."""

    settings: JwtIssuer
    keys: KeySource


class _Unverified(NamedTuple):
    """The values of a token that choose the key for its verification.

    These values are not verified, so they have no other use.
    """

    issuer: Issuer
    algorithm: str
    key_id: str | None


class JwtVerifier:
    """Verifies tokens of the issuers in the settings, and remembers verified tokens."""

    def __init__(self, settings: Jwt, issuers: Sequence[Issuer]) -> None:
        self._settings = settings
        self._checks_revocation = settings.revocation is not None or settings.revocation_check is not None
        self.issuers: Mapping[str, Issuer] = {each.settings.issuer: each for each in issuers}
        self.verified = VerifiedTokens(settings.cached_tokens)

    def known(self, token: FoundToken) -> Identity | None:
        """Return the identity of a token that was verified before; None if the token must be verified."""
        found = self.verified.get(token)
        return found.identity if found is not None else None

    async def verify(self, token: FoundToken) -> Identity:
        """Verify the token, and return the identity of the client that sent it.

        Raises:
            CredentialRefused: The token is not valid.
            CredentialUndecided: The keys of the issuer are not available.
        """
        try:
            unverified = self._read(token.text)
            key = await unverified.issuer.keys.find(unverified.key_id, unverified.algorithm)
            if key is None:
                raise CredentialRefused("unknown key")
            keys = unverified.issuer.keys.current()
            claims = self._claims(token.text, key, unverified)
            return self._remember(token, claims, unverified.issuer, keys)
        except NOT_VALID as error:
            raise CredentialRefused(_reason(error)) from error

    def inherit(self, previous: JwtVerifier) -> None:
        """Take over the keys of `previous` for each issuer with the same settings.

        If no setting of `authentication.jwt` has changed, take over the verified tokens too.
        """
        sources: dict[KeySource, KeySource] = {}
        for name, issuer in self.issuers.items():
            old = previous.issuers.get(name)
            if old is not None and old.settings == issuer.settings:
                issuer.keys.inherit(old.keys)
                sources[old.keys] = issuer.keys
        if previous._settings == self._settings:
            self.verified.inherit(previous.verified, sources)

    def _read(self, text: str) -> _Unverified:
        if len(text) > MAX_CHARACTERS or _COMPACT.fullmatch(text) is None:
            raise CredentialRefused("not a token")
        parts = jwt.decode_complete(text, options={"verify_signature": False})
        header, claims = parts["header"], parts["payload"]
        name = claims.get("iss")
        issuer = self.issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise CredentialRefused("issuer")
        if header.get("alg") not in issuer.settings.algorithms:
            raise CredentialRefused("algorithm")
        if _type(header.get("typ", "JWT")) not in map(_type, issuer.settings.types):
            raise CredentialRefused("type")
        if FORBIDDEN_HEADER & header.keys():
            raise CredentialRefused("key in the token")
        return _Unverified(issuer, header["alg"], header.get("kid"))

    def _claims(self, text: str, key: jwt.PyJWK, unverified: _Unverified) -> Mapping[str, Any]:
        settings = unverified.issuer.settings
        audiences = settings.audiences
        required = ["iss", "exp", *settings.required_claims, *(("aud",) if audiences is not None else ())]
        return jwt.decode(
            text,
            key,
            algorithms=[unverified.algorithm],
            audience=audiences,
            issuer=settings.issuer,
            leeway=self._settings.clock_skew,
            options={"require": required, "verify_aud": audiences is not None},
        )

    def _remember(self, token: FoundToken, claims: Mapping[str, Any], issuer: Issuer, keys: KeySet | None) -> Identity:
        scopes = scopes_of(claims.get(self._settings.scope_claim))
        identity = Identity(claims, scopes, is_known_alive=self._checks_revocation)
        if keys is not None:
            expires_at = int(claims["exp"]) + self._settings.clock_skew
            self.verified.put(token, VerifiedToken(identity, expires_at, issuer.keys, keys))
        return identity


def _type(value: object) -> str | None:
    return value.lower().removeprefix("application/") if isinstance(value, str) else None


def _reason(error: Exception) -> str:
    """Return the reason why a token is not valid, for the log.

    PyJWT's messages can contain claims of the token, so only the class of the exception is used.
    """
    match error:
        case jwt.ExpiredSignatureError():
            return "expired"
        case jwt.ImmatureSignatureError():
            return "not valid yet"
        case jwt.InvalidAudienceError():
            return "audience"
        case jwt.MissingRequiredClaimError():
            return "missing claim"
        case jwt.InvalidSignatureError():
            return "signature"
        case _:
            return "malformed"
