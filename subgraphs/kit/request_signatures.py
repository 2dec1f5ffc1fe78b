"""Refuses requests on the port of a subgraph that the router has not signed (bank §2.20, RFC 9421).

The router and the subgraphs share a secret: `SUBGRAPH_SIGNATURE_SECRET`, or a file in the data directory that the first
process creates. While the secret is replaced, `SUBGRAPH_SIGNATURE_OLD_SECRET` is accepted too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bank.bound_tokens import PROOF_KEY_HEADER
from bank.signature_secret import read_or_create_signature_secret
from servicekit.http_signatures.keys import HmacKey
from servicekit.http_signatures.request_verifier import DEFAULT_HEADERS, RequestVerifier, VerificationPolicy
from servicekit.http_signatures.seen_nonces import MemoryNonces
from servicekit.http_signatures.signature_middleware import Protection
from subgraphs.kit.request_limits import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicekit.http_signatures.seen_nonces import SeenNonces
    from servicekit.http_signatures.signature_middleware import Refusal
    from subgraphs.kit.settings import SubgraphSettings


def request_protection(settings: SubgraphSettings, service: str, unsigned_paths: Iterable[str]) -> Protection | None:
    """Return how the requests to a service are verified. Return None if signatures are switched off.

    Args:
        settings: contain the secrets, and the Redis that stores the nonces.
        service: the name of the service in the supergraph.
        unsigned_paths: the paths that need no signature of the router.

    Raises:
        StartupError: the file with the secret cannot be read or created.
    """
    if not settings.signatures:
        return None
    policy = VerificationPolicy(tag=service, headers=DEFAULT_HEADERS | {PROOF_KEY_HEADER})
    verifier = RequestVerifier(_keys(settings), policy)
    return Protection(verifier, nonce_store(settings, service), frozenset(unsigned_paths), MAX_BODY_BYTES, _error_body)


def _keys(settings: SubgraphSettings) -> list[HmacKey]:
    given = settings.signature_secret
    current = given.get_secret_value() if given is not None else read_or_create_signature_secret(settings.data_dir)
    old = settings.signature_old_secret
    secrets = [current] if old is None else [current, old.get_secret_value()]
    return [HmacKey(secret.encode()) for secret in dict.fromkeys(secrets)]


def nonce_store(settings: SubgraphSettings, service: str) -> SeenNonces:
    """Return a store of nonces in Redis if there is one, otherwise in memory. `service` keeps its nonces apart."""
    if settings.redis_url is None:
        return MemoryNonces()
    from subgraphs.kit.redis_nonces import RedisNonces  # noqa: PLC0415 - redis imports slowly

    return RedisNonces(settings.redis_url.get_secret_value(), service)


def _error_body(refusal: Refusal) -> bytes:
    error = {"message": refusal.message, "extensions": {"code": refusal.code}}
    return json.dumps({"errors": [error]}, separators=(",", ":")).encode()
