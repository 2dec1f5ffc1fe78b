"""A request that is processed in one pass gets the bytes and the log line that `GraphQLApp` gives it.

Covers `router/server/batch_execution.py` too.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from structlog.testing import capture_logs

from router.gateway import Gateway
from router.pipeline.stage import Stage
from router.request.request_and_response import GraphQLResponse, Outcome, ResponseStream
from router.settings import read
from servicekit import client_address, request_ids
from servicekit.http_limits import ConnectionLimits
from servicekit.shutdown import DrainableApp, refuse_as_graphql
from tests.router.shop import SDL, Shop
from tests.servicekit.raw_http import SECONDS, served

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from router.pipeline.request_context import RequestContext
    from router.pipeline.stage import RunOn
    from router.request.request_and_response import Response
    from servicekit.asgi import Receive, Scope, Send
    from servicekit.http_server.messages import DirectWork, WholeRequest
    from tests.servicekit.raw_http import Client

ME = {"query": "{ me { name orders { id amount } } }"}
IDS = "x-request-id: r1\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
SETTINGS = """
server: {trusted_proxies: 127.0.0.0/8}
introspection: true
batching: {enabled: true}
cors: {enabled: true, origins: [https://page.example]}
limits: {body_bytes: 500, header_bytes: 1000, batch_size: 1, measure: [batch_size]}
traffic: {request_timeout: 5s}
errors: {status: {GRAPHQL_VALIDATION_FAILED: 422}}
"""


class Case(NamedTuple):
    """A request; `is_usual` says whether it is processed in one pass."""

    body: object = ME
    headers: str = ""
    method: str = "POST"
    path: str = "/graphql"
    is_usual: bool = True

    def sent(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        length = "" if "transfer-encoding" in self.headers else f"content-length: {len(body)}\r\n"
        kind = "" if "content-type" in self.headers else "content-type: application/json\r\n"
        last = "connection: close\r\n"
        head = f"{self.method} {self.path} HTTP/1.1\r\nhost: x\r\n{kind}{IDS}{self.headers}{length}{last}\r\n"
        return head.encode() + body


CASES = {
    "a query": Case(),
    "a mutation": Case({"query": 'mutation Rename { rename(name: "B") { name } }'}),
    "variables": Case({"query": "query($n: String!) { greet(name: $n) }", "variables": {"n": "ä"}}),
    "a wrong variable": Case({"query": "query($n: String!) { greet(name: $n) }", "variables": {"n": 1}}),
    "a document that is not valid": Case({"query": "{ nothing }"}),
    "a document that is not GraphQL": Case({"query": "{"}),
    "the media type of GraphQL": Case(headers="accept: application/graphql-response+json\r\n"),
    "an error in the media type of GraphQL": Case(
        {"query": "{"}, headers="accept: application/graphql-response+json\r\n"
    ),
    "a page of an allowed origin": Case(headers="origin: https://page.example\r\n"),
    "a page of another origin": Case(headers="origin: https://other.example\r\n"),
    "a compressed response": Case(
        {"query": "{ " + " ".join(f'a{each}: greet(name: "name")' for each in range(15)) + " }"},
        headers="accept-encoding: gzip\r\n",
    ),
    "a client with a name": Case(headers="apollographql-client-name: web\r\napollographql-client-version: 1\r\n"),
    "a client behind a proxy": Case({"query": "{ me { id } }"}, headers="x-forwarded-for: 192.0.2.7\r\n"),
    "a client without time": Case(headers="x-request-timeout-ms: 0\r\n"),
    "a body that is not JSON": Case(b"{"),
    "a body that is no object": Case(b"1"),
    "a body without a query": Case({}),
    "an unsupported hash": Case({"extensions": {"persistedQuery": {}}}),
    "a batch": Case([ME]),
    "a batch above a measured limit": Case([ME, {"query": "{"}, 1]),
    "an empty batch": Case([]),
    "a body above the limit": Case(b" " * 501, is_usual=False),
    "a header above the limit": Case(headers=f"a: {'b' * 1000}\r\n", is_usual=False),
    "a get": Case(b"", method="GET", path="/graphql?query=%7Bme%7Bid%7D%7D", is_usual=False),
    "another path": Case(path="/other", is_usual=False),
    "a form": Case(headers="content-type: text/plain\r\norigin: https://page.example\r\n", is_usual=False),
    "a compressed body": Case(gzip.compress(b"{}", mtime=0), headers="content-encoding: gzip\r\n", is_usual=False),
    "a media type that is not served": Case(headers="accept: text/html\r\n", is_usual=False),
    "a client that asks before it sends": Case(headers="expect: 100-continue\r\n", is_usual=False),
    "a WebSocket": Case(headers="connection: upgrade\r\nupgrade: websocket\r\n", is_usual=False),
    "chunks": Case(b"2\r\n{}\r\n0\r\n\r\n", headers="transfer-encoding: chunked\r\n", is_usual=False),
}


class Direct:
    """The direct handler of a gateway. `taken` says for each request whether the handler takes it."""

    def __init__(self, gateway: Gateway, *, is_on: bool = True) -> None:
        self.gateway, self._is_on = gateway, is_on
        self.taken: list[bool] = []
        self.app = DrainableApp(self._serve, refuse_as_graphql, self)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.gateway.asgi(scope, receive, send)

    def __call__(self, request: WholeRequest) -> DirectWork | None:
        work = self.gateway.overload.direct(request) if self._is_on else None
        self.taken.append(work is not None)
        return work


@asynccontextmanager
async def serving(gateway: Gateway, direct: Direct) -> AsyncIterator[Callable[[], Awaitable[Client]]]:
    async with served(ConnectionLimits(), direct.app, direct=direct.app) as connect:
        yield connect
    await gateway.aclose()


def gateway_with(*stages: Stage, settings: str = SETTINGS) -> Gateway:
    return Gateway.from_supergraph(SDL, read(settings, {}), send=Shop(), stages=stages)


async def response_and_lines(case: Case, *stages: Stage, is_on: bool) -> tuple[bytes, list[Any]]:
    gateway = gateway_with(*stages)
    direct = Direct(gateway, is_on=is_on)
    with capture_logs() as lines:
        async with serving(gateway, direct) as connect:
            client = await connect()
            await client.say(case.sent())
            received = await client.rest()
    assert direct.taken == ([is_on and case.is_usual] if "chunked" not in case.headers else direct.taken)
    for line in lines:
        line.pop("ms", None)
        for name in [each for each in line if each.endswith("_ms")]:
            del line[name]
    return re.sub(rb"\r\ndate: [^\r]+", b"", received), lines


@pytest.mark.parametrize("name", CASES)
async def test_the_response_and_the_log_line_are_those_of_the_general_path(name: str) -> None:
    case = CASES[name]
    assert await response_and_lines(case, is_on=True) == await response_and_lines(case, is_on=False)


class Streaming(Stage):
    """Responds with a stream of two parts."""

    async def on_execution(self, context: RequestContext, run_on: RunOn) -> Response:
        del run_on

        async def parts() -> AsyncGenerator[GraphQLResponse]:
            for number in range(2):
                yield GraphQLResponse(body={"data": number}, outcome=Outcome.EXECUTED, record=context.record)

        return ResponseStream(parts=parts(), record=context.record)


@pytest.mark.parametrize("accept", ["multipart/mixed, application/json", "application/json"])
async def test_a_stream_is_that_of_the_general_path(accept: str) -> None:
    case = Case(headers=f"accept: {accept}\r\n")
    direct, general = [await response_and_lines(case, Streaming(), is_on=is_on) for is_on in (True, False)]
    assert direct == general
    assert (b'{"data":1}' in direct[0]) == ("multipart" in accept)


class Noting(Stage):
    """Notes the ids of the request and the address of its client, and waits if it is told so."""

    def __init__(self) -> None:
        self.noted: list[object] = []
        self.begun, self.cancelled, self.waits = asyncio.Event(), asyncio.Event(), False

    async def on_execution(self, context: RequestContext, run_on: RunOn) -> Response:
        del context
        ids = request_ids.current()
        self.noted.append((ids and ids.request_id, ids and ids.trace_id, client_address.current().forwarded_for))
        self.begun.set()
        try:
            if self.waits:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return await run_on()


async def test_ids_and_address_are_those_of_the_request() -> None:
    stage = Noting()
    await response_and_lines(Case(headers="x-forwarded-for: 192.0.2.7\r\n"), stage, is_on=True)
    assert stage.noted == [("r1", "0af7651916cd43dd8448eb211c80319c", "192.0.2.7, 127.0.0.1")]


async def test_a_client_that_leaves_cancels_its_request() -> None:
    stage = Noting()
    stage.waits = True
    gateway = gateway_with(stage)
    direct = Direct(gateway)
    with capture_logs() as lines:
        async with serving(gateway, direct) as connect, asyncio.timeout(SECONDS):
            client = await connect()
            await client.say(Case().sent())
            await stage.begun.wait()
            client.writer.transport.abort()
            await stage.cancelled.wait()
            while not lines:
                await asyncio.sleep(0)
    assert direct.taken == [True]
    assert [line["status"] for line in lines if line["event"] == "request"] == [499]


async def test_a_request_that_is_cut_off_gets_503() -> None:
    stage = Noting()
    stage.waits = True
    gateway = gateway_with(stage)
    direct = Direct(gateway)
    with capture_logs() as lines:
        async with serving(gateway, direct) as connect, asyncio.timeout(SECONDS):
            client = await connect()
            await client.say(Case().sent())
            await stage.begun.wait()
            direct.app.start_refusing()
            (task,) = [each for each in asyncio.all_tasks() if "run_directly" in repr(each)]
            task.cancel()
            response = await client.rest()
    assert response.startswith(b"HTTP/1.1 503 ")
    assert b"connection: close" in response
    assert [(line["status"], line["code"]) for line in lines if line["event"] == "request"] == [(503, "CANCELLED")]


async def test_a_process_that_stops_takes_no_request_directly() -> None:
    gateway = gateway_with()
    direct = Direct(gateway)
    async with serving(gateway, direct) as connect:
        direct.app.start_refusing()
        client = await connect()
        await client.say(Case().sent())
        assert (await client.rest()).startswith(b"HTTP/1.1 503 ")
    assert direct.taken == []


async def test_what_was_found_out_about_a_head_ends_with_the_gateway() -> None:
    """A connection outlives a reload: the head must get the settings of the new gateway."""
    first, second = gateway_with(), gateway_with(settings="limits: {header_count: 1}")
    current = Direct(first)
    async with serving(first, current) as connect:
        client = await connect()
        sent = Case().sent().replace(b"connection: close\r\n", b"")
        await client.say(sent)
        assert b" 200 " in await client.head()
        await client.reader.readuntil(b"}}")
        current.gateway = second
        await client.say(sent)
        assert b" 431 " in await client.head()
    assert current.taken == [True, False]
    await second.aclose()
