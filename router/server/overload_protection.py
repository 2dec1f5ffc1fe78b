"""Decides when requests are refused because the router is overloaded.

`router serve` asks before it starts a request (`servicekit.request_admission`): there a request waits for a short time,
and a refusal costs little, because nothing of the request but its head is read. In other servers, which run the ASGI
application of a gateway, a request above the limit is refused at once.

After many refusals in a short time, `/health/ready` fails. A load balancer then sends requests to another router.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING

from router.server.cors import cors_policies
from router.server.log_sampling import LogSampling
from router.server.respond_503_before_reading import ServiceUnavailable
from router.server.response_writing import METHODS
from servicekit import request_deadline
from servicekit.asgi import header
from servicekit.health import NotReady

if TYPE_CHECKING:
    from router.settings.model import RouterSettings
    from servicekit.asgi import ASGIApp, Receive, Scope, Send
    from servicekit.cors import Headers
    from servicekit.http_server.messages import DirectHandler, WholeRequest
    from servicekit.request_admission import Refusal

CODE = "ROUTER_OVERLOADED"
_MESSAGE = "The router has too many requests; try again later."
_TIMEOUT = request_deadline.HEADER.encode()


def _takes_none(_request: WholeRequest) -> None:
    return None


class OverloadGuard:
    """Lets an ASGI application process at most `overload.max_requests` requests at once. Refuses others with 503.

    CORS preflights (OPTIONS) are never refused. A preflight costs little. If it were refused, a page could not read the
    response with status 503.

    `direct` responds to some requests of `router serve` without the messages of ASGI. These requests are not counted
    here, because the server has asked before it starts them. `log_sampling` counts the requests without a log line.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: RouterSettings,
        direct: DirectHandler = _takes_none,
        sampling: LogSampling | None = None,
    ) -> None:
        bounds = settings.overload
        self.log_sampling = sampling or LogSampling(settings.logging.requests)
        self._app = app
        self.direct = direct
        self.max_requests = bounds.max_requests
        self.busy_duration = bounds.busy_duration
        self._max_wait = bounds.max_wait
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
        if self.max_requests is not None and self._running >= self.max_requests:
            await self._refuse(scope, send)
            return
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1

    def inherit(self, previous: OverloadGuard) -> None:
        """Take over the counts of refusals and of log lines from `previous`, which this guard replaces (a reload)."""
        self.refused = previous.refused
        self.log_sampling.inherit(previous.log_sampling)
        self._recent.extend(previous._recent)

    def check(self) -> None:
        """Raise `NotReady` if the last `overload.window` seconds had at least `overload.unready_after` refusals."""
        recent = self._recent
        if len(recent) == self._unready_after and time.monotonic() - recent[0] < self._window:
            raise NotReady("requests are being refused")

    # `RequestAdmission` calls the following methods.

    def is_exempt(self, scope: Scope) -> bool:
        """See `AdmissionRules.is_exempt`. Without responses to health probes, the router would be restarted."""
        path: str = scope["path"]
        return scope["method"] == "OPTIONS" or path.startswith("/health/")

    def max_wait(self, scope: Scope) -> float:
        """See `AdmissionRules.max_wait`. A request does not wait longer than its client."""
        return request_deadline.timeout_of(header(scope, _TIMEOUT), limit=self._max_wait)

    def client_timeout(self, scope: Scope) -> float:
        """See `AdmissionRules.client_timeout`."""
        return request_deadline.timeout_of(header(scope, _TIMEOUT), limit=math.inf)

    def refuse(self, scope: Scope) -> Refusal:
        """See `AdmissionRules.refuse`."""
        self._count_refusal()
        return self._refusal.response(header(scope, b"accept"), self._cors_of(scope))

    def _count_refusal(self) -> None:
        self.refused += 1
        self._recent.append(time.monotonic())

    def _cors_of(self, scope: Scope) -> Headers:
        return self._cors.of(scope["path"]).response_headers(header(scope, b"origin"))

    async def _refuse(self, scope: Scope, send: Send) -> None:
        self._count_refusal()
        await self._refusal.respond(scope, send, self._cors_of(scope))
