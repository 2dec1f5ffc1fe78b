"""The WebSocket route of a subgraph, `/graphql`, and the limits of its connections."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

import structlog
from fastapi import APIRouter
from starlette.websockets import WebSocket  # noqa: TC002 - FastAPI reads annotations at run time

from subgraphs.kit.subscriptions.connection import Connection, Subgraph
from subgraphs.kit.subscriptions.messages import SUBPROTOCOL, CloseCode, Closed

if TYPE_CHECKING:
    from collections.abc import Callable

# How many connections a process serves. Each takes about 100 KB with its buffers.
MAX_CONNECTIONS: Final = 1_000
# How many connections a user may have. A person has a few devices, and each may have some open pages.
MAX_PER_USER: Final = 50

_log = structlog.stdlib.get_logger("subscriptions")


class Connections:
    """Counts the open connections of a process."""

    def __init__(self) -> None:
        self.open = 0
        self.by_user: Counter[str] = Counter()

    async def serve(self, websocket: WebSocket, subgraph: Subgraph) -> None:
        """Accept a WebSocket, serve it to its end, and log one line."""
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None)
        if SUBPROTOCOL not in websocket.scope["subprotocols"]:
            await websocket.close(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")
            return
        if self.open >= MAX_CONNECTIONS:
            await websocket.close(CloseCode.TRY_AGAIN_LATER, "too many connections")
            return
        users: list[str] = []
        started, code = time.perf_counter(), None
        self.open += 1
        try:
            code = await Connection(websocket, subgraph, lambda user: self._admit(user, users)).serve()
        finally:
            self.open -= 1
            self.by_user.subtract(users)
            self.by_user += Counter()  # drops users without connections
            seconds = round(time.perf_counter() - started, 1)
            _log.info("connection closed", code=code, seconds=seconds)

    def _admit(self, user_id: str, users: list[str]) -> None:
        if self.by_user[user_id] >= MAX_PER_USER:
            raise Closed(CloseCode.TRY_AGAIN_LATER, "too many connections of this user")
        self.by_user[user_id] += 1
        users.append(user_id)


def websocket_router(subgraph: Callable[[], Subgraph]) -> APIRouter:
    """Return the route. `subgraph` returns the open service; it raises Unavailable while the service stops."""
    router, connections = APIRouter(), Connections()

    async def handle(websocket: WebSocket) -> None:
        await connections.serve(websocket, subgraph())

    router.add_api_websocket_route("/graphql", handle)
    return router
