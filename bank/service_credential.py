"""Authentication between services, by short-lived tokens that are signed with a shared secret.

The secret is `MOSAFE_SERVICE_SECRET`, or a file in the data directory that the first process creates.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import jwt

from bank.identity import LEEWAY_SECONDS, bearer_token
from bank.secret_file import read_or_create_secret
from servicekit.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from servicekit.settings import ProcessSettings

# The claim `aud` of tokens for the internal APIs of the account service and of the auth service. No other API accepts
# tokens between services.
ACCOUNT_INTERNAL = "account-internal"
AUTH_INTERNAL = "auth-internal"
# Maps an audience (the API that is called) to the services that may call it.
CALLERS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {ACCOUNT_INTERNAL: frozenset({"transaction"}), AUTH_INTERNAL: frozenset({"account", "transaction"})}
)
LIFETIME_SECONDS = 60
# How long a token is sent again. The receiver gets it long before it expires.
_REUSE_SECONDS: Final = 20
# How many tokens of other services are kept after their verification. A service sends three in a minute.
_MAX_VERIFIED_TOKENS: Final = 64
_ALGORITHM = "HS256"


class _VerifiedToken(NamedTuple):
    """The service that signed a token, and the claims `iat` and `exp`."""

    service: str
    issued: int
    expires: int


class ServiceCredential:
    """Signs and verifies tokens for calls between services. A token is valid for `LIFETIME_SECONDS`."""

    def __init__(self, secret: str, *, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock
        # The last token of each service and audience, with the time of its creation.
        self._signed: dict[tuple[str, str], tuple[int, str]] = {}
        self._verified: dict[tuple[str, str], _VerifiedToken] = {}

    @classmethod
    def load(cls, settings: ProcessSettings) -> ServiceCredential:
        if settings.service_secret is not None:
            return cls(settings.service_secret.get_secret_value())
        return cls(read_or_create_secret(settings.data_dir / "secrets" / "service.key"))

    def derive_key(self, purpose: str) -> bytes:
        """Return a 256-bit key for one purpose, such as signing cursors. The key changes only if the secret changes."""
        return hmac.new(self._secret.encode(), purpose.encode(), hashlib.sha256).digest()

    def authorization(self, *, service: str, audience: str) -> str:
        """Return the `Authorization` header for a request from `service` to `audience`."""
        now = int(self._clock())
        last = self._signed.get((service, audience))
        if last is not None and 0 <= now - last[0] < _REUSE_SECONDS:
            return last[1]
        claims = {"iss": service, "aud": audience, "iat": now, "exp": now + LIFETIME_SECONDS}
        header = f"Bearer {jwt.encode(claims, self._secret, algorithm=_ALGORITHM)}"
        self._signed[service, audience] = now, header
        return header

    def verify(self, authorization: str | None, *, audience: str) -> str:
        """Verify a token, and return the name of the calling service.

        The services sign only tokens with a short lifetime and their own names. Whoever has the leaked secret could
        sign a token that is valid for years, or that has any service name. The verifier refuses such tokens.

        Raises:
            Unauthenticated: the token is missing, malformed or expired, has a wrong signature, is for another audience,
                is valid for longer than `LIFETIME_SECONDS`, or comes from a service that may not call `audience`.
        """
        token = bearer_token(authorization or "")
        known = self._verified.get((token, audience))
        if known is not None and known.issued - LEEWAY_SECONDS <= time.time() < known.expires + LEEWAY_SECONDS:
            return known.service
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=audience,
                leeway=LEEWAY_SECONDS,
                options={"require": ["iss", "aud", "exp", "iat"]},
            )
        except jwt.InvalidTokenError as error:
            raise Unauthenticated from error
        service, issued, expires = claims["iss"], claims["iat"], claims["exp"]
        if not (isinstance(service, str) and isinstance(issued, int) and isinstance(expires, int)):
            raise Unauthenticated
        if service not in CALLERS.get(audience, ()) or expires - issued > LIFETIME_SECONDS:
            raise Unauthenticated
        if len(self._verified) >= _MAX_VERIFIED_TOKENS:
            self._verified.clear()
        self._verified[token, audience] = _VerifiedToken(service, issued, expires)
        return service
