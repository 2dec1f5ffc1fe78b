"""Access tokens that are bound to a key of the client, at the REST layer (DPoP, RFC 9449 §7).

    Authorization: DPoP <token>      the claim `cnf` of the token has the thumbprint of a public key
    DPoP: <proof>                    a JWT for the method and the public URL of this request, signed with the key

This layer checks the proof, because it knows the URL. The router checks the token, compares its key with the proved
one, and remembers the proof, so that it is used once at all processes. It learns what was proved from a signed
statement (`servicekit.dpop.statements`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bank.identity import bearer_token
from rest_compat.errors import DpopNonceRequired, InvalidDpopProof, Unauthenticated
from servicekit.dpop.nonces import HEADER as NONCE_HEADER
from servicekit.dpop.nonces import Nonces
from servicekit.dpop.proofs import SCHEME, InvalidProof, normalised, read_proof
from servicekit.dpop.statements import HEADER as STATEMENT_HEADER
from servicekit.dpop.statements import CheckedProof
from servicekit.errors import Unauthenticated as NoToken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic import SecretStr

ALGORITHMS: Final = ("ES256", "EdDSA")
HEADER: Final = "DPoP"
_LIFETIME_SECONDS: Final = 60
# The clocks of phones and computers of users differ by more than those of servers.
_CLOCK_SKEW_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class ProvedToken:
    """A bound access token, and what this layer states about its proof.

    Attributes:
        authorization: the value of the header for the router.
        proof: the checked proof.
        secret: signs the statements to the router.
        clock: returns Unix seconds.
    """

    authorization: str
    proof: CheckedProof
    secret: str
    clock: Callable[[], float]

    def headers(self) -> dict[str, str]:
        """Return the header with a statement for one request to the router."""
        return {STATEMENT_HEADER: self.proof.statement(self.secret, self.clock())}


class ProofChecker:
    """Checks the proofs of requests for URLs that begin with the public URL of this layer."""

    def __init__(
        self,
        public_url: str,
        statement_secret: SecretStr | None,
        nonce_secret: SecretStr | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Create the checker.

        Args:
            public_url: the beginning of the URLs for which proofs are made.
            statement_secret: signs the statements to the router; None: no bound token is accepted.
            nonce_secret: makes the nonces that proofs must contain; None: they need none.
            clock: returns Unix seconds.
        """
        self._base = public_url.rstrip("/")
        self._secret = None if statement_secret is None else statement_secret.get_secret_value()
        self._nonces = None if nonce_secret is None else Nonces(nonce_secret.get_secret_value())
        self._clock = clock

    @property
    def is_on(self) -> bool:
        """Whether this layer accepts bound tokens."""
        return self._secret is not None

    def check(self, authorization: str, proofs: Sequence[str], method: str, path: str) -> ProvedToken:
        """Return the token of a request with the scheme `DPoP`, after the check of its proof.

        Args:
            authorization: the value of the header `Authorization`.
            proofs: the values of the headers `DPoP`. There must be one.
            method: the method of the request.
            path: the path as the client sent it, without the query.

        Raises:
            Unauthenticated: this layer accepts no bound tokens, or the token is malformed.
            InvalidDpopProof: the proof is missing or not valid for this request.
            DpopNonceRequired: the proof has no recent nonce.
        """
        secret = self._secret
        if secret is None:
            raise Unauthenticated
        try:
            token = bearer_token(f"Bearer {authorization.partition(' ')[2]}")
        except NoToken:
            raise Unauthenticated from None
        try:
            checked = self._checked(token, proofs[0] if len(proofs) == 1 else "", method, path)
        except InvalidProof:
            raise InvalidDpopProof from None
        return ProvedToken(f"DPoP {token}", checked, secret, self._clock)

    def next_nonce(self) -> dict[str, str]:
        """Return the header with the nonce for the client's next proof (RFC 9449 §8.2)."""
        return {} if self._nonces is None else {NONCE_HEADER: self._nonces.make(self._clock())}

    def challenged(self, headers: Mapping[str, str], authorization: str | None) -> Mapping[str, str]:
        """Return the headers of a refusal, with the schemes that the client may use in `WWW-Authenticate`.

        A request with a bound token gets the challenge with the scheme `DPoP` (RFC 9449 §7.1), a request without any
        token gets the challenges of both schemes, and a request with a bearer token that of `Bearer`.
        """
        bearer = headers.get("www-authenticate")
        if bearer is None or not self.is_on or not (authorization is None or is_bound(authorization)):
            return headers
        dpop = f'DPoP{bearer.removeprefix("Bearer")}, algs="{" ".join(ALGORITHMS)}"'
        return {**headers, "www-authenticate": dpop if authorization is not None else f"{bearer}, {dpop}"}

    def _checked(self, token: str, text: str, method: str, path: str) -> CheckedProof:
        proof = read_proof(text, ALGORITHMS, clock_skew=_CLOCK_SKEW_SECONDS, required=("ath",))
        our_url = normalised(self._base + path)
        proof.check_request((method,), lambda url: url == our_url)
        proof.check_token(token)
        now = self._clock()
        proof.check_age(now, _LIFETIME_SECONDS, _CLOCK_SKEW_SECONDS)
        if self._nonces is not None and not self._nonces.is_recent(proof.claims.get("nonce"), now):
            raise DpopNonceRequired(self._nonces.make(now))
        return CheckedProof.of(proof, token)


def is_bound(authorization: str | None) -> bool:
    """Return whether the header `Authorization` has the scheme of bound tokens."""
    return authorization is not None and authorization.partition(" ")[0].lower() == SCHEME
