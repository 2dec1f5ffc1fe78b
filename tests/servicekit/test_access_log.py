from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from structlog.testing import capture_logs

from servicekit import request_ids
from servicekit.access_log import RequestIdMiddleware
from servicekit.health import HealthEndpoints
from servicekit.logged_paths import UNKNOWN_PATH

if TYPE_CHECKING:
    from servicekit.asgi import ASGIApp, Message, Receive, Scope, Send


async def echo(scope: Scope, _receive: Receive, send: Send) -> None:
    """Respond with the request id that the application sees."""
    request = request_ids.current()
    assert request is not None
    if scope["path"] == "/fails":
        raise RuntimeError("on purpose")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-mine", b"1")]})
    await send({"type": "http.response.body", "body": request.request_id.encode()})


def client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_the_application_and_the_client_get_the_request_id() -> None:
    async with client(RequestIdMiddleware(echo)) as http:
        response = await http.get("/", headers={"x-request-id": "req_1"})
    assert response.text == response.headers["x-request-id"] == "req_1"
    assert response.headers["x-mine"] == "1"


async def test_no_context_is_left_after_a_request() -> None:
    async with client(RequestIdMiddleware(echo)) as http:
        await http.get("/")
    assert request_ids.current() is None


async def test_the_access_log_has_the_path_without_its_query() -> None:
    """Other paths are text of the client, which could fill the log or be personal."""
    with capture_logs() as lines:
        async with client(RequestIdMiddleware(echo, routes=["/a"])) as http:
            await http.get("/a?email=ann@example.com")
            await http.get("/a/ann@example.com")
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/a", 200),
        ("GET", UNKNOWN_PATH, 200),
    ]
    line = lines
    assert "ann" not in str(line)


async def test_a_request_without_a_response_is_logged_as_499() -> None:
    async def silent(_scope: Scope, _receive: Receive, _send: Send) -> None:
        pass

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        pass

    with capture_logs() as lines:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        await RequestIdMiddleware(silent)(scope, receive, send)
    assert [line["status"] for line in lines] == [499]


async def test_a_failing_application_is_logged_as_500() -> None:
    with capture_logs() as lines:
        async with client(RequestIdMiddleware(echo)) as http:
            with pytest.raises(RuntimeError, match="on purpose"):
                await http.get("/fails")
    assert [line["status"] for line in lines] == [500]


async def test_health_probes_and_quiet_applications_are_not_logged() -> None:
    with capture_logs() as lines:
        async with client(RequestIdMiddleware(HealthEndpoints(echo, {}))) as http:
            await http.get("/health/live")
        async with client(RequestIdMiddleware(echo, access_log=False)) as http:
            await http.get("/")
    assert lines == []
