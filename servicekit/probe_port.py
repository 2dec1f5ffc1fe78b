"""A port with plain HTTP on which only health probes are answered.

With mutual TLS, a probe of an orchestrator has no certificate. So it uses a separate port, which is on loopback or
inside a pod. No other path of the process can be reached there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from servicekit.shutdown import LIVENESS_PATH

if TYPE_CHECKING:
    from servicekit.asgi import ASGIApp, Receive, Scope, Send

READINESS_PATH: Final = "/health/ready"
_PATHS: Final = frozenset({LIVENESS_PATH, READINESS_PATH})


class ProbesOnly:
    """Passes the two health paths to `app`, and responds to every other path with 404."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in _PATHS:
            await self._app(scope, receive, send)
        else:
            await no_further_path(scope, receive, send)


async def no_further_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with 404, whatever the path is."""
    del scope, receive
    headers = [(b"content-length", b"0"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
