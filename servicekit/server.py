"""Runs one ASGI application as one process, until a signal, a failure or the death of the supervising process.

The server is uvicorn with uvloop and httptools. The socket is bound before uvicorn starts, so that a port in use is
reported in a clear message instead of a traceback.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import structlog
import uvicorn

from servicekit import logging
from servicekit.errors import ConfigurationError, PortTaken, StartupError
from servicekit.garbage_collection import collect_and_freeze
from servicekit.http_limits import ConnectionLimits
from servicekit.http_protocol import BoundedProtocol, bounded
from servicekit.open_files import connections_within
from servicekit.shutdown import DrainableApp, DrainingServer, end_process, refuse_as_graphql
from servicekit.websocket_protocol import serve_websockets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import FrameType

    from servicekit.asgi import ASGIApp, Message, Receive, Scope, Send
    from servicekit.request_admission import RequestAdmission
    from servicekit.settings import ProcessSettings

_log = structlog.stdlib.get_logger("server")

BACKLOG = 2048
# How long the event loop may take for its cleanup. This time begins after the grace period for requests.
LAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address at which a process listens.

    Attributes:
        variable: the variable that changes the port, for error messages.
        shared: whether several sockets may listen on the port.
    """

    host: str
    port: int
    variable: str
    shared: bool = False


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How clients are served.

    Attributes:
        connections: the limits of each connection.
        refuse: the application that refuses requests while the process stops, with 503 in the form of the API.
        supervised: whether a supervisor stops this process. Such a process may get two SIGTERMs, one from the
            supervisor and one from the system. So a second SIGTERM does not end running requests, but a second SIGINT
            ends them.
        admission: decides when requests start; None if they start at once.
        log_in_background: whether a thread writes the log (`servicekit.background_log_writer`).
        websockets: whether the application serves WebSockets.
    """

    connections: ConnectionLimits = field(default_factory=ConnectionLimits)
    refuse: ASGIApp = refuse_as_graphql
    supervised: bool = False
    admission: RequestAdmission | None = None
    log_in_background: bool = False
    websockets: bool = False


def bind(endpoint: Endpoint) -> socket.socket:
    """Return a socket that listens at `endpoint`.

    Raises:
        PortTaken: another process listens on the port.
        StartupError: this machine does not have the address.
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
    options: ServerOptions | None = None,
) -> None:
    """Configure logs, bind, create the application and serve it; return after a graceful shutdown.

    If `endpoint` is a listening socket, it is closed at the end.

    After SIGTERM or SIGINT, new requests are refused. Running requests may continue for `settings.shutdown_seconds`, or
    until a second signal (`servicekit.shutdown`). Then the process ends even if requests are still running. The end of
    the pipe `settings.parent_pipe` has the same effect as a signal.

    Raises:
        StartupError: the port is taken, or the application cannot start.
    """
    chosen = options or ServerOptions()
    logging.configure(service, settings, in_background=chosen.log_in_background)
    listener = bind(endpoint) if isinstance(endpoint, Endpoint) else endpoint
    app = _StartupErrorHolder(create_app())
    drainable = DrainableApp(app, chosen.refuse)
    limits = chosen.connections
    limits = replace(limits, max_connections=connections_within(limits.max_connections))
    config = _config(drainable, "on", settings.shutdown_seconds, bounded(limits, chosen.admission))
    if chosen.websockets:
        serve_websockets(config)
    server = DrainingServer(config, drainable, supervised=chosen.supervised or settings.parent_pipe is not None)
    _stop_on_signals(server)
    if settings.parent_pipe is not None:
        _follow_parent(settings.parent_pipe, server, settings.shutdown_seconds)
    host, port = listener.getsockname()[:2]
    _log.info("listening", host=host, port=port)
    with listener:
        try:
            server.run(sockets=[listener])
        except SystemExit:  # raised by uvicorn when the application did not start
            raise app.startup_error or StartupError(f"{service} could not start; its log has the reason") from None
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
        # By default, uvicorn trusts the header X-Forwarded-For of loopback peers. Here, only
        # `servicekit.client_address` decides which proxies are trusted.
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(grace)),
    )


@asynccontextmanager
async def serving_beside(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve `app` at `listener` while the block runs, in the running event loop and without lifespan events."""
    server = _SecondServer(_config(app, "off", LAST_SECONDS))
    task = asyncio.get_running_loop().create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


class _SecondServer(uvicorn.Server):
    """A server that handles no signals, because the first server of the process handles them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _StartupErrorHolder:
    """Catches a `StartupError` of the lifespan, so that `serve` can raise it later.

    Without this class, the framework would catch the error and print its traceback. Other exceptions are not caught
    here. When the application has started, the garbage collector is set up (`servicekit.garbage_collection`).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.startup_error: StartupError | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failure: Message | None = None

        async def hold_failure(message: Message) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.failed":
                failure = message
                return
            if message["type"] == "lifespan.startup.complete":
                collect_and_freeze()
            await send(message)

        try:
            await self._app(scope, receive, hold_failure)
        except StartupError as error:
            self.startup_error, failure = error, {"type": "lifespan.startup.failed"}
        finally:
            if failure is not None:
                await send(failure)


def _stop_on_signals(server: uvicorn.Server) -> None:
    """Handle signals that arrive before uvicorn handles them.

    After its shutdown, uvicorn sends the signal to the process once more. With this handler, the process then ends with
    exit code 0 and is not killed by the signal.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _follow_parent(pipe: int, server: uvicorn.Server, grace: float) -> None:
    """Shut down when `pipe` reaches its end.

    The supervising process holds the other end. The system closes this end even if the process is killed.

    Raises:
        ConfigurationError: `pipe` is not an open file descriptor.
    """
    try:
        os.fstat(pipe)
    except OSError as error:
        raise ConfigurationError("MOSAFE_PARENT_PIPE", f"{pipe} is not an open file descriptor") from error

    def wait() -> None:
        while os.read(pipe, 1024):
            pass
        _log.warning("supervising process ended, shutting down")
        server.should_exit = True
        last = threading.Timer(grace + LAST_SECONDS, end_process)
        last.daemon = True
        last.start()

    threading.Thread(target=wait, name="parent-pipe", daemon=True).start()
