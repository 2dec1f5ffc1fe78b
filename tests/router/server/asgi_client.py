"""Drives an ASGI application message by message, as a server would, without one."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from servicekit.asgi import ASGIApp, Message


class AsgiResponse(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> object:
        """`extensions.code` of the first error."""
        return self.json["errors"][0]["extensions"]["code"]


class AsgiClient:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def send(
        self,
        method: str,
        path: str = "/graphql",
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: Sequence[bytes] = (b"",),
        leaves: asyncio.Event | None = None,
    ) -> AsgiResponse | None:
        """One exchange; `body` comes in as many parts. None when the client left (`leaves`) before an response came."""
        scope: Message = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        }
        parts = list(body)
        sent: list[Message] = []

        async def receive() -> Message:
            if parts:
                return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}
            await (leaves or asyncio.Event()).wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        if not sent:
            return None
        start, *rest = sent
        received: dict[str, str] = {}
        for raw, value in start["headers"]:
            name = raw.decode()
            received[name] = f"{received[name]}, {value.decode()}" if name in received else value.decode()
        return AsgiResponse(start["status"], received, b"".join(message["body"] for message in rest))

    async def post(self, payload: object, **headers: str) -> AsgiResponse:
        """POST a JSON body; header names are given with underscores."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await self.send("POST", headers={"content-type": "application/json", **given}, body=[body])
        assert response is not None
        return response

    async def get(self, query: str, **headers: str) -> AsgiResponse:
        """GET with a query string."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await self.send("GET", query=query, headers=given)
        assert response is not None
        return response
