"""Bodies within their limits of size and time. Covers `router/server/request_body.py`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.router.server.recorder import GRAPHQL, JSON, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.router.server.asgi_client import AsgiClient


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b'"q"',
        b"1",
        b"{}",
        b'{"query":null}',
        b'{"query":""}',
        b'{"query":1}',
        b'{"query":{}}',
        b'{"query":["q"]}',
        b'{"query":"q","operationName":1}',
        b'{"query":"q","operationName":{}}',
        b'{"query":"q","variables":"{}"}',
        b'{"query":"q","variables":[]}',
        b'{"query":"q","variables":1}',
        b'{"query":"q","extensions":false}',
        b'{"query":"q","extensions":[]}',
        b'{"query":"\xff"}',
        b'{"query":"q","variables":{"v":1e99999999999999999999}}',
        b'{"query":"q","variables":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_001,
    ],
)
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_a_malformed_body_is_a_bad_request(
    client: Callable[..., AsgiClient], recorder: Recorder, body: bytes, accept: str
) -> None:
    response = await client().post(body, accept=accept)
    assert (response.status, response.code) == (400, "BAD_REQUEST")
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"
    assert "data" not in response.json
    assert recorder.requests == []


async def test_a_body_in_parts_is_joined(client: Callable[..., AsgiClient], recorder: Recorder) -> None:
    headers = {"content-type": "application/json"}
    response = await client().send("POST", headers=headers, body=[b'{"que', b"", b'ry":"q"}'])
    assert response is not None
    assert response.status == 200
    assert recorder.requests[0].query == "q"


@pytest.mark.parametrize("declared", [{}, {"content-length": "31"}, {"content-length": "5"}])
async def test_a_body_beyond_the_limit_is_too_large_and_ends_the_connection(
    client: Callable[..., AsgiClient], recorder: Recorder, declared: dict[str, str]
) -> None:
    limited = client("limits: {body_bytes: 30}")
    headers = {"content-type": "application/json", **declared}
    response = await limited.send("POST", headers=headers, body=[b'{"query":"q",', b'"operationName":"X"}'])
    assert response is not None
    assert (response.status, response.code) == (413, "PAYLOAD_TOO_LARGE")
    assert response.headers["connection"] == "close"
    assert recorder.requests == []
    assert (await limited.post(b'{"query":"q","variables":null}')).status == 200


async def test_a_body_that_does_not_arrive_is_not_waited_for(client: Callable[..., AsgiClient]) -> None:
    response = await client("traffic: {request_timeout: 10ms}").send("POST", headers={"content-type": JSON}, body=[])
    assert response is not None
    assert (response.status, response.code) == (408, "REQUEST_TIMEOUT")
    assert response.headers["connection"] == "close"


async def test_a_client_that_leaves_in_mid_body_gets_nothing(
    client: Callable[..., AsgiClient], recorder: Recorder
) -> None:
    left = asyncio.Event()
    left.set()
    with capture_logs() as lines:
        response = await client().send("POST", headers={"content-type": JSON}, body=[], leaves=left)
    assert response is None
    assert recorder.requests == []
    assert lines[0]["status"] == 499
