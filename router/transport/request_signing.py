"""Makes the signers of requests to subgraphs from the settings (`signatures`, RFC 9421).

A request is signed by `HttpTransport`, just before it is sent. So a request that is sent a second time gets a new
nonce, and the wait for a connection does not use up the lifetime of a signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from servicekit.http_signatures.keys import HmacKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.settings.sections.authentication import IdentityForwarding
    from router.settings.sections.signatures import SignatureKey, Signatures
    from servicekit.http_signatures.keys import SigningKey
    from servicekit.http_signatures.request_signer import RequestSigner

CONTENT_TYPE: Final = "application/json"
"""The media type of all requests to subgraphs."""


class Signing(msgspec.Struct, frozen=True):
    """How requests to one subgraph are signed.

    Attributes:
        key: The key that signs.
        subgraph: The name of the subgraph, which the signature contains (`tag`).
        covered: The names of headers that the signature covers if the request has them.
        lifetime: How many seconds a signature is valid.
    """

    key: SigningKey
    subgraph: str
    covered: frozenset[str]
    lifetime: float

    def signer(self, authority: str, target: str) -> RequestSigner:
        """Return the signer for requests to one server. `target` is the path and the query of its URL.

        Raises:
            ValueError: The name of the subgraph cannot be part of a signature.
        """
        # Few configurations sign requests, and the module takes long to import.
        from servicekit.http_signatures.request_signer import RequestSigner, SigningTarget  # noqa: PLC0415

        return RequestSigner(
            self.key,
            SigningTarget(self.subgraph, authority, target, CONTENT_TYPE),
            covered=self.covered,
            lifetime=self.lifetime,
        )


def signings(subgraphs: Iterable[str], settings: Signatures, identity: IdentityForwarding) -> dict[str, Signing]:
    """Return how requests are signed, by subgraph. Subgraphs whose requests are not signed are missing.

    Args:
        subgraphs: The names of all subgraphs.
        settings: The settings of signatures.
        identity: The settings of the headers that tell subgraphs who the client is. Signatures cover these headers.

    Raises:
        ValueError: A private key cannot be read.
    """
    identity_headers = identity.header_names
    found = {}
    for name in subgraphs:
        own = settings.of(name)
        if own.key.is_given:
            key = _signing_key(name, own.key)
            found[name] = Signing(key, name, identity_headers | frozenset(own.headers), own.lifetime)
    return found


def _signing_key(subgraph: str, settings: SignatureKey) -> SigningKey:
    if settings.secret is not None:
        return HmacKey(settings.secret.get_secret_value().encode(), settings.id)
    assert settings.private_key is not None  # noqa: S101 - `is_given`
    # The library of signatures takes long to import, and most routers sign nothing with a private key.
    from servicekit.http_signatures.ed25519_keys import Ed25519SigningKey  # noqa: PLC0415

    try:
        return Ed25519SigningKey(settings.private_key.read_bytes(), settings.id)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(f"subgraph {subgraph}: {settings.private_key}: {reason}") from error
