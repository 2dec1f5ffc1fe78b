"""Content codings of responses, through the application and on a real socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import httpx
import pytest

from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest, GraphQLResponse, Outcome
from router.server.graphql_http_app import GraphQLApp
from router.server.response_compression import IN_A_THREAD
from router.settings import read
from router.settings.types import ContentCoding
from router.transport.content_codings import decode
from tests.router.server.asgi_client import AsgiClient
from tests.router.server.live import serving

if TYPE_CHECKING:
    from servicekit.asgi import ASGIApp

ALL = ", ".join(get_args(ContentCoding))
QUERY = {"query": "q"}


def app(settings: str = "", size: int = 5_000) -> ASGIApp:
    """Responds with a body of `size` bytes."""

    async def execute(_request: GraphQLRequest) -> GraphQLResponse:
        body = {"data": {"x": "a" * (size - len('{"data":{"x":""}}'))}}
        return GraphQLResponse(body=body, outcome=Outcome.EXECUTED, record=RequestRecord())

    return GraphQLApp(execute, read(settings, {}))


@pytest.mark.parametrize("coding", get_args(ContentCoding))
async def test_the_response_is_in_the_coding_the_client_takes(coding: ContentCoding) -> None:
    response = await AsgiClient(app()).post(QUERY, accept_encoding=f"deflate, {coding}")
    assert response.headers["content-encoding"] == coding
    assert response.headers["content-length"] == str(len(response.body))
    assert len(response.body) < 500
    assert len(decode(coding, response.body, 10_000)) == 5_000


@pytest.mark.parametrize(
    ("settings", "accept", "expected"),
    [
        ("", ALL, "br"),
        # Node.js 20 announces zstd and cannot decode it, so zstd is chosen only if the client weighs it highest.
        ("", "zstd, br, gzip, deflate", "br"),
        ("", "zstd, gzip", "gzip"),
        ("", "gzip, deflate, br, zstd;q=1, *;q=0.1", "br"),
        ("", "br;q=0.8, gzip;q=0.9, zstd", "zstd"),
        ("", "zstd", "zstd"),
        ("", "*", "br"),
        ("", "", None),
        ("compression: {enabled: false}", ALL, None),
        ("compression: {encodings: [gzip, zstd]}", ALL, "gzip"),
        ("compression: {encodings: []}", ALL, None),
        ("compression: {minimum_bytes: 5000}", ALL, "br"),
        ("compression: {minimum_bytes: 5001}", ALL, None),
    ],
)
async def test_each_key_acts(settings: str, accept: str, expected: str | None) -> None:
    response = await AsgiClient(app(settings)).post(QUERY, accept_encoding=accept)
    assert response.headers.get("content-encoding") == expected


async def test_an_response_that_could_be_compressed_varies_with_what_the_client_takes() -> None:
    assert (await AsgiClient(app()).post(QUERY)).headers["vary"] == "Accept, Accept-Encoding"
    assert (await AsgiClient(app("compression: {enabled: false}")).post(QUERY)).headers["vary"] == "Accept"


async def test_a_large_response_is_compressed_beside_the_event_loop() -> None:
    response = await AsgiClient(app(size=2 * IN_A_THREAD)).post(QUERY, accept_encoding="br")
    assert len(decode("br", response.body, 10_000_000)) == 2 * IN_A_THREAD


def test_a_client_on_a_socket_gets_the_response() -> None:
    with serving(app()) as url, httpx.Client(base_url=url, timeout=30) as client:
        for accept in ("gzip", "br", "zstd", "identity"):
            response = client.post("/graphql", json=QUERY, headers={"accept-encoding": accept})
            if accept in {"gzip", "identity"}:  # httpx decodes the others only with packages of its own choice
                assert response.json() == {"data": {"x": "a" * 4_983}}
            assert response.headers.get("content-encoding", "identity") == accept
        head = client.head("/graphql", params=QUERY, headers={"accept-encoding": "gzip"})
        assert (head.status_code, head.headers["content-encoding"], head.content) == (200, "gzip", b"")
