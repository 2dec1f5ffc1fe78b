"""The texts with which Traefik reports a process that is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from bank.gateway_errors import PATHS, PREFIX, GatewayErrors

if TYPE_CHECKING:
    from servicekit.asgi import Receive, Scope, Send


async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"from the application"})


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(GatewayErrors(application)), base_url="http://service")


@pytest.mark.parametrize(("status", "code"), [(503, "SERVICE_UNAVAILABLE"), (504, "GATEWAY_TIMEOUT")])
async def test_each_form_of_an_error_has_its_text(status: int, code: str) -> None:
    async with client() as http:
        envelope = await http.get(f"{PREFIX}/api/{status}", headers={"x-request-id": "req-1"})
        graphql = await http.get(f"{PREFIX}/graphql/{status}")
    body = envelope.json()
    assert envelope.status_code == graphql.status_code == 200  # Traefik sends the status in the path
    assert body.keys() == {"error", "requestId", "timestamp"}
    assert (body["error"]["code"], body["requestId"], body["error"]["details"]) == (code, "req-1", {})
    assert envelope.headers["x-request-id"] == "req-1"
    assert int(envelope.headers["retry-after"]) > 0
    (error,) = graphql.json()["errors"]
    assert error["extensions"]["code"] == code
    assert error["message"] == body["error"]["message"]


async def test_every_other_request_reaches_the_application() -> None:
    async with client() as http:
        for method, path in (("POST", min(PATHS)), ("GET", f"{PREFIX}/api/500"), ("GET", PREFIX), ("GET", "/")):
            assert (await http.request(method, path)).text == "from the application", path
