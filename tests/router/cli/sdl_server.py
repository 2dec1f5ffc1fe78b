"""A service on a free port that answers every POST with its SDL, as subgraphs answer `_service { sdl }`."""

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
    """What it answers, where it listens, and the headers (names in lower case) of the last request.

    While `answering` is cleared it takes requests, says so by `asked`, and is silent.
    """

    sdl: str
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    answering: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving_sdl(sdl: str) -> Iterator[SdlServer]:
    told = SdlServer(sdl)
    told.answering.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if not told.answering.is_set():
                told.asked.set()
                told.answering.wait()
            told.headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.dumps({"data": {"_service": {"sdl": told.sdl}}}).encode()
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
            told.url = f"http://127.0.0.1:{server.server_port}/graphql"
            yield told
        finally:
            told.answering.set()
            server.shutdown()
            thread.join()
