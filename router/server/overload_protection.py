"""Refuses requests beyond a bound at once, instead of queueing them.

A refusal costs a counter and a few bytes, so an overloaded router still finishes the requests that it accepted. Many
refusals in a short time make `/health/ready` fail, so that a load balancer sends requests to another router.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING

from router.server.cors import CorsPolicy
from router.server.response_writing import METHODS
from router.server.service_unavailable import ServiceUnavailable
from servicekit.asgi import header
from servicekit.health import NotReady

if TYPE_CHECKING:
    from router.settings.model import RouterSettings
    from servicekit.asgi import ASGIApp, Receive, Scope, Send

CODE = "ROUTER_OVERLOADED"
_MESSAGE = "The router is asked too much; try again later."


class OverloadGuard:
    """In front of an ASGI application: at most `settings.overload.max_requests` of its requests at once.

    CORS preflights (OPTIONS) pass: they cost little, and without one a page could not read the 503.
    """

    def __init__(self, app: ASGIApp, settings: RouterSettings) -> None:
        bounds = settings.overload
        self._app = app
        self._most = bounds.max_requests
        self._window = bounds.window
        self._unready_after = bounds.unready_after
        self._refusal = ServiceUnavailable(CODE, _MESSAGE, math.ceil(bounds.retry_after))
        self._cors = CorsPolicy(settings.cors, ", ".join(METHODS))
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
        """Go on from the refusals of `previous` (a reload): the load is still the same."""
        self.refused = previous.refused
        self._recent.extend(previous._recent)

    def check(self) -> None:
        """For readiness. Raises `NotReady` after `unready_after` refusals within `window`."""
        recent = self._recent
        if len(recent) == self._unready_after and time.monotonic() - recent[0] < self._window:
            raise NotReady("requests are being refused")

    async def _refuse(self, scope: Scope, send: Send) -> None:
        self.refused += 1
        self._recent.append(time.monotonic())
        cors = self._cors.headers(header(scope, b"origin"), preflight=False)
        await self._refusal.respond(scope, send, cors)
