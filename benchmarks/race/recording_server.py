"""Serves the real subgraphs of a federation over HTTP, and keeps what they were asked and what they answered."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from benchmarks.race.native_programs import Recorded
from benchmarks.race.processes import RaceError

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

    from benchmarks.race.federation import Federation

START_SECONDS = 10.0


@dataclass(slots=True)
class RecordingServer:
    """The subgraphs at `http://127.0.0.1:PORT/NAME`, in a thread. Each request is answered and kept."""

    federation: Federation
    port: int
    records: dict[tuple[str, bytes], Recorded] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    _server: uvicorn.Server = field(init=False)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        config = uvicorn.Config(
            self._app, interface="asgi3", host="127.0.0.1", port=self.port, log_level="error", access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="subgraphs")
        self._thread.start()
        end = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > end or not self._thread.is_alive():
                raise RaceError(f"the subgraphs cannot listen on port {self.port}")
            time.sleep(0.01)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()

    async def _app(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        record = self._answer(scope["path"], body)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(record.answer))]
        await send({"type": "http.response.start", "status": record.status, "headers": headers, "trailers": False})
        await send({"type": "http.response.body", "body": record.answer, "more_body": False})

    def _answer(self, path: str, body: bytes) -> Recorded:
        known = self.records.get((path, body))
        if known is None:
            known = self.records[path, body] = self._execute(path, body)
        return known

    def _execute(self, path: str, body: bytes) -> Recorded:
        subgraph = self.federation.subgraphs.get(path.strip("/"))
        if subgraph is None:
            self.problems.append(f"a request to {path}")
            return Recorded(path, body, 404, b"{}")
        try:
            content: dict[str, Any] = json.loads(body)
            answer = subgraph.execute(content["query"], content.get("variables") or {}, content.get("operationName"))
        except (ValueError, KeyError, TypeError) as error:
            self.problems.append(f"{path}: {error}\n{body.decode('utf-8', 'replace')[:2000]}")
            return Recorded(path, body, 400, b"{}")
        return Recorded(path, body, 200, json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode())
