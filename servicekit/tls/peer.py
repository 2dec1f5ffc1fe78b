"""The identity of the client at the other end of a TLS connection.

A server calls `peer_extensions` once for each connection, and puts the result into the `extensions` of the ASGI scope
of each request. `servicekit.tls.caller_check` reads it with `peer_in_extensions`.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from servicekit.asgi import Receive, Scope, Send

PEER: Final = "servicekit.peer"
"""The key in the `extensions` of an ASGI scope. The value is a mapping with the attributes of `Peer`. The key is
missing on a connection without TLS."""

IDENTITY_SCHEME: Final = "spiffe://"


class Peer(NamedTuple):
    """Who is at the other end of a connection.

    Attributes:
        identity: the URI in the verified certificate, such as `spiffe://mosafe/router`. It is empty if the certificate
            does not have exactly one such URI.
        expires_at: when the certificate expires, in seconds since 1970.
    """

    identity: str
    expires_at: float


def peer_of(connection: ssl.SSLObject | ssl.SSLSocket | None) -> Peer | None:
    """Return the peer of a connection after its handshake; None without TLS or without a verified certificate."""
    certificate = connection.getpeercert() if connection is not None else None
    return peer_in(certificate) if certificate else None


def peer_in(certificate: Mapping[str, Any]) -> Peer:
    """Return the peer that a certificate identifies. `certificate` is a result of `SSLObject.getpeercert()`."""
    uris = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "URI"]
    is_one = len(uris) == 1 and uris[0].startswith(IDENTITY_SCHEME)
    return Peer(uris[0] if is_one else "", float(ssl.cert_time_to_seconds(certificate["notAfter"])))


def peer_extensions(transport: asyncio.BaseTransport) -> Mapping[str, Mapping[str, object]]:
    """Return the `extensions` of the ASGI scopes of a connection; empty without TLS."""
    peer = peer_of(transport.get_extra_info("ssl_object"))
    return {} if peer is None else {PEER: peer._asdict()}


def peer_in_extensions(extensions: Mapping[str, Mapping[str, Any]]) -> Peer | None:
    """Return the peer in the `extensions` of an ASGI scope; None on a connection without TLS."""
    found = extensions.get(PEER)
    return None if found is None else Peer(found["identity"], found["expires_at"])


def with_peer(app: Callable[..., Any], transport: asyncio.BaseTransport) -> Callable[..., Any]:
    """Return an ASGI application that adds `peer_extensions` to each scope, and then calls `app`.

    Without TLS, `app` itself is returned.
    """
    own = peer_extensions(transport)
    if not own:
        return app

    async def with_scope(scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"] = {**scope.get("extensions", {}), **own}
        await app(scope, receive, send)

    return with_scope
