"""Measures how many microseconds of processor time it takes to sign a request to a subgraph, and to verify it."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from servicekit.http_signatures.content_digest import is_digest_of
from servicekit.http_signatures.ed25519_keys import Ed25519SigningKey, Ed25519VerificationKey
from servicekit.http_signatures.keys import HmacKey
from servicekit.http_signatures.request_signer import RequestSigner, SigningTarget
from servicekit.http_signatures.request_verifier import RequestVerifier, VerificationPolicy
from servicekit.http_signatures.seen_nonces import MemoryNonces
from servicekit.http_signatures.signature_base import SignedRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicekit.http_signatures.keys import SigningKey, VerificationKey

REPETITIONS: Final = 2_000
ROUNDS: Final = 9

_TARGET: Final = SigningTarget("account", "127.0.0.1:3002", "/graphql", "application/json")
# The sizes of an access token and of a small operation of the bank.
_HEADERS: Final = {"authorization": "Bearer " + "x" * 600, "traceparent": "0" * 55, "x-request-id": "0" * 36}
_BODY: Final = b'{"query":"' + b"x" * 300 + b'"}'


async def signature_costs() -> list[tuple[str, float]]:
    """Return the microseconds of each algorithm and step."""
    return [(f"signatures, {name}", await _median(signer, verifier)) for name, signer, verifier in _cases()]


def _cases() -> Iterator[tuple[str, RequestSigner, RequestVerifier | None]]:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    shared = HmacKey(b"s" * 32)
    pairs: list[tuple[str, SigningKey, VerificationKey]] = [
        ("hmac-sha256", shared, shared),
        ("ed25519", Ed25519SigningKey(pem), Ed25519VerificationKey(public)),
    ]
    for name, signing, verifying in pairs:
        signer = RequestSigner(signing, _TARGET, covered=("authorization", "cookie"))
        yield f"{name}: sign", signer, None
        yield f"{name}: verify", signer, RequestVerifier([verifying], VerificationPolicy("account"))


async def _median(signer: RequestSigner, verifier: RequestVerifier | None) -> float:
    return statistics.median([await _measure(signer, verifier) for _ in range(ROUNDS)])


async def _measure(signer: RequestSigner, verifier: RequestVerifier | None) -> float:
    if verifier is None:
        started = time.process_time()
        for _ in range(REPETITIONS):
            signer.headers(_BODY, _HEADERS)
        return (time.process_time() - started) / REPETITIONS * 1e6
    nonces = MemoryNonces()  # it refuses what was signed before it was made
    requests = [_arrived(signer) for _ in range(REPETITIONS)]
    started = time.process_time()
    for request in requests:
        head = verifier.verify(request)
        assert is_digest_of(head.digest, _BODY)  # noqa: S101 - a benchmark of refused requests would mean nothing
        assert await nonces.is_first(head)  # noqa: S101
    return (time.process_time() - started) / REPETITIONS * 1e6


def _arrived(signer: RequestSigner) -> SignedRequest:
    own = {"host": _TARGET.authority, "content-type": _TARGET.content_type}
    headers = {**own, **_HEADERS, **signer.headers(_BODY, _HEADERS)}
    return SignedRequest("POST", _TARGET.authority, _TARGET.target, "", headers)
