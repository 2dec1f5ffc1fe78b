from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import Response

from servicekit.asgi import CLIENT_CLOSED_REQUEST
from subgraphs.kit.service_routes import DirectRoutes, ServiceRoute, add_routes

if TYPE_CHECKING:
    from starlette.requests import Request


async def echo(request: Request) -> Response:
    """Return the body of the request."""
    return Response(await request.body())


ROUTES = (
    ServiceRoute("/echo", ("POST",), echo),
    ServiceRoute("/other", ("GET", "HEAD"), echo),
    ServiceRoute("/get", ("GET",), echo),
)


def application() -> DirectRoutes:
    app = FastAPI(openapi_url=None)
    add_routes(app, ROUTES)

    @app.middleware("http")
    async def mark(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["x-middleware"] = "passed"
        return response

    return DirectRoutes(app, ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "status", "direct"),
    [
        ("POST", "/echo", 200, True),
        ("GET", "/other", 200, True),
        ("HEAD", "/other", 200, True),
        ("GET", "/echo", 405, False),
        ("HEAD", "/get", 405, False),
        ("POST", "/missing", 404, False),
        ("POST", "/echo/", 307, False),
    ],
)
async def test_only_other_requests_pass_the_middlewares(method: str, path: str, status: int, *, direct: bool) -> None:
    transport = httpx.ASGITransport(application())
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        response = await client.request(method, path, content=b"hello" if method == "POST" else b"")
    assert (response.status_code, "x-middleware" not in response.headers) == (status, direct)
    assert (response.content == b"hello") == (direct and method == "POST")


async def test_a_client_that_goes_away_while_it_sends_the_body_gets_a_status_for_the_log() -> None:
    messages: list[Any] = []
    received = iter([{"type": "http.request", "body": b"he", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(received)

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {"type": "http", "method": "POST", "path": "/echo", "headers": [], "query_string": b""}
    await application()(scope, receive, send)
    assert messages[0]["status"] == CLIENT_CLOSED_REQUEST
