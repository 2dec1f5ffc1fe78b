"""Bound access tokens of WebSocket connections: the client proves once that it has the key (DPoP, RFC 9449 §7).

    connection_init {authorization: "DPoP <token>", dpop: "<proof>"}     or the headers of the handshake

The proof is for `GET` and the URL of the WebSocket, with `ws` or `http` as the scheme: the handshake is a GET request.
It is needed only once, because the connection belongs to the client that has opened it.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from servicekit.dpop.nonces import USE_DPOP_NONCE, Nonces
from servicekit.dpop.proofs import InvalidProof, normalised, read_proof
from servicekit.dpop.used_proofs import ProofMemory, ProofsUnavailable, TooManyProofs
from subgraphs.kit.subscriptions.messages import CloseCode, Closed

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicekit.dpop.proofs import Proof
    from subgraphs.kit.settings import SubgraphSettings

ALGORITHMS: Final = ("ES256", "EdDSA")
HEADER: Final = "dpop"
_LIFETIME_SECONDS: Final = 60
# The clocks of phones and computers of users differ by more than those of servers.
_CLOCK_SKEW_SECONDS: Final = 60
# More connections in three minutes than a process can open.
_MAX_PROOFS: Final = 100_000
_REDIS_SECONDS: Final = 1.0
_WEBSOCKET: Final = re.compile(r"^ws(?=s?://)", re.IGNORECASE)


class HandshakeProofs:
    """Checks the proofs of connections to one URL."""

    def __init__(
        self, url: str, used: ProofMemory, nonces: Nonces | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """Create the checker.

        Args:
            url: the URL of the WebSocket, as clients see it.
            used: remembers the proofs that were used.
            nonces: makes the nonces that proofs must contain; None: they need none.
            clock: returns Unix seconds.
        """
        self._url = normalised(str(_as_http(url)))
        self._used = used
        self._nonces = nonces
        self._clock = clock

    @classmethod
    def of(cls, settings: SubgraphSettings) -> HandshakeProofs:
        """Return the checker of a service. With `REDIS_URL`, all its processes share the used proofs."""
        shared = None
        if settings.redis_url is not None:
            from servicekit.dpop.used_proofs_in_redis import UsedProofsInRedis  # noqa: PLC0415 - redis imports slowly

            shared = UsedProofsInRedis(settings.redis_url.get_secret_value(), _REDIS_SECONDS)
        secret = settings.dpop_nonce_secret
        nonces = None if secret is None else Nonces(secret.get_secret_value())
        return cls(settings.websocket_url, ProofMemory(_MAX_PROOFS, shared), nonces)

    def read(self, text: str, token: str) -> Proof:
        """Return the proof in `text` after the check that it is for this URL and `token`, and new.

        The caller must check the token, compare its key with that of the proof, and then call `use`.

        Raises:
            Closed: the proof is missing or not valid, or has no recent nonce. The reason then has a nonce.
        """
        now = self._clock()
        try:
            proof = read_proof(text, ALGORITHMS, clock_skew=_CLOCK_SKEW_SECONDS, required=("ath",))
            proof = replace(proof, claims={**proof.claims, "htu": _as_http(proof.claims["htu"])})
            proof.check_request(("GET",), lambda url: url == self._url)
            proof.check_token(token)
            proof.check_age(now, _LIFETIME_SECONDS, _CLOCK_SKEW_SECONDS)
        except InvalidProof:
            raise Closed(CloseCode.FORBIDDEN, "Forbidden") from None
        if self._nonces is not None and not self._nonces.is_recent(proof.claims.get("nonce"), now):
            raise Closed(CloseCode.FORBIDDEN, f"{USE_DPOP_NONCE} {self._nonces.make(now)}")
        return proof

    async def use(self, proof: Proof) -> None:
        """Remember a proof.

        Raises:
            Closed: the proof was used before, or cannot be remembered now.
        """
        seconds = _LIFETIME_SECONDS + 2 * _CLOCK_SKEW_SECONDS
        try:
            is_new = await self._used.use(proof.digest, object(), now=self._clock(), seconds=seconds)
        except InvalidProof:
            is_new = False
        except (TooManyProofs, ProofsUnavailable):
            raise Closed(CloseCode.TRY_AGAIN_LATER, "proofs cannot be checked right now") from None
        if not is_new:
            raise Closed(CloseCode.FORBIDDEN, "Forbidden")

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        await self._used.aclose()


def _as_http(url: object) -> object:
    """Return the URL of a WebSocket with the scheme of its handshake. Anything else stays as it is."""
    return _WEBSOCKET.sub("http", url) if isinstance(url, str) else url
