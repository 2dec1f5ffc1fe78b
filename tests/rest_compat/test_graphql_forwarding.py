"""`POST /graphql` of the REST layer passes a request on to the router, with the limits of all other requests.

Covers `rest_compat/online_banking/graphql_forwarding.py`, `rest_compat/request_body.py` and
`rest_compat/error_handling.py`.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from rest_compat.app import create_app
from rest_compat.errors import RouterTimeout, RouterUnreachable
from rest_compat.graphql_client import HttpResponse
from rest_compat.request_body import MAX_BODY_BYTES
from rest_compat.settings import RestSettings
from servicekit import request_deadline
from tests.rest_compat.fake_bank import SUPERGRAPH

if TYPE_CHECKING:
    from collections.abc import Mapping

GRAPHQL_JSON = "application/graphql-response+json"
BODY = {"query": "{ me { name } }"}


@dataclass
class Router:
    """A router that records requests. `response` is its response, or what sending raises."""

    response: HttpResponse | Exception = field(
        default_factory=lambda: HttpResponse(200, {"content-type": f"{GRAPHQL_JSON}; charset=utf-8"}, b'{"data":{}}')
    )
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event | None = None
    was_cancelled: bool = False

    async def send(self, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        self.requests.append((dict(headers), body))
        self.arrived.set()
        if self.go_on is not None:
            try:
                await self.go_on.wait()
            except asyncio.CancelledError:
                self.was_cancelled = True
                raise
        if isinstance(self.response, Exception):
            raise self.response
        return self.response


def app_of(router: Router, **settings: object) -> Any:
    values = {"REST_SUPERGRAPH": SUPERGRAPH, "MOSAFE_ENV": "development", **settings}
    return create_app(RestSettings.model_validate(values), router.send)


def client_of(router: Router, **settings: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app_of(router, **settings)), base_url="http://rest")


async def test_body_token_and_response_pass_unchanged() -> None:
    router = Router()
    async with client_of(router) as client:
        response = await client.post("/graphql", json=BODY, headers={"authorization": "Bearer ada"})
    assert (response.status_code, response.content) == (200, b'{"data":{}}')
    assert response.headers["content-type"] == f"{GRAPHQL_JSON}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    ((headers, body),) = router.requests
    assert json.loads(body) == BODY
    assert headers["authorization"] == "Bearer ada"
    assert headers["x-request-id"] == response.headers["x-request-id"]
    assert headers["x-forwarded-for"] == "127.0.0.1"


async def test_only_named_headers_pass_in_either_direction() -> None:
    hop_by_hop = {"connection": "keep-alive, x-secret", "keep-alive": "5", "te": "trailers", "upgrade": "websocket"}
    own = {"cookie": "a=b", "x-secret": "1", "x-forwarded-for": "8.8.8.8", "apollo-require-preflight": "1"}
    router = Router(
        HttpResponse(
            429,
            {
                "content-type": GRAPHQL_JSON,
                "retry-after": "7",
                "ratelimit": '"sign-in";r=0;t=7',
                "set-cookie": "a=b",
                "connection": "close",
                "transfer-encoding": "chunked",
                "content-encoding": "gzip",
            },
            b'{"errors":[{"message":"slow down"}]}',
        )
    )
    async with client_of(router) as client:
        response = await client.post("/graphql", json=BODY, headers={**hop_by_hop, **own})
    ((sent, _),) = router.requests
    named = {"accept", "x-request-id", "traceparent", "x-forwarded-for", "user-agent", request_deadline.HEADER}
    assert sent.keys() == named
    assert response.status_code == 429
    assert (response.headers["retry-after"], response.headers["ratelimit"]) == ("7", '"sign-in";r=0;t=7')
    assert response.headers.keys().isdisjoint({"set-cookie", "connection", "transfer-encoding", "content-encoding"})


@pytest.mark.parametrize(
    ("accept", "forwarded"),
    [
        ("*/*", GRAPHQL_JSON),
        ("application/json", "application/json;q=1"),
        ("Application/JSON; charset=utf-8", "application/json;q=1"),
        (f"application/json;q=0.9,{GRAPHQL_JSON}", f"application/json;q=0.9, {GRAPHQL_JSON};q=1"),
        (f"{GRAPHQL_JSON};q=0, */*", "application/json"),
        (f"{GRAPHQL_JSON};q=0, application/json;q=0", GRAPHQL_JSON),
        ("application/json5, application/jsonl", GRAPHQL_JSON),
        ("multipart/mixed", GRAPHQL_JSON),
    ],
)
async def test_the_client_chooses_among_the_media_types_of_graphql(accept: str, forwarded: str) -> None:
    router = Router()
    async with client_of(router) as client:
        await client.post("/graphql", json=BODY, headers={"accept": accept})
    assert router.requests[0][0]["accept"] == forwarded


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"method": "GET"}, 405, "METHOD_NOT_ALLOWED"),
        ({"method": "DELETE"}, 405, "METHOD_NOT_ALLOWED"),
        ({"method": "POST"}, 400, "VALIDATION_ERROR"),
        (
            {"method": "POST", "content": b"{}", "headers": {"content-type": "text/plain"}},
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        ({"method": "POST", "content": b"{}"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"method": "POST", "json": "x" * MAX_BODY_BYTES}, 413, "PAYLOAD_TOO_LARGE"),
    ],
)
async def test_what_cannot_be_forwarded_is_refused_as_a_graphql_error(
    request_: dict[str, Any], status: int, code: str
) -> None:
    router = Router()
    async with client_of(router) as client:
        response = await client.request(url="/graphql", **request_)
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (status, code)
    assert response.headers["content-type"].startswith(GRAPHQL_JSON)
    assert router.requests == []


async def test_options_and_head_work() -> None:
    async with client_of(Router()) as client:
        options, head = await client.options("/graphql"), await client.head("/graphql")
    assert (options.status_code, options.headers["allow"]) == (204, "OPTIONS, POST")
    assert (head.status_code, head.headers["allow"], head.content) == (405, "OPTIONS, POST", b"")


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (RouterUnreachable(), 503, "SERVICE_UNAVAILABLE"),
        (RouterTimeout(), 504, "GATEWAY_TIMEOUT"),
        (HttpResponse(502, {"content-type": "text/html"}, b"<html>nginx 10.0.0.7"), 503, "SERVICE_UNAVAILABLE"),
        (HttpResponse(200, {"content-type": "text/html"}, b"<html>log in"), 500, "INTERNAL_SERVER_ERROR"),
        (ValueError("a defect"), 500, "INTERNAL_SERVER_ERROR"),
    ],
)
async def test_a_router_without_a_response_is_a_graphql_error_without_details(
    outcome: HttpResponse | Exception, status: int, code: str
) -> None:
    async with client_of(Router(outcome)) as client:
        response = await client.post("/graphql", json=BODY)
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (status, code)
    assert not any(secret in response.text for secret in ("nginx", "10.0.0.7", "html", "defect"))


async def test_forwarded_requests_have_places_of_their_own() -> None:
    """When all places are taken and nobody may wait, the next request is refused; the API's routes have others."""
    router = Router(go_on=asyncio.Event())
    async with client_of(router, REST_CONCURRENCY=1, REST_QUEUE=0) as client:
        first = asyncio.create_task(client.post("/graphql", json=BODY))
        await router.arrived.wait()
        second = await client.post("/graphql", json=BODY)
        assert (second.status_code, second.headers["retry-after"]) == (503, "5")
        login = asyncio.create_task(client.post("/api/auth/login", json={"email": "ada@example.org", "password": "x"}))
        while len(router.requests) < 2:
            await asyncio.sleep(0)
        assert router.go_on is not None
        router.go_on.set()
        assert (await first).status_code == 200
        await login


async def test_when_the_client_leaves_its_request_leaves_too() -> None:
    router = Router(go_on=asyncio.Event())
    body = json.dumps(BODY).encode()
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        if (message := next(messages, None)) is not None:
            return message
        await router.arrived.wait()
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"host", b"rest"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
    }
    await app_of(router)(scope, receive, send)
    assert (router.was_cancelled, sent) == (True, [])
