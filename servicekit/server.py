"""Run one ASGI application as one process, until a signal, a failure or the death of the supervising process.

uvicorn with uvloop and httptools serves; the socket is bound here first, so that a taken port is a clear message and
never a traceback.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import structlog
import uvicorn

from servicekit import logging
from servicekit.errors import ConfigurationError, PortTaken, StartupError
from servicekit.http_limits import BoundedProtocol, ConnectionLimits, bounded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import FrameType

    from servicekit.asgi import ASGIApp, Message, Receive, Scope, Send
    from servicekit.settings import ProcessSettings

_log = structlog.stdlib.get_logger("server")

BACKLOG = 2048
# After the grace period, what is left of the loop's cleanup.
LAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a process listens, and which variable changes the port. With `shared`, several sockets may listen."""

    host: str
    port: int
    variable: str
    shared: bool = False


def bind(endpoint: Endpoint) -> socket.socket:
    """A listening socket.

    Raises:
        PortTaken: another process listens there.
        StartupError: the address is not one of this machine's.
    """
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if endpoint.shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((endpoint.host, endpoint.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno in (98, 48, 10048):  # EADDRINUSE on Linux, macOS, Windows
            raise PortTaken(endpoint.host, endpoint.port, endpoint.variable) from error
        raise StartupError(f"cannot listen on {endpoint.host}:{endpoint.port}: {error.strerror}") from error
    listener.set_inheritable(False)
    return listener


def serve(
    service: str,
    create_app: Callable[[], ASGIApp],
    endpoint: Endpoint | socket.socket,
    settings: ProcessSettings,
    connections: ConnectionLimits | None = None,
) -> None:
    """Configure logs, bind, build the application, serve; return after a graceful shutdown.

    A socket instead of an endpoint is one that listens already, and is closed at the end.

    SIGTERM and SIGINT let requests in flight finish for `settings.shutdown_seconds`. The end of
    `settings.parent_pipe` does the same, and then ends the process whatever still runs.

    Raises:
        StartupError: the port is taken, or the application refused to start.
    """
    logging.configure(service, settings)
    listener = bind(endpoint) if isinstance(endpoint, Endpoint) else endpoint
    app = _FirstAndLast(create_app())
    protocol = bounded(connections or ConnectionLimits())
    server = uvicorn.Server(_config(app, "on", settings.shutdown_seconds, protocol))
    _stop_on_signals(server)
    if settings.parent_pipe is not None:
        _follow_parent(settings.parent_pipe, server, settings.shutdown_seconds)
    host, port = listener.getsockname()[:2]
    _log.info("listening", host=host, port=port)
    with listener:
        try:
            server.run(sockets=[listener])
        except SystemExit:  # uvicorn's way to say that the application did not start
            raise app.error or StartupError(f"{service} could not start; its log has the reason") from None
    _log.info("stopped")


def _config(
    app: ASGIApp, lifespan: Literal["on", "off"], grace: float, protocol: type[BoundedProtocol] = BoundedProtocol
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=protocol,
        ws="none",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=max(1, round(grace)),
    )


@asynccontextmanager
async def serving_beside(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve a second application (no lifespan) in the running event loop, for as long as the block runs."""
    server = _Beside(_config(app, "off", LAST_SECONDS))
    task = asyncio.get_running_loop().create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


class _Beside(uvicorn.Server):
    """A server that leaves the signals to whoever runs the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


# Not a word of trying again: what was cut off may have happened.
_CUT_OFF = b"The server is shutting down."
_CUT_OFF_HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", str(len(_CUT_OFF)).encode()),
    (b"connection", b"close"),
]


class _FirstAndLast:
    """Takes care of what goes wrong before an application serves, and when it no longer may.

    Keeps the `StartupError` that its lifespan raised, so that the process can end with it: a framework would
    have printed its traceback. Any other failure to start takes its course. Clients whose requests are cut off at the
    end of the grace period get 503: uvicorn would say 500, and the log show a traceback.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.error: StartupError | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            try:
                await self._app(scope, receive, send)
            except asyncio.CancelledError:  # nobody else cancels the task of a request
                await _tell_cut_off(send)
            return
        failure: Message | None = None

        async def hold_failure(message: Message) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.failed":
                failure = message
            else:
                await send(message)

        try:
            await self._app(scope, receive, hold_failure)
        except StartupError as error:
            self.error, failure = error, {"type": "lifespan.startup.failed"}
        finally:
            if failure is not None:
                await send(failure)


async def _tell_cut_off(send: Send) -> None:
    with suppress(RuntimeError):  # uvicorn's word for an answer that has begun
        await send({"type": "http.response.start", "status": 503, "headers": _CUT_OFF_HEADERS})
        await send({"type": "http.response.body", "body": _CUT_OFF})


def _stop_on_signals(server: uvicorn.Server) -> None:
    """Stop for signals that come before uvicorn listens to them.

    uvicorn raises a caught signal again after its shutdown; by then the work is done, and the exit code is 0.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _follow_parent(pipe: int, server: uvicorn.Server, grace: float) -> None:
    """Shut down when `pipe` ends: the supervising process holds its other end, and loses it even at kill -9.

    Raises:
        ConfigurationError: there is no such file descriptor.
    """
    try:
        os.fstat(pipe)
    except OSError as error:
        raise ConfigurationError("MOSAFE_PARENT_PIPE", f"{pipe} is not an open file descriptor") from error

    def wait() -> None:
        while os.read(pipe, 1024):
            pass
        _log.warning("the supervising process is gone, shutting down")
        server.should_exit = True
        last = threading.Timer(grace + LAST_SECONDS, os._exit, args=(1,))
        last.daemon = True
        last.start()

    threading.Thread(target=wait, name="parent-pipe", daemon=True).start()
