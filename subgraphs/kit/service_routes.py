"""Routes of a service whose handlers get the request and return the response.

FastAPI knows the routes too, but a request to one of them does not pass its middlewares, its routing and its
dependencies, which nothing here uses. They take a quarter of a millisecond of processor time for each request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from servicekit.asgi import CLIENT_CLOSED_REQUEST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import FastAPI

    from servicekit.asgi import ASGIApp, Receive, Scope, Send

Handler = Callable[[Request], Awaitable[Response]]


class ServiceRoute(NamedTuple):
    """A route without parameters in its path."""

    path: str
    methods: tuple[str, ...]
    handler: Handler


class DirectRoutes:
    """Calls the handlers of `routes`. All other requests go to `app`, which responds with 404 or 405."""

    def __init__(self, app: ASGIApp, routes: Iterable[ServiceRoute]) -> None:
        self._app = app
        self._handlers = {(route.path, method): route.handler for route in routes for method in route.methods}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._handlers.get((scope["path"], scope["method"])) if scope["type"] == "http" else None
        if handler is None:
            await self._app(scope, receive, send)
            return
        try:
            response = await handler(Request(scope, receive, send))
        except ClientDisconnect:
            # The client closed the connection while it sent the body. Nobody receives the response; its status is
            # only logged.
            response = Response(status_code=CLIENT_CLOSED_REQUEST)
        await response(scope, receive, send)


def add_routes(app: FastAPI, routes: Iterable[ServiceRoute]) -> None:
    """Add `routes` to the application, which then responds with 405 to other methods.

    They are routes of Starlette: FastAPI would analyse the parameters of each handler, which takes longer than
    everything else that makes an application.
    """
    for route in routes:
        added = Route(route.path, route.handler, include_in_schema=False)
        # The constructor would add HEAD to GET.
        added.methods = set(route.methods)
        app.router.routes.append(added)
