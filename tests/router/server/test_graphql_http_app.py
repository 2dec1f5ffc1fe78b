"""The application: status, media type and headers of a request; start and end of the server.

Covers `router/server/graphql_http_app.py` and `router/server/graphql_and_health.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from router.request.request_and_response import Outcome
from router.server.graphql_http_app import GraphQLApp
from router.settings import read
from tests.router.server.recorder import GRAPHQL, JSON, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.router.server.asgi_client import AsgiClient


@pytest.mark.parametrize(
    ("accept", "outcome", "status"),
    [
        (GRAPHQL, Outcome.EXECUTED, 200),
        (GRAPHQL, Outcome.REFUSED, 400),
        (GRAPHQL, Outcome.NOT_READ_ONLY, 405),
        (GRAPHQL, Outcome.TIMED_OUT, 504),
        (GRAPHQL, Outcome.FAILED, 500),
        (JSON, Outcome.EXECUTED, 200),
        (JSON, Outcome.REFUSED, 200),
        (JSON, Outcome.NOT_READ_ONLY, 405),
        (JSON, Outcome.TIMED_OUT, 504),
        (JSON, Outcome.FAILED, 500),
    ],
)
async def test_status_and_type_of_the_response_follow_from_outcome_and_accept(
    client: Callable[..., AsgiClient], recorder: Recorder, accept: str, outcome: Outcome, status: int
) -> None:
    recorder.outcome = outcome
    response = await client().post({"query": "q"}, accept=accept)
    assert response.status == status
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"
    assert response.headers["content-length"] == str(len(response.body))
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Accept, Accept-Encoding"
    assert response.headers.get("allow") == ("POST" if status == 405 else None)


async def test_a_type_nobody_can_give_is_not_acceptable(client: Callable[..., AsgiClient]) -> None:
    response = await client().post({"query": "q"}, accept="text/html")
    assert (response.status, response.code) == (406, "NOT_ACCEPTABLE")
    assert response.headers["content-type"] == "application/json; charset=utf-8"


async def test_options_tells_the_methods(client: Callable[..., AsgiClient], recorder: Recorder) -> None:
    response = await client().send("OPTIONS")
    assert response is not None
    assert (response.status, response.body) == (204, b"")
    assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert not [name for name in response.headers if name.startswith("access-control")]
    assert recorder.requests == []


async def test_headers_that_come_twice_are_joined(recorder: Recorder) -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/graphql",
        "query_string": b"query=q",
        "headers": [(b"x-a", b"1"), (b"x-a", b"2"), (b"cookie", b"a=1"), (b"cookie", b"b=2")],
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    async def send(_message: object) -> None:
        pass

    await GraphQLApp(recorder, read("csrf: {enabled: false}", {}))(scope, receive, send)
    assert recorder.requests[0].headers == {"x-a": "1, 2", "cookie": "a=1; b=2"}


async def test_the_lifespan_is_confirmed_and_open_resources_are_closed(recorder: Recorder) -> None:
    closed = asyncio.Event()

    async def close() -> None:
        closed.set()

    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[object] = []

    async def receive() -> dict[str, str]:
        return events.pop(0)

    async def send(message: object) -> None:
        sent.append(message)

    await GraphQLApp(recorder, read("", {}), close)({"type": "lifespan"}, receive, send)
    assert sent == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
    assert closed.is_set()
