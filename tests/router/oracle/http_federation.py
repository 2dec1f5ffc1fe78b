"""Runs the router and each subgraph of a case as HTTP servers.

    client ─ POST /graphql ─> router ─ POST /graphql ─> subgraph a
                                     └─ POST /graphql ─> subgraph b

All servers share one event loop. The supergraph is composed with the URLs of the subgraphs, which are those of
`tests.router.oracle.strict_subgraphs`.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
from collections import Counter
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import httpx
import uvicorn

from router import supergraph
from router.composition import Subgraph, compose
from router.gateway import Gateway
from router.gateway_assembly import assemble
from router.json_codec import decode, encode
from router.settings.model import RouterSettings
from router.transport.interface import SubgraphRequest
from servicekit.http_server.connection import ServerConnection
from tests.router.oracle.monolith import Monolith
from tests.router.oracle.strict_subgraphs import StrictSubgraph
from tests.router.oracle.subgraph_rules import FederationRules

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from servicekit.asgi import ASGIApp, Receive, Scope, Send
    from tests.router.oracle.cases import Case

SETTINGS = RouterSettings(introspection=True)
"""The defaults, with introspection: the cases test its responses too."""

ACTIVE_LABELS = frozenset({"percent(100)"})
"""The override labels that are active for every request; `percent(0)` is active for none."""

TIMEOUT_SECONDS = 60
"""Longer than any response takes, so that a router that hangs fails the test."""

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Without the certificates of the system: reading them takes longer than most cases."""


@dataclass(slots=True)
class HttpSubgraph:
    """One strict subgraph as an ASGI application for `POST /graphql`.

    `requests` counts the requests. `invalid_requests` describes those that a router must not send: with another method,
    path or media type, or with an invalid document.
    """

    name: str
    subgraph: StrictSubgraph | None = None
    requests: int = 0
    invalid_requests: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole_body(receive)
        self.requests += 1
        try:
            status, payload = 200, self._respond(scope, body)
        except AssertionError as invalid_request:
            self.invalid_requests.append(str(invalid_request))
            status, payload = 400, {"errors": [{"message": str(invalid_request)}]}
        content = encode(payload)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _respond(self, scope: Scope, body: bytes) -> object:
        received = (scope["method"], scope["path"], dict(scope["headers"]).get(b"content-type"))
        assert received == ("POST", "/graphql", b"application/json"), f"{self.name} received {received}"
        payload = decode(body)
        assert isinstance(payload, dict), f"{self.name} received {body!r}"
        assert self.subgraph is not None
        request = SubgraphRequest(
            subgraph=self.name, operation=payload["query"], variables=payload.get("variables", {})
        )
        return self.subgraph.execute(request).formatted


async def _whole_body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The client's response in the format of `response.json`, and the requests and mutations for it."""

    response: Mapping[str, object]
    requests: Mapping[str, int]
    invalid_requests: list[str]
    mutations: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class HttpFederation:
    """A running federation and its monolith, for one request at a time."""

    federation_rules: FederationRules
    subgraphs: Mapping[str, HttpSubgraph]
    addresses: Mapping[str, str]
    client: httpx.AsyncClient
    monolith: Monolith

    async def differences(self, case: Case) -> list[str]:
        """The differences from the files of the case."""
        result = await self.run(case)
        found = [f"invalid request: {invalid_request}" for invalid_request in result.invalid_requests]
        if json.dumps(result.response) != json.dumps(case.expected):
            found.append(f"response\nexpected {json.dumps(case.expected)}\ngot      {json.dumps(result.response)}")
        if case.expected_requests is not None and result.requests != case.expected_requests:
            found.append(f"requests\nexpected {case.expected_requests}\ngot      {dict(result.requests)}")
        if "data" in case.expected and case.unlike_one_server is None:
            found += self._monolith_differences(case, result)
        return found

    async def run(self, case: Case) -> CaseResult:
        """Send the operation of the case to the router, while the subgraphs have the data of the case."""
        store, operation = case.store(), case.operation
        for name, service in self.subgraphs.items():
            service.subgraph = StrictSubgraph(name, self.federation_rules, store)
            service.requests, service.invalid_requests = 0, []
        variables = {"variables": dict(operation.variables)} if operation.variables else {}
        payload = {"query": operation.query, **variables}
        got = await self.client.post("/graphql", json=payload)
        return CaseResult(
            _response_json(got.json()),
            +Counter({name: service.requests for name, service in self.subgraphs.items()}),
            [invalid_request for service in self.subgraphs.values() for invalid_request in service.invalid_requests],
            store.mutations,
        )

    def _monolith_differences(self, case: Case, result: CaseResult) -> Iterator[str]:
        """The differences from the monolith in the data, and in the order of mutations."""
        store, operation = case.store(), case.operation
        without_defer = re.sub(r"@defer\b(\([^)]*\))?", "", operation.query)
        expected = self.monolith.execute(store, without_defer, operation.variables)
        if json.dumps(expected.data) != json.dumps(case.expected["data"]):
            yield f"one server with all the data responds\n{json.dumps(expected.data)}"
        if store.mutations != result.mutations:
            yield f"mutations\nexpected {store.mutations}\ngot      {result.mutations}"


def _response_json(body: Mapping[str, object]) -> dict[str, object]:
    """A GraphQL response in the format of `response.json`: errors by path only, without duplicates."""
    errors = body.get("errors", [])
    assert isinstance(errors, list)
    if "data" not in body:
        return {"refused": errors[0]["extensions"]["code"]}
    paths = sorted({json.dumps(error.get("path")) for error in errors})
    return {"data": body["data"]} | ({"errors": [json.loads(path) for path in paths]} if paths else {})


@asynccontextmanager
async def serve_federation(subgraphs: Mapping[str, str]) -> AsyncIterator[HttpFederation]:
    """Compose the supergraph and run all servers; at the end they are stopped and all connections closed."""
    services = {name: HttpSubgraph(name) for name in subgraphs}
    federation_rules = FederationRules.of(subgraphs, ACTIVE_LABELS)
    with ExitStack() as listening:
        listeners = {name: listening.enter_context(_listener()) for name in subgraphs}
        addresses = {name: _address(listener) for name, listener in listeners.items()}
        router_listener = listening.enter_context(_listener())
        graph = supergraph.load(_supergraph(subgraphs, addresses))
        gateway = Gateway(assemble(graph, SETTINGS))
        servers = [
            _Server(router_listener, gateway.asgi, "on"),
            *(_Server(listeners[name], service, "off") for name, service in services.items()),
        ]
        async with (
            _running(servers),
            httpx.AsyncClient(
                base_url=_address(router_listener), timeout=TIMEOUT_SECONDS, trust_env=False, verify=NO_TLS
            ) as client,
        ):
            yield HttpFederation(
                federation_rules, services, addresses, client, Monolith(graph.api_schema, federation_rules)
            )


def _supergraph(subgraphs: Mapping[str, str], addresses: Mapping[str, str]) -> str:
    composition = compose([Subgraph(name, f"{addresses[name]}/graphql", sdl) for name, sdl in subgraphs.items()])
    assert composition.supergraph_sdl is not None, composition.errors
    return composition.supergraph_sdl


def _listener() -> socket.socket:
    """A socket on a free port. asyncio sets `TCP_NODELAY` only if the protocol is named."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """A server in the event loop of the test: it handles no signals, and stops without waiting for its next tick."""

    def __init__(self, listener: socket.socket, app: ASGIApp, lifespan: Literal["on", "off"]) -> None:
        super().__init__(uvicorn.Config(app, http=ServerConnection, ws="none", lifespan=lifespan, log_config=None))
        self.listener = listener
        self.stop_requested = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.stop_requested.wait()


@asynccontextmanager
async def _running(servers: list[_Server]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(server.serve([server.listener])) for server in servers]
    try:
        yield
    finally:
        for server in servers:
            server.stop_requested.set()
        await asyncio.gather(*tasks)
