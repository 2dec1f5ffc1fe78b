"""Makes the headers by which a browser knows which pages may read a response (cross-origin resource sharing, CORS).

See https://fetch.spec.whatwg.org/#http-cors-protocol. `Vary: Origin` is sent whenever responses can differ by origin.
An origin that is not allowed gets this header too, so that no cache sends its response to an allowed origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.settings.sections.cors import Cors

Headers = tuple[tuple[bytes, bytes], ...]

ANY = "*"


class CorsPolicy:
    """Makes the CORS headers of responses according to `settings.cors`."""

    def __init__(self, cors: Cors, methods: str) -> None:
        self._enabled = cors.enabled
        self._any = ANY in cors.origins
        self._origins = frozenset(cors.origins)
        shared: Headers = ((b"access-control-allow-credentials", b"true"),) if cors.allow_credentials else ()
        self._simple: Headers = (
            *shared,
            *(
                ((b"access-control-expose-headers", ", ".join(cors.expose_headers).encode()),)
                if cors.expose_headers
                else ()
            ),
        )
        self._preflight: Headers = (
            *shared,
            (b"access-control-allow-methods", methods.encode()),
            (b"access-control-allow-headers", ", ".join(cors.allow_headers).encode()),
            (b"access-control-max-age", str(int(cors.max_age)).encode()),
        )

    def headers(self, origin: str | None, *, preflight: bool) -> Headers:
        """Return the headers to add to a response. `origin` is the value of the request's `Origin` header."""
        if not self._enabled:
            return ()
        vary: Headers = () if self._any else ((b"vary", b"Origin"),)
        if origin is None or not (self._any or origin in self._origins):
            return vary
        allowed = ANY if self._any else origin
        return (
            (b"access-control-allow-origin", allowed.encode("latin-1")),
            *(self._preflight if preflight else self._simple),
            *vary,
        )
