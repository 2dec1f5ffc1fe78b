"""Run one ASGI application as one process, until a signal, a failure or the death of the supervising process.

uvicorn with uvloop and httptools serves; the socket is bound here first, so that a taken port is a clear message and
never a traceback.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
import uvicorn

from servicekit import logging
from servicekit.errors import PortTaken, StartupError

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicekit.asgi import ASGIApp
    from servicekit.settings import ProcessSettings

_log = structlog.stdlib.get_logger("server")

# Idle keep-alive connections of clients: longer than the pools of common clients keep theirs (5 to 60 s), so that
# it is the client who closes and no request meets a closing socket.
KEEP_ALIVE_SECONDS = 75
BACKLOG = 2048
# After the grace period, what is left of the loop's cleanup.
LAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a process listens, and which variable changes the port."""

    host: str
    port: int
    variable: str


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
    endpoint: Endpoint,
    settings: ProcessSettings,
) -> None:
    """Configure logs, bind, build the application, serve; return after a graceful shutdown.

    SIGTERM and SIGINT let requests in flight finish for ``settings.shutdown_seconds``. The end of
    ``settings.parent_pipe`` does the same, and then ends the process whatever still runs.

    Raises:
        StartupError: the port is taken, or the application refused to start.
    """
    logging.configure(service, settings)
    listener = bind(endpoint)
    config = uvicorn.Config(
        create_app(),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
    )
    server = uvicorn.Server(config)
    _ignore_signals_after_shutdown()
    if settings.parent_pipe is not None:
        _follow_parent(settings.parent_pipe, server, settings.shutdown_seconds)
    host, port = listener.getsockname()[:2]
    _log.info("listening", host=host, port=port)
    with listener:
        server.run(sockets=[listener])
    if not server.started:
        raise StartupError(f"{service} could not start; its log has the reason")
    _log.info("stopped")


def _ignore_signals_after_shutdown() -> None:
    """uvicorn raises a caught signal again once it has shut down; by then the work is done and the exit code is 0."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)


def _follow_parent(pipe: int, server: uvicorn.Server, grace: float) -> None:
    """Shut down when ``pipe`` ends: the supervising process holds its other end, and loses it even at kill -9."""

    def wait() -> None:
        while os.read(pipe, 1024):
            pass
        _log.warning("the supervising process is gone, shutting down")
        server.should_exit = True
        last = threading.Timer(grace + LAST_SECONDS, os._exit, args=(1,))
        last.daemon = True
        last.start()

    threading.Thread(target=wait, name="parent-pipe", daemon=True).start()
