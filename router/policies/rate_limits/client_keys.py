"""`ClientKey`: the key under which a rate limit counts a client, such as its address or a claim of its token."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from servicekit import client_address

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from router.pipeline.request_context import RequestContext

CLIENT_NAME: Final = "apollographql-client-name"


class ClientKey:
    """Reads from a request the key of its client. `parts` is the `key` of the rule in the settings.

    `needs_identity` says whether a part is a claim or an API key.
    """

    def __init__(self, rule: str, parts: Sequence[str]) -> None:
        self._rule = rule
        self._readers = tuple(_reader(part) for part in parts)
        self.needs_identity = any(part == "api_key" or part.startswith("claim:") for part in parts)

    def of(self, context: RequestContext) -> str | None:
        """Return the name of the rule and a digest of the client's parts. Return None if the request lacks a part.

        A header or a claim may be secret or personal, and must not be stored. The digest hides its value.
        """
        digest = hashlib.blake2b(digest_size=16)
        for read in self._readers:
            value = read(context)
            if value is None:
                return None
            text = str(value).encode("utf-8", "surrogatepass")
            digest.update(len(text).to_bytes(4) + text)
        return f"{self._rule}:{digest.hexdigest()}"


def _reader(part: str) -> Callable[[RequestContext], object]:
    kind, _, name = part.partition(":")
    match kind:
        case "header":
            return lambda context: context.received.headers.get(name)
        case "claim":
            return lambda context: context.identity.claims.get(name) if context.identity is not None else None
        case "client_name":
            return lambda context: context.received.headers.get(CLIENT_NAME)
        case "operation":
            return lambda context: context.request.operation_name
        case "api_key":
            return _api_key
    return lambda _context: client_address.customer_network(client_address.current().client)


def _api_key(context: RequestContext) -> object:
    """Return what identifies the client's API key: its subject or its claims. Return None without an API key."""
    identity = context.identity
    if identity is None or identity.method != "api_key":
        return None
    return identity.claims.get("sub") or sorted(map(str, identity.claims.items()))
