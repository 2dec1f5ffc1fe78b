"""An application behind a real server, on a free port, in a separate thread."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from servicekit.http_server.connection import ServerConnection
from servicekit.server import Endpoint, bind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicekit.asgi import ASGIApp


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The base URL; served as `router serve` does (uvloop, httptools), without its process."""
    listener = bind(Endpoint("127.0.0.1", 0, "-"))
    config = uvicorn.Config(
        app, loop="uvloop", http=ServerConnection, ws="none", lifespan="on", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
