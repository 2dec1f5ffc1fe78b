"""What the router tells subgraphs about the caller: its address and how long it waits.

Fails on the code of before: a rule sent the client's own `X-Forwarded-For`, which anybody can invent, and no fetch had
`X-Request-Timeout-Ms`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from router.gateway import Gateway
from router.settings import InvalidSettings, read
from router.transport.interface import SubgraphRequest, SubgraphResponse
from tests.router.shop import SDL
from tests.router.transport.scripted_server import Peer, response, serving

if TYPE_CHECKING:
    from servicekit.asgi import Message
    from tests.router.transport.scripted_server import Received

RULE = "headers: {all: {request: [{propagate: {named: X-Forwarded-For}}]}}"
ME = json.dumps({"query": "{ me { id } }"}).encode()


async def post(gateway: Gateway, peer: str, *headers: tuple[str, str]) -> int:
    scope: Message = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "query_string": b"",
        "client": (peer, 4711),
        "headers": [(b"content-type", b"application/json"), *((n.encode(), v.encode()) for n, v in headers)],
    }
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": ME, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await gateway.asgi(scope, receive, send)
    return statuses[0]


@pytest.mark.parametrize(
    ("trusted", "peer", "header", "sent"),
    [
        ("", "198.51.100.9", "10.0.0.1", "198.51.100.9"),
        ("", "127.0.0.1", "10.9.9.9, 203.0.113.7", "203.0.113.7, 127.0.0.1"),
        ("", "127.0.0.1", "nonsense", "127.0.0.1"),
        ("none", "127.0.0.1", "203.0.113.7", "127.0.0.1"),
        ("198.51.100.0/24", "198.51.100.9", "203.0.113.7", "203.0.113.7, 198.51.100.9"),
        ("198.51.100.0/24", "127.0.0.1", "203.0.113.7", "127.0.0.1"),
    ],
)
async def test_only_trusted_proxies_are_believed(trusted: str, peer: str, header: str, sent: str) -> None:
    server = f"server: {{trusted_proxies: '{trusted}'}}\n" if trusted else ""
    received: list[SubgraphRequest] = []

    async def people(request: SubgraphRequest) -> SubgraphResponse:
        received.append(request)
        return SubgraphResponse.of({"data": {"me": {"id": "1"}}})

    gateway = Gateway.from_supergraph(SDL, read(server + RULE, {}), send=people)
    assert await post(gateway, peer, ("x-forwarded-for", header)) == 200
    assert received[0].headers == {"x-forwarded-for": sent}


def test_the_networks_come_from_the_environment_and_are_checked() -> None:
    assert read("", {"MOSAFE_TRUSTED_PROXIES": "10.0.0.0/8"}).server.trusted_proxies == "10.0.0.0/8"
    with pytest.raises(InvalidSettings, match=r"server\.trusted_proxies: .*networks"):
        read("server: {trusted_proxies: 10.0.0.0/99}", {})


@pytest.mark.parametrize(
    ("header", "traffic", "least", "most"),
    [
        (None, "request_timeout: 60s, all: {timeout: 5s}", 4000, 5000),
        (None, "request_timeout: 3s", 2000, 3000),
        ("2000", "request_timeout: 60s", 1000, 2000),
        ("90000", "request_timeout: 3s", 2000, 3000),
        ("-1", "request_timeout: 3s", 2000, 3000),
    ],
)
async def test_each_fetch_says_how_long_the_router_waits(
    header: str | None, traffic: str, least: int, most: int
) -> None:
    received: list[Received] = []

    async def people(peer: Peer) -> None:
        received.append(await peer.request())
        await peer.reply(response(b'{"data":{"me":{"id":"1"}}}'))
        await peer.request()

    async with serving(people) as server:
        text = f"override_subgraph_url: {{people: '{server.url}'}}\ntraffic: {{{traffic}}}"
        gateway = Gateway.from_supergraph(SDL, read(text, {}))
        try:
            headers = [("x-request-timeout-ms", header)] if header is not None else []
            assert await post(gateway, "127.0.0.1", *headers) == 200
        finally:
            await gateway.aclose()
    assert least <= int(received[0].headers["x-request-timeout-ms"]) <= most


async def test_a_client_that_does_not_wait_gets_a_timeout() -> None:
    async def people(peer: Peer) -> None:
        await peer.request()
        await peer.request()

    async with serving(people) as server:
        gateway = Gateway.from_supergraph(SDL, read(f"override_subgraph_url: {{people: '{server.url}'}}", {}))
        try:
            assert await post(gateway, "127.0.0.1", ("x-request-timeout-ms", "30")) == 504
        finally:
            await gateway.aclose()
