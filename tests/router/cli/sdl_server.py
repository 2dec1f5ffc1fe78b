"""A server on a free port that responds to every POST with its SDL, as subgraphs do to `_service { sdl }`."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class SdlServer:
    """A running server.

    Attributes:
        sdl: the SDL that it returns.
        headers: the headers of the last request, with names in lower case.
        responding: while it is cleared, requests wait for their response.
        request_waits: set when a request waits.
    """

    sdl: str
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    responding: threading.Event = field(default_factory=threading.Event)
    request_waits: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving_sdl(sdl: str) -> Iterator[SdlServer]:
    sdl_server = SdlServer(sdl)
    sdl_server.responding.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if not sdl_server.responding.is_set():
                sdl_server.request_waits.set()
                sdl_server.responding.wait()
            sdl_server.headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.dumps({"data": {"_service": {"sdl": sdl_server.sdl}}}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            del arguments

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            sdl_server.url = f"http://127.0.0.1:{server.server_port}/graphql"
            yield sdl_server
        finally:
            sdl_server.responding.set()
            server.shutdown()
            thread.join()
