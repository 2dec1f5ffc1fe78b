"""Whatever a client sends: an response below 500, no traceback, and the next client is served."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from router.gateway import Gateway
from router.settings import read
from tests.router.server.asgi_client import AsgiClient
from tests.router.server.live import serving
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

# Everything on that reads more of a request.
SETTINGS = """
introspection: true
batching: {enabled: true}
apq: {enabled: true, entries: 10}
compression: {minimum_bytes: 1}
"""
GATEWAY = Gateway.from_supergraph(SDL, read(SETTINGS, {}), send=Shop())

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
DOCUMENTS = st.sampled_from(
    [
        "{ me { name orders { id amount } } }",
        "query Q($n: String!) { greet(name: $n) }",
        "mutation { rename(name: 1) { id } }",
        "{ me { ...F } } fragment F on User { ...F }",
        "{ __schema { types { fields { type { fields { name } } } } } }",
        "subscription { bought { id } }",
        "{ me @skip(if: $x) { id } }",
    ]
)


@st.composite
def garbled(draw: st.DrawFn) -> str:
    """A document with a piece cut out, doubled, or replaced."""
    document = draw(DOCUMENTS | st.text(max_size=60))
    start = draw(st.integers(0, len(document)))
    end = draw(st.integers(start, len(document)))
    return document[:start] + draw(st.text(max_size=5) | st.just(document[start:end] * 2)) + document[end:]


PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "query": garbled() | JSON_VALUES,
        "operationName": JSON_VALUES,
        "variables": JSON_VALUES,
        "extensions": JSON_VALUES
        | st.fixed_dictionaries(
            {"persistedQuery": st.fixed_dictionaries({"version": st.just(1), "sha256Hash": JSON_VALUES})}
        ),
    },
)
BODIES = (
    st.binary(max_size=200)
    | PARAMETERS.map(lambda value: json.dumps(value).encode())
    | st.lists(PARAMETERS | JSON_VALUES, max_size=12).map(lambda value: json.dumps(value).encode())
    | JSON_VALUES.map(lambda value: json.dumps(value).encode())
)
HEADER_VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def exchange(method: str, **parts: Any) -> int:
    """The status of one exchange; an internal failure logged on the way counts as 500."""

    async def run() -> int:
        response = await AsgiClient(GATEWAY.asgi).send(method, **parts)
        assert response is not None
        if method != "OPTIONS" and response.body and "content-encoding" not in response.headers:
            assert isinstance(response.json, dict | list)
        return response.status

    with capture_logs() as lines:
        status = asyncio.run(run())
    assert not [line for line in lines if line["log_level"] == "error"], lines
    return status


@MANY
@given(BODIES)
def test_any_body(body: bytes) -> None:
    assert exchange("POST", headers={"content-type": "application/json"}, body=[body]) < 500


@MANY
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=100))
def test_any_query_string(query: str) -> None:
    assert exchange("GET", query=query) < 500
    assert exchange("GET", query=f"query={query}&variables={query}") < 500


@MANY
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "accept",
                "accept-encoding",
                "content-encoding",
                "content-type",
                "content-length",
                "origin",
                "cookie",
                "sec-fetch-site",
                "traceparent",
                "x-request-id",
                "authorization",
                "apollographql-client-name",
            ]
        ),
        HEADER_VALUES,
    )
)
def test_any_headers(headers: dict[str, str]) -> None:
    body = [b'{"query":"{__typename}"}']
    assert exchange("POST", headers=headers, body=body) < 500
    assert exchange("POST", headers={**headers, "content-type": "application/json"}, body=body) < 500


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(Gateway.from_supergraph(SDL, read("limits: {body_bytes: 1000}", {}), send=Shop()).asgi) as url:
        yield url


def responses_in(received: bytes) -> int:
    return received.count(b'"__typename":"Query"') + received.count(b" 413 ")


async def said(server: str, *parts: bytes, responses: int, half_close: bool = False) -> bytes:
    """What the server says to these bytes, until it closes, or is silent after that many responses."""
    host, port = server.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    received = b""
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        if half_close:
            writer.write_eof()
        while True:
            async with asyncio.timeout(0.5 if responses_in(received) >= responses else 30):
                data = await reader.read(65536)
            if not data:
                break
            received += data
    except (TimeoutError, ConnectionError):
        pass  # silence and a reset are responses too
    finally:
        writer.close()
    return received


GOOD = (
    b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 24\r\n\r\n"
    b'{"query":"{__typename}"}'
)


@pytest.mark.parametrize(
    ("parts", "responses"),
    [
        pytest.param((b"\x16\x03\x01\x02\x00",), 0, id="a TLS hello"),
        pytest.param((b"GET\r\n\r\n",), 0, id="no HTTP"),
        pytest.param((b"POST /graphql HTTP/1.1\r\ncontent-length: -1\r\n\r\n",), 0, id="a negative length"),
        pytest.param((GOOD[:60],), 0, id="half a head"),
        pytest.param((GOOD[:-5],), 0, id="half a body"),
        pytest.param((GOOD + GOOD,), 2, id="pipelined"),
        pytest.param(tuple(bytes([byte]) for byte in GOOD), 1, id="a byte at a time"),
        pytest.param((GOOD.replace(b"length: 24", b"length: 9999"),), 1, id="too large by its own word"),
    ],
)
@pytest.mark.parametrize("half_close", [False, True])
async def test_any_bytes_on_the_socket(
    server: str,
    parts: tuple[bytes, ...],
    responses: int,
    half_close: bool,  # noqa: FBT001  (a table's column)
) -> None:
    expected = 0 if half_close else responses
    received = await said(server, *parts, responses=expected, half_close=half_close)
    assert b"HTTP/1.1 5" not in received
    assert b"Traceback" not in received
    assert responses_in(received) >= expected
    async with httpx.AsyncClient(timeout=30) as client:
        assert (await client.post(f"{server}/graphql", json={"query": "{__typename}"})).status_code == 200
