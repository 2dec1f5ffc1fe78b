"""`/health/live` and `/health/ready`, in front of any ASGI application."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import structlog

from servicekit.errors import StoreFailure
from servicekit.tls.failures import COUNTS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from servicekit.asgi import ASGIApp, Receive, Scope, Send

# The time that a check may take. A check on a slow disk needs less. The timeout for the probes of an orchestrator is
# longer (10 s by default).
CHECK_SECONDS = 3.0

_log = structlog.stdlib.get_logger("health")


class NotReady(Exception):
    """Raised by a health check that fails for a known reason. The reason is logged without a traceback."""


class HealthEndpoints:
    """Responds to health probes and passes every other request to the application.

    `/health/live` responds with 200 while the event loop runs. `/health/ready` responds with 200 when every check
    returns, and with 503 when a check raises or hangs. The body of the 503 names the checks that failed. The reasons
    are only in the log. Both bodies count the TLS handshakes that have failed, if there are any. With `details`, both
    have further members about parts that do not decide whether the process is ready. A process that shuts down refuses
    `/health/ready` with 503 (`servicekit.shutdown`), and then closes its port.
    """

    def __init__(
        self,
        app: ASGIApp,
        checks: Mapping[str, Callable[[], Awaitable[object]]],
        details: Callable[[], Awaitable[Mapping[str, object]]] | None = None,
    ) -> None:
        self._app = app
        self._checks = checks
        self._details = details
        self._running: asyncio.Task[list[str]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # If the application is mounted in another application, the path begins with the mount point.
        path = scope["path"].removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else None
        if path == "/health/live":
            await _respond(scope, send, 200, {"status": "live"})
        elif path == "/health/ready":
            await self._ready(scope, send)
        else:
            await self._app(scope, receive, send)

    async def _ready(self, scope: Scope, send: Send) -> None:
        # A probe that arrives while the checks run waits for their result. So many probes cause little work.
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._failing())
        failing = await asyncio.shield(self._running)
        details = {**(await self._details())} if self._details is not None else {}
        if failures := COUNTS.details():
            details["tlsFailures"] = failures
        if failing:
            await _respond(scope, send, 503, {"status": "not ready", "failing": failing, **details})
        else:
            await _respond(scope, send, 200, {"status": "ready", **details})

    async def _failing(self) -> list[str]:
        names = list(self._checks)
        results = await asyncio.gather(*(self._passes(name) for name in names))
        return [name for name, passed in zip(names, results, strict=True) if not passed]

    async def _passes(self, name: str) -> bool:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._checks[name]()
        except StoreFailure as failure:
            _log.warning("health check failed", check=name, reason=failure.explanation)
            return False
        except NotReady as reason:
            _log.warning("health check failed", check=name, reason=str(reason))
            return False
        except Exception as failure:  # noqa: BLE001 - a check may raise anything; it is logged, and the status is 503
            _log.warning("health check failed", check=name, reason=f"{type(failure).__name__}: {failure}")
            return False
        return True


async def _respond(scope: Scope, send: Send, status: int, body: Mapping[str, object]) -> None:
    allowed = scope["method"] in {"GET", "HEAD"}
    content = json.dumps(body).encode() if allowed else b""
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if not allowed:
        headers.append((b"allow", b"GET, HEAD"))
    headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": status if allowed else 405, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})
