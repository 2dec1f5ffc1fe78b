"""Path, method, content type, size and time of a request.

Covers `router/server/request_reading.py`, `router/server/http_request.py`, `router/server/http_request_checks.py` and
`router/server/http_refusals.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.router.server.asgi_client import AsgiClient
    from tests.router.server.recorder import Recorder


async def test_head_is_a_get(client: Callable[..., AsgiClient], recorder: Recorder) -> None:
    with capture_logs() as lines:
        response = await client().send("HEAD", query="query=q")
    assert response is not None
    assert response.status == 200
    assert recorder.requests[0].read_only
    assert lines[0]["bytes"] == 0  # a server sends no body


async def test_a_batch_is_refused_by_name(client: Callable[..., AsgiClient]) -> None:
    response = await client().post([{"query": "q"}])
    assert (response.status, response.code) == (400, "BATCHING_NOT_ENABLED")


@pytest.mark.parametrize("content_type", ["text/plain", "application/graphql", "application/json; charset=latin-1", ""])
async def test_a_body_that_is_not_json_is_an_unsupported_type(
    client: Callable[..., AsgiClient], content_type: str
) -> None:
    response = await client().post({"query": "q"}, content_type=content_type)
    assert (response.status, response.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_post_without_content_type_is_an_unsupported_type(client: Callable[..., AsgiClient]) -> None:
    response = await client().send("POST", body=[b'{"query":"q"}'])
    assert response is not None
    assert response.status == 415


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
async def test_another_method_is_not_allowed(client: Callable[..., AsgiClient], method: str) -> None:
    response = await client().send(method)
    assert response is not None
    assert (response.status, response.code) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize("path", ["/", "/graphql/", "/other"])
async def test_another_path_is_not_found(client: Callable[..., AsgiClient], path: str) -> None:
    response = await client().send("POST", path)
    assert response is not None
    assert (response.status, response.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "h2c, websocket"])
async def test_a_client_that_wants_a_websocket_is_told_that_there_is_none(
    client: Callable[..., AsgiClient], recorder: Recorder, upgrade: str
) -> None:
    response = await client().send("GET", headers={"connection": "Upgrade", "upgrade": upgrade})
    assert response is not None
    assert (response.status, response.code) == (400, "SUBSCRIPTIONS_NOT_ENABLED")
    assert "WebSocket" in response.json["errors"][0]["message"]
    assert recorder.requests == []


async def test_the_path_is_configurable(client: Callable[..., AsgiClient]) -> None:
    response = await client("server: {path: /}").send("GET", "/", query="query=q")
    assert response is not None
    assert response.status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_time_of_a_request_runs_from_its_head(
    client: Callable[..., AsgiClient], recorder: Recorder, method: str
) -> None:
    began = asyncio.get_running_loop().time()
    limited = client("traffic: {request_timeout: 5s}")
    await (limited.get("query=q") if method == "GET" else limited.post({"query": "q"}))
    (request,) = recorder.requests
    assert request.deadline == pytest.approx(began + 5, abs=0.5)


async def test_a_query_string_beyond_the_limit_is_too_long(client: Callable[..., AsgiClient]) -> None:
    limited = client("limits: {url_bytes: 19}")
    assert (await limited.get("query=abcd")).status == 200
    response = await limited.get("query=abcde")
    assert (response.status, response.code) == (414, "URI_TOO_LONG")
