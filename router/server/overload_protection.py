"""Refuses a request immediately if too many requests are running. No request waits in a queue.

A refusal costs little, so an overloaded router still finishes the requests that it has accepted. After many refusals in
a short time, `/health/ready` fails. A load balancer then sends requests to another router.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING

from router.server.cors import cors_policies
from router.server.respond_503_before_reading import ServiceUnavailable
from router.server.response_writing import METHODS
from servicekit.asgi import header
from servicekit.health import NotReady

if TYPE_CHECKING:
    from router.settings.model import RouterSettings
    from servicekit.asgi import ASGIApp, Receive, Scope, Send

CODE = "ROUTER_OVERLOADED"
_MESSAGE = "The router has too many requests; try again later."


class OverloadGuard:
    """Lets an ASGI application process at most `overload.max_requests` requests at once. Refuses others with 503.

    CORS preflights (OPTIONS) are never refused. A preflight costs little. If it were refused, a page could not read the
    response with status 503.
    """

    def __init__(self, app: ASGIApp, settings: RouterSettings) -> None:
        bounds = settings.overload
        self._app = app
        self._most = bounds.max_requests
        self._window = bounds.window
        self._unready_after = bounds.unready_after
        self._refusal = ServiceUnavailable(CODE, _MESSAGE, math.ceil(bounds.retry_after), settings.server.path)
        self._cors = cors_policies(settings, METHODS)
        self._recent: deque[float] = deque(maxlen=bounds.unready_after)
        self._running = 0
        self.refused = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        if self._most is not None and self._running >= self._most:
            await self._refuse(scope, send)
            return
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1

    def inherit(self, previous: OverloadGuard) -> None:
        """Take over the counts of refusals from `previous`, which this guard replaces (a reload)."""
        self.refused = previous.refused
        self._recent.extend(previous._recent)

    def check(self) -> None:
        """Raise `NotReady` if the last `overload.window` seconds had at least `overload.unready_after` refusals."""
        recent = self._recent
        if len(recent) == self._unready_after and time.monotonic() - recent[0] < self._window:
            raise NotReady("requests are being refused")

    async def _refuse(self, scope: Scope, send: Send) -> None:
        self.refused += 1
        self._recent.append(time.monotonic())
        cors = self._cors.of(scope["path"]).response_headers(header(scope, b"origin"))
        await self._refusal.respond(scope, send, cors)
