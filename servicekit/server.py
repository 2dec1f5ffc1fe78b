"""Runs one ASGI application as one process, until a signal, a failure or the death of the supervising process.

uvicorn runs the process, with uvloop. The protocol of uvicorn reads the requests, with httptools, or a protocol of our
own does so (`servicekit.http_server`). The socket is bound before uvicorn starts, so that a port in use is reported in
a clear message instead of a traceback.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
import structlog
import uvicorn

from servicekit import logging
from servicekit.errors import ConfigurationError, PortTaken, StartupError
from servicekit.garbage_collection import collect_and_freeze
from servicekit.http_limits import ConnectionLimits
from servicekit.http_server.connection import connections
from servicekit.open_files import connections_within
from servicekit.probe_port import ProbesOnly
from servicekit.shutdown import DrainableApp, DrainingServer, end_process, forbid_as_graphql, refuse_as_graphql
from servicekit.tls.caller_check import CallerCheck
from servicekit.websocket_protocol import serve_websockets

if TYPE_CHECKING:
    import ssl
    from asyncio import Protocol
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from types import FrameType

    from servicekit.asgi import ASGIApp, Message, Receive, Scope, Send
    from servicekit.http_server.messages import DirectApplication, DirectHandler
    from servicekit.request_admission import RequestAdmission
    from servicekit.settings import ProcessSettings
    from servicekit.tls.caller_check import CallerRules

_log = structlog.stdlib.get_logger("server")

HttpServer: TypeAlias = Literal["built_in", "uvicorn"]

BACKLOG = 2048
# How long the event loop may take for its cleanup. This time begins after the grace period for requests.
LAST_SECONDS = 1.0


class Endpoint(msgspec.Struct, frozen=True):
    """The address at which a process listens.

    Attributes:
        variable: the variable that changes the port, for error messages.
        shared: whether several sockets may listen on the port.
    """

    host: str
    port: int
    variable: str
    shared: bool = False


class MutualTls(msgspec.Struct, frozen=True):
    """Mutual TLS of a server.

    Attributes:
        context: requires a certificate from each client.
        rules: which processes may call which paths.
        forbid: the application that refuses requests of other processes, with 403 in the form of the API.
    """

    context: ssl.SSLContext
    rules: CallerRules
    forbid: ASGIApp = forbid_as_graphql


class ServerOptions(msgspec.Struct, frozen=True):
    """How clients are served.

    Attributes:
        connections: the limits of each connection.
        refuse: the application that refuses requests while the process stops, with 503 in the form of the API.
        supervised: whether a supervisor stops this process. Such a process may get two SIGTERMs, one from the
            supervisor and one from the system. So a second SIGTERM does not end running requests, but a second SIGINT
            ends them.
        admission: decides when requests start; None if they start at once.
        websockets: whether the application serves WebSockets. Only uvicorn's protocol can do so.
        http_server: whose protocol serves HTTP: our own (`servicekit.http_server`), or uvicorn's.
        direct: responds to some requests without the messages of ASGI, if our own protocol serves HTTP.
        mutual_tls: how the process serves mutual TLS; None for plain HTTP.
        probes: the address of a further port for health probes; None for no such port.
    """

    connections: ConnectionLimits = msgspec.field(default_factory=ConnectionLimits)
    refuse: ASGIApp = refuse_as_graphql
    supervised: bool = False
    admission: RequestAdmission | None = None
    websockets: bool = False
    http_server: HttpServer = "uvicorn"
    direct: DirectHandler | None = None
    mutual_tls: MutualTls | None = None
    probes: Endpoint | None = None


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
    """Configure logs, create the application, bind and serve; return after a graceful shutdown.

    If `endpoint` is a listening socket, it is closed at the end.

    After SIGTERM or SIGINT, new requests are refused. Running requests may continue for `settings.shutdown_seconds`, or
    until a second signal (`servicekit.shutdown`). Then the process ends even if requests are still running. The end of
    the pipe `settings.parent_pipe` has the same effect as a signal.

    Raises:
        ConfigurationError: the variables of mutual TLS are set, but the process does not serve it.
        StartupError: the port is taken, or the application cannot start.
    """
    chosen = options or ServerOptions()
    _refuse_unused_tls(service, settings, chosen)
    logging.configure(service, settings, in_background=True)
    app = _StartupErrorHolder(create_app())  # before clients can connect; see `MemoryNonces`
    listener = bind(endpoint) if isinstance(endpoint, Endpoint) else endpoint
    drainable = DrainableApp(app, chosen.refuse, chosen.direct)
    if chosen.probes is not None:
        app.companion = serving_probes(drainable, bind(chosen.probes))
    config = _main_config(drainable, settings, chosen)
    server = DrainingServer(config, drainable, supervised=chosen.supervised or settings.parent_pipe is not None)
    _stop_on_signals(server)
    if settings.parent_pipe is not None:
        _follow_parent(settings.parent_pipe, server, settings.shutdown_seconds)
    host, port = listener.getsockname()[:2]
    _log.info("listening", host=host, port=port, http_server=chosen.http_server)
    with listener:
        try:
            server.run(sockets=[listener])
        except SystemExit:  # raised by uvicorn when the application did not start
            raise app.startup_error or StartupError(f"{service} could not start; its log has the reason") from None
    _log.info("stopped")


def _refuse_unused_tls(service: str, settings: ProcessSettings, chosen: ServerOptions) -> None:
    if settings.tls_files is not None and chosen.mutual_tls is None:
        raise ConfigurationError("MOSAFE_TLS_CERT_FILE", f"{service} does not serve mutual TLS")


def _main_config(drainable: DrainableApp, settings: ProcessSettings, chosen: ServerOptions) -> uvicorn.Config:
    served: DrainableApp | CallerCheck = drainable
    if chosen.mutual_tls is not None:
        served = CallerCheck(drainable, chosen.mutual_tls.rules, chosen.mutual_tls.forbid, drainable)
    config = _config(served, "on", settings.shutdown_seconds, _protocol(chosen, served))
    if chosen.mutual_tls is not None:
        context = chosen.mutual_tls.context
        config.ssl_context_factory = lambda _config, _default: context
    if chosen.websockets:
        serve_websockets(config)
    return config


def _protocol(chosen: ServerOptions, direct: DirectApplication) -> type[Protocol]:
    limits = chosen.connections
    limits = msgspec.structs.replace(limits, max_connections=connections_within(limits.max_connections))
    if chosen.http_server == "built_in" and not chosen.websockets:
        return connections(limits, chosen.admission, direct)
    # The protocol of uvicorn is imported only by processes that use it.
    from servicekit.http_protocol import bounded  # noqa: PLC0415

    return bounded(limits, chosen.admission)


def _config(app: ASGIApp, lifespan: Literal["on", "off"], grace: float, protocol: type[Protocol]) -> uvicorn.Config:
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
    server = _SecondServer(_config(app, "off", LAST_SECONDS, connections(ConnectionLimits())))
    task = asyncio.get_running_loop().create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def serving_probes(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve only the health paths of `app` at `listener` while the block runs."""
    async with serving_beside(ProbesOnly(app), listener):
        host, port = listener.getsockname()[:2]
        _log.info("listening for probes", host=host, port=port)
        yield


class _SecondServer(uvicorn.Server):
    """A server that handles no signals, because the first server of the process handles them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _StartupErrorHolder:
    """Catches a `StartupError` of the lifespan, so that `serve` can raise it later.

    Without this class, the framework would catch the error and print its traceback. Other exceptions are not caught
    here. When the application has started, the garbage collector is set up (`servicekit.garbage_collection`).

    `companion` is open while the application is open: from the end of its start until the end of its shutdown.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.startup_error: StartupError | None = None
        self.companion: AbstractAsyncContextManager[object] = nullcontext()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failure: Message | None = None
        companions = AsyncExitStack()

        async def hold_failure(message: Message) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.failed":
                failure = message
                return
            if message["type"] == "lifespan.startup.complete":
                await companions.enter_async_context(self.companion)
                collect_and_freeze()
            else:  # the shutdown is complete or has failed; after this message, the event loop ends
                await companions.aclose()
            await send(message)

        try:
            async with companions:
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
