"""Proofs that a client has a key, to which the server binds tokens (DPoP, RFC 9449).

A proof is used once: the store remembers it until it is too old, so this holds for all processes of the service. With
`DPOP_NONCE_SECRET`, it must have a nonce that a process of the platform has made not long ago (RFC 9449 §8).
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from servicekit.dpop.nonces import HEADER as NONCE_HEADER
from servicekit.dpop.nonces import USE_DPOP_NONCE
from servicekit.dpop.proofs import InvalidProof, normalised, read_proof
from subgraphs.auth.oauth.errors import OAuthError
from subgraphs.auth.oauth.store import Ticket

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.requests import Request

    from servicekit.dpop.proofs import Proof
    from subgraphs.auth.oauth.clients import Client
    from subgraphs.auth.oauth.server import OAuthServer

ALGORITHMS: Final = ("ES256", "EdDSA")
INVALID_DPOP_PROOF: Final = "invalid_dpop_proof"
HEADER: Final = "dpop"
NONCE_DESCRIPTION: Final = "the DPoP proof needs the nonce of this response"
_USED: Final = "dpop-proof"
_LIFETIME_SECONDS: Final = 60
# The clocks of phones and computers of users differ by more than those of servers.
_CLOCK_SKEW_SECONDS: Final = 60
_DIGEST_BYTES: Final = 32


class NonceMissing(Exception):
    """The proof has no recent nonce. The client must make another proof, with `nonce`."""

    def __init__(self, nonce: str) -> None:
        super().__init__("the proof has no recent nonce")
        self.nonce = nonce

    def refusal(self, status: int, headers: Mapping[str, str] | None = None) -> OAuthError:
        """Return the error for the client, with the nonce in its header."""
        own = {**(headers or {}), NONCE_HEADER: self.nonce}
        return OAuthError(USE_DPOP_NONCE, NONCE_DESCRIPTION, status=status, headers=own)


async def key_of_request(server: OAuthServer, request: Request, path: str, client: Client | None = None) -> str | None:
    """Return the thumbprint of the key of the request's proof; None if there is no proof.

    Args:
        server: remembers the proof, so that it is used once.
        request: the request, which may have the header `DPoP`.
        path: the path of the endpoint. The proof must be for its public URL.
        client: the authenticated client, if it may be one that must always send a proof.

    Raises:
        OAuthError: `invalid_dpop_proof`: the proof is not valid, was used before, or is missing though the client was
            registered with `dpop_bound_access_tokens`. `use_dpop_nonce`: the proof has no recent nonce.
    """
    if HEADER not in request.headers:
        if client is not None and client.requires_dpop:
            raise OAuthError(INVALID_DPOP_PROOF, "the client is registered with dpop_bound_access_tokens: send a proof")
        return None
    try:
        proof = _read(server, request, path)
        await _use(server, proof)
    except InvalidProof as error:
        raise OAuthError(INVALID_DPOP_PROOF, f"the DPoP proof is not valid: {error.reason}") from None
    except NonceMissing as missing:
        raise missing.refusal(400) from None
    return proof.thumbprint


async def check_use(server: OAuthServer, request: Request, path: str, bound: tuple[str, str]) -> None:
    """Check that the sender of a bound access token has its key (RFC 9449 §7.1).

    Args:
        server: remembers the proof, so that it is used once.
        request: the request with the header `DPoP`.
        path: the path of the endpoint. The proof must be for its public URL.
        bound: the access token, and the thumbprint of the key to which it is bound.

    Raises:
        InvalidProof: there is no proof, or it is not valid for the token, or was used before.
        NonceMissing: it has no recent nonce.
    """
    token, thumbprint = bound
    proof = _read(server, request, path, required=("ath",))
    proof.check_key(thumbprint)
    proof.check_token(token)
    await _use(server, proof)


def _read(server: OAuthServer, request: Request, path: str, required: Collection[str] = ()) -> Proof:
    given = request.headers.getlist(HEADER)
    text = given[0] if len(given) == 1 else ""
    proof = read_proof(text, ALGORITHMS, clock_skew=_CLOCK_SKEW_SECONDS, required=required)
    our_url = normalised(server.url(path))
    proof.check_request((request.method,), lambda url: url == our_url)
    now = server.clock().timestamp()
    proof.check_age(now, _LIFETIME_SECONDS, _CLOCK_SKEW_SECONDS)
    if server.nonces is not None and not server.nonces.is_recent(proof.claims.get("nonce"), now):
        raise NonceMissing(server.nonces.make(now))
    return proof


def next_nonce(server: OAuthServer, request: Request) -> dict[str, str]:
    """Return the header with the nonce for the next proof of a client that sends proofs (RFC 9449 §8.2)."""
    if server.nonces is None or HEADER not in request.headers:
        return {}
    return {NONCE_HEADER: server.nonces.make(server.clock().timestamp())}


async def _use(server: OAuthServer, proof: Proof) -> None:
    """Remember the proof. Raises InvalidProof if it was used before."""
    expires_at = server.clock() + timedelta(seconds=_LIFETIME_SECONDS + 2 * _CLOCK_SKEW_SECONDS)
    # The alias is what two tickets cannot have in common; nobody looks for the digest.
    ticket = Ticket(_USED, secrets.token_bytes(_DIGEST_BYTES), "{}", expires_at, proof.digest)
    if not await server.oauth.add_ticket(ticket, server.expired_before()):
        raise InvalidProof("used before")
