"""How a process stops: it refuses new requests, lets running ones finish, and only then closes its resources.

```
running ── first signal ──> refusing: new requests get 503
                               │  no request has arrived for a moment
                               v
                            draining: the port and idle connections are closed
                               │  nothing runs, time is over, or a second signal: running requests get 503
                               v
                            closing the resources
```

The port is not closed immediately, because requests may still be arriving. Their connections would be reset, and the
clients would not know whether the requests had been carried out. So these requests get a clear response: 503, with the
time after which the client may try again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog
import uvicorn

from servicekit.access_log import RequestIdMiddleware
from servicekit.asgi import closing_after
from servicekit.errors import Forbidden, ServiceError, Unavailable

if TYPE_CHECKING:
    import socket
    from types import FrameType

    from servicekit.asgi import ASGIApp, Receive, Scope, Send
    from servicekit.http_server.messages import (
        DirectHandler,
        DirectWork,
        WholeRequest,
        WholeResponse,
        WriteResponse,
    )

LIVENESS_PATH: Final = "/health/live"
# The time after which clients may try again. A process restarts within seconds, and another process may already accept
# requests.
RETRY_AFTER_SECONDS: Final = 1
# After the signal, requests may still arrive on connections that the kernel has already accepted. If no request has
# arrived for this time, the process assumes that no more requests will arrive.
QUIET_SECONDS: Final = 0.1
# The port closes after this time even if clients repeat refused requests without end.
MAX_REFUSAL_SECONDS: Final = 1.0
# How long the process may take to close its resources after it has ended the running requests.
LAST_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.02

_log = structlog.stdlib.get_logger("server")


class DrainableApp:
    """An application that counts its running requests and can refuse new ones.

    After `start_refusing`, the application `refuse` responds to new requests, except to requests for `/health/live`.
    `refuse` also responds to a running request that is cancelled, because requests are cancelled only when the process
    stops. New WebSockets are refused too; uvicorn closes the open ones with the code 1012.
    `direct` responds to some requests without the messages of ASGI (`DirectApplication`).
    """

    def __init__(self, app: ASGIApp, refuse: ASGIApp, direct: DirectHandler | None = None) -> None:
        self._app = app
        self._refuse = refuse
        self._direct = direct
        self._refusing_since: float | None = None
        self._last_request_at = float("-inf")
        self.running = 0
        self.refused = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and self._refusing_since is not None:
            await send({"type": "websocket.close"})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._refusing_since is not None and scope["path"] != LIVENESS_PATH:
            self._last_request_at = _now()
            self.refused += 1
            await self._refuse(scope, receive, closing_after(send))
            return
        self.running += 1
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            with suppress(RuntimeError):  # raised by uvicorn when the response has already started
                await self._refuse(scope, receive, closing_after(send))
        finally:
            self.running -= 1

    def direct(self, request: WholeRequest) -> DirectWork | None:
        """See `DirectApplication.direct`. While the process stops, the ASGI application refuses all requests."""
        if self._direct is None or self._refusing_since is not None:
            return None
        work = self._direct(request)
        return None if work is None else self._counted(work)

    async def _counted(self, work: DirectWork) -> WholeResponse | WriteResponse:
        self.running += 1
        try:
            return await work
        finally:
            self.running -= 1

    async def refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `DirectApplication.refuse`."""
        await self._refuse(scope, receive, closing_after(send))

    def start_refusing(self) -> None:
        self._refusing_since = self._last_request_at = _now()

    @property
    def is_quiet(self) -> bool:
        """Whether no request has arrived for `QUIET_SECONDS`, or the time for refusing requests is over."""
        now, since = _now(), self._refusing_since
        is_endless = since is not None and now - since >= MAX_REFUSAL_SECONDS
        return is_endless or now - self._last_request_at >= QUIET_SECONDS


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    await send_graphql_error(Unavailable("The server is stopping", retry_after=RETRY_AFTER_SECONDS), scope, send)


async def send_graphql_error(error: ServiceError, scope: Scope, send: Send) -> None:
    """Send a GraphQL response that has only this error."""
    entry = {"message": error.message, "extensions": {"code": error.code, **error.details}}
    body = json.dumps({"errors": [entry]}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if isinstance(error, Unavailable):
        headers.append((b"retry-after", str(error.retry_after).encode()))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


# An application that refuses every request with a GraphQL error.
refuse_as_graphql: Final[ASGIApp] = RequestIdMiddleware(_refuse, access_log=False)


async def _forbid(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    await send_graphql_error(Forbidden("This process may not call this path"), scope, send)


# An application that responds to every request of another process with 403 and a GraphQL error.
forbid_as_graphql: Final[ASGIApp] = RequestIdMiddleware(_forbid, access_log=False)


def end_process() -> None:
    """Write the waiting log lines, and end the process with the exit code 1, even if requests are still running."""
    logging.shutdown()
    os._exit(1)


class DrainingServer(uvicorn.Server):
    """A server that stops in the steps described at the top of this module.

    `config.timeout_graceful_shutdown` limits the draining.
    """

    def __init__(self, config: uvicorn.Config, app: DrainableApp, *, supervised: bool) -> None:
        """If `supervised` is true, a second SIGTERM does not end running requests; see `ServerOptions`."""
        super().__init__(config)
        self._app = app
        self._supervised = supervised

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by uvicorn for each SIGTERM and SIGINT."""
        if self.should_exit and (sig == signal.SIGINT or not self._supervised):
            self.force_exit = True
            last = threading.Timer(LAST_SECONDS, end_process)
            last.daemon = True
            last.start()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.start_refusing()
        _log.info("stopping")
        while not self._app.is_quiet and not self.force_exit:  # noqa: ASYNC110 - a signal handler cannot set an event
            await asyncio.sleep(_POLL_SECONDS)
        if self._app.refused:
            _log.info("requests refused while stopping", requests=self._app.refused)
        if self._app.running:
            _log.info(
                "waiting for requests; a second signal cuts them off",
                requests=self._app.running,
                seconds=self.config.timeout_graceful_shutdown,
            )
        await super().shutdown(sockets)
        if self.force_exit:  # in this case, uvicorn has not ended the requests and not closed the resources
            _log.warning("requests cut off by a second signal", requests=self._app.running)
            for task in list(self.server_state.tasks):
                task.cancel()
            await self.lifespan.shutdown()
