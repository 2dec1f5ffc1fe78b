"""`DpopProofs`: checks that the client has the key to which its access token is bound (DPoP, RFC 9449).

    Authorization: DPoP <token>      the claim `cnf` of the token has the thumbprint of a public key
    DPoP: <proof>                    a JWT: its header has the public key, and the private key has signed it

A proof is for one token, method and URL, and can be used once. A bound token without a proof is refused, because the
token may be stolen. A token that is not bound is refused if it is sent with the scheme `DPoP`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from router.policies.authentication.dpop_nonces import Nonces
from router.policies.authentication.refusals import CredentialRefused, CredentialUndecided, NonceMissing
from router.policies.authentication.used_proofs import ProofsUnavailable, TooManyProofs, UsedProofs
from router.request.security_events import SecurityEvent, report
from servicekit.dpop_proofs import SCHEME, InvalidProof, normalised, read_proof

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.policies.authentication.token_sources import FoundToken
    from router.policies.authentication.used_proofs_in_redis import UsedProofsInRedis
    from router.request.identity import Identity
    from router.request.request_and_response import GraphQLRequest
    from router.settings.sections.dpop import Dpop, DpopRedis
    from servicekit.dpop_proofs import Proof


class DpopProofs:
    """Checks the proofs of requests by the settings `authentication.jwt.dpop`."""

    def __init__(self, settings: Dpop, clock_skew: float, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._urls = frozenset(map(normalised, settings.urls))
        self._clock_skew = clock_skew
        self._clock = clock
        secret = settings.nonce_secret
        self._nonces = Nonces(secret.get_secret_value(), settings.nonce_lifetime) if secret is not None else None
        self._used = UsedProofs(settings.remembered_proofs)
        self._shared = _in_redis(settings.redis) if settings.redis is not None else None

    async def check(self, identity: Identity, token: FoundToken, request: GraphQLRequest) -> None:
        """Check the proof of a request whose token is valid.

        Raises:
            CredentialRefused: The token needs a proof, and the request has none that is valid for it.
            NonceMissing: The proof has no recent nonce.
            CredentialUndecided: The proof cannot be remembered now.
        """
        confirmation = identity.claims.get("cnf")
        bound_to = confirmation.get("jkt") if isinstance(confirmation, dict) else None
        if token.scheme != SCHEME:
            if bound_to is not None:
                raise CredentialRefused("bound token without proof")
            if self._settings.mode == "require":
                raise CredentialRefused("token is not bound")
            return
        if not isinstance(bound_to, str):
            raise CredentialRefused("token is not bound")
        try:
            await self._check_proof(bound_to, token, request)
        except InvalidProof as error:
            raise CredentialRefused(f"proof: {error.reason}") from error

    def inherit(self, previous: DpopProofs) -> None:
        """Take over the used proofs of `previous`, the object before a reload."""
        self._used.inherit(previous._used)

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        if self._shared is not None:
            await self._shared.aclose()

    async def _check_proof(self, bound_to: str, token: FoundToken, request: GraphQLRequest) -> None:
        settings, skew = self._settings, self._clock_skew
        text = request.headers.get("dpop", "")
        proof = read_proof(text, settings.algorithms, clock_skew=skew, required=("ath",))
        now = self._clock()
        proof.check_key(bound_to)
        methods = ("GET", "HEAD") if request.read_only else ("POST",)
        proof.check_request(methods, lambda url: self._is_our_url(url, request))
        proof.check_token(token.text)
        proof.check_age(now, settings.lifetime, skew)
        if self._nonces is not None and not self._nonces.is_recent(proof.claims.get("nonce"), now):
            raise NonceMissing(self._nonces.make(now))
        await self._check_first_use(proof, request, now)

    async def _check_first_use(self, proof: Proof, request: GraphQLRequest, now: float) -> None:
        digest = proof.digest
        # All operations of a batch have the same `headers` object and the same deadline. Two different HTTP requests
        # never have both in common: while both requests exist, their `headers` are different objects, and a request
        # that arrives later has another deadline.
        http_request = (id(request.headers), request.deadline) if request.deadline is not None else object()
        seconds = self._settings.lifetime + 2 * self._clock_skew
        try:
            is_new = self._used.use(digest, http_request, now=now, seconds=seconds)
            if is_new and self._shared is not None:
                is_new = await self._shared.use(digest, http_request, seconds)
        except TooManyProofs as error:
            raise CredentialUndecided from error
        except ProofsUnavailable as error:
            report(SecurityEvent.PROOFS_UNAVAILABLE, reason=str(error))
            raise CredentialUndecided from error
        if not is_new:
            raise CredentialRefused("proof: used before")

    def _is_our_url(self, url: str, request: GraphQLRequest) -> bool:
        suffix = f"/{request.document_id}" if request.document_id is not None else ""
        return url in self._urls or (bool(suffix) and url.removesuffix(suffix) in self._urls)


def _in_redis(settings: DpopRedis) -> UsedProofsInRedis:
    from router.policies.authentication import used_proofs_in_redis  # noqa: PLC0415  (the Redis client takes long to import, and few routers use Redis)

    return used_proofs_in_redis.UsedProofsInRedis(settings)
