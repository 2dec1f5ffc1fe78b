"""Public documents that clients and verifiers fetch and keep for a while, such as the key set (RFC 8615)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from servicekit.entity_tags import entity_tag, if_none_match
from subgraphs.auth.signing_keys import KEY_SET_AGE
from subgraphs.kit.service_routes import ServiceRoute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from starlette.requests import Request

    from subgraphs.auth.key_ring import KeyRing

JWKS_PATH: Final = "/.well-known/jwks.json"


def cacheable(request: Request, document: Mapping[str, Any], media_type: str, max_age: timedelta) -> Response:
    """Return `document` as JSON that caches may keep for `max_age`.

    If the client has this version already (`If-None-Match`, RFC 9110 §13.1.2), the response is 304 without a body. Any
    page may read the document, because it has no secrets and is the same for everybody.
    """
    body = json.dumps(document, separators=(",", ":")).encode()
    tag = entity_tag(body)
    headers = {
        "cache-control": f"public, max-age={int(max_age.total_seconds())}",
        "etag": tag,
        "access-control-allow-origin": "*",
    }
    conditions = request.headers.getlist("if-none-match")
    if conditions and not if_none_match(",".join(conditions), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def jwks_route(keys: Callable[[], KeyRing]) -> ServiceRoute:
    """Create the route of the key set, which returns the public signing keys (RFC 7517 §5)."""

    async def jwks(request: Request) -> Response:
        document = {"keys": await keys().public_keys()}
        return cacheable(request, document, "application/jwk-set+json", KEY_SET_AGE)

    return ServiceRoute(JWKS_PATH, ("GET", "HEAD"), jwks)
