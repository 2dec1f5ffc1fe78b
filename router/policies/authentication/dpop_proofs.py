"""`DpopProofs`: checks that the client has the key to which its access token is bound (DPoP, RFC 9449).

    Authorization: DPoP <token>      the claim `cnf` of the token has the thumbprint of a public key
    DPoP: <proof>                    a JWT: its header has the public key, and the private key has signed it

A proof is for one token, method and URL, and can be used once. A bound token without a proof is refused, because the
token may be stolen. A token that is not bound is refused if it is sent with the scheme `DPoP`.

A server in front of the router, such as a REST layer, gets proofs for URLs of its own. It checks them, and sends a
signed statement instead of the proof (`servicekit.dpop.statements`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from router.policies.authentication.refusals import CredentialRefused, CredentialUndecided, NonceMissing, ProofRefused
from router.request.security_events import SecurityEvent, report
from servicekit.dpop import statements
from servicekit.dpop.nonces import Nonces
from servicekit.dpop.proofs import SCHEME, InvalidProof, normalised, read_proof
from servicekit.dpop.used_proofs import ProofMemory, ProofsUnavailable, TooManyProofs

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from router.policies.authentication.token_sources import FoundToken
    from router.request.identity import Identity
    from router.request.request_and_response import GraphQLRequest
    from router.settings.sections.dpop import Dpop, DpopRedis
    from servicekit.dpop.used_proofs_in_redis import UsedProofsInRedis


class DpopProofs:
    """Checks the proofs of requests by the settings `authentication.jwt.dpop`."""

    def __init__(self, settings: Dpop, clock_skew: float, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._urls = frozenset(map(normalised, settings.urls))
        self._clock_skew = clock_skew
        self._clock = clock
        secret = settings.nonce_secret
        self._nonces = Nonces(secret.get_secret_value(), settings.nonce_lifetime) if secret is not None else None
        shared = _in_redis(settings.redis) if settings.redis is not None else None
        self._used = ProofMemory(settings.remembered_proofs, shared)

    async def check(self, identity: Identity, token: FoundToken, request: GraphQLRequest) -> str | None:
        """Check the proof of a request whose token is valid.

        Return the thumbprint of the key that the proof proves, or None for a token that needs no proof.

        Raises:
            ProofRefused: The token needs a proof, and the request has none that is valid for it.
            NonceMissing: The proof has no recent nonce.
            CredentialUndecided: The proof cannot be remembered now.
        """
        confirmation = identity.claims.get("cnf")
        bound_to = confirmation.get("jkt") if isinstance(confirmation, dict) else None
        if token.scheme != SCHEME:
            if bound_to is not None:
                raise ProofRefused("bound token without proof")
            if self._settings.mode == "require":
                raise CredentialRefused("token is not bound")
            return None
        if not isinstance(bound_to, str):
            raise CredentialRefused("token is not bound")
        try:
            if self._settings.statement_secret is not None and statements.HEADER in request.headers:
                await self._check_statement(bound_to, token, request)
            else:
                await self._check_proof(bound_to, token, request)
        except InvalidProof as error:
            raise ProofRefused(f"proof: {error.reason}") from error
        return bound_to

    def inherit(self, previous: DpopProofs) -> None:
        """Take over the used proofs of `previous`, the object before a reload."""
        self._used.inherit(previous._used)

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        await self._used.aclose()

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
        await self._check_first_use(proof.digest, _http_request(request), now, settings.lifetime + 2 * skew)

    async def _check_statement(self, bound_to: str, token: FoundToken, request: GraphQLRequest) -> None:
        secret = self._settings.statement_secret
        assert secret is not None  # noqa: S101 - the caller has checked it
        text = request.headers[statements.HEADER]
        statement = statements.read_statement(text, secret.get_secret_value(), clock_skew=self._clock_skew)
        statement.check(bound_to, token.text)
        now, proof = self._clock(), statement.proof
        seconds = statements.LIFETIME_SECONDS + 2 * self._clock_skew
        await self._check_first_use(statement.digest, _http_request(request), now, seconds)
        # All statements for one request of the client have the same proof.
        digest, seconds = bytes.fromhex(proof.proof_digest), statements.MAX_PROOF_SECONDS
        await self._check_first_use(digest, proof.request, now, seconds)

    async def _check_first_use(self, digest: bytes, request: Hashable, now: float, seconds: float) -> None:
        try:
            is_new = await self._used.use(digest, request, now=now, seconds=seconds)
        except TooManyProofs as error:
            raise CredentialUndecided from error
        except ProofsUnavailable as error:
            report(SecurityEvent.PROOFS_UNAVAILABLE, reason=str(error))
            raise CredentialUndecided from error
        if not is_new:
            raise ProofRefused("proof: used before")

    def _is_our_url(self, url: str, request: GraphQLRequest) -> bool:
        suffix = f"/{request.document_id}" if request.document_id is not None else ""
        return url in self._urls or (bool(suffix) and url.removesuffix(suffix) in self._urls)


def _http_request(request: GraphQLRequest) -> Hashable:
    """Return what identifies the HTTP request of an operation. The operations of a batch are one HTTP request."""
    # All operations of a batch have the same `headers` object and the same deadline. Two different HTTP requests never
    # have both in common: while both requests exist, their `headers` are different objects, and a request that arrives
    # later has another deadline.
    return (id(request.headers), request.deadline) if request.deadline is not None else object()


def _in_redis(settings: DpopRedis) -> UsedProofsInRedis:
    from servicekit.dpop import used_proofs_in_redis  # noqa: PLC0415  (the Redis client takes long to import, and few routers use Redis)

    return used_proofs_in_redis.UsedProofsInRedis(settings.url.get_secret_value(), settings.timeout, settings.prefix)
