"""A case as a user would meet it: each subgraph a server of its own, and the router a server before them.

    client ─ POST /graphql ─> router ─ POST /graphql ─> subgraph a
                                     └─ POST /graphql ─> subgraph b

Nothing is in-process but the event loop: the supergraph is composed with the URLs at which the subgraphs listen, and
the router reaches them there. The subgraphs are the strict ones of `tests.router.oracle.services`.
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
from router.assembly import assemble
from router.composition import Subgraph as Composable
from router.composition import compose
from router.gateway import Gateway
from router.json_codec import decode, encode
from router.settings.model import RouterSettings
from router.transport.messages import SubgraphRequest
from servicekit.http_limits import BoundedProtocol
from tests.router.oracle.rules import Federation
from tests.router.oracle.services import Monolith, Subgraph

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from servicekit.asgi import ASGIApp, Receive, Scope, Send
    from tests.router.oracle.cases import Case

SETTINGS = RouterSettings(introspection=True)
"""Of production, but for introspection: what it shows is part of what a federation is."""

CERTAIN = frozenset({"percent(100)"})
"""The labels of overrides that hold for every request; that of `percent(0)` does for none."""

SECONDS = 10
"""More than any answer takes; a router that hangs is a failure, not a test that does."""

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""A client that reads the system's certificates starts more slowly than most cases run."""


@dataclass(slots=True)
class Service:
    """One strict subgraph as an ASGI application that answers `POST /graphql`.

    `requests` counts what it was sent; `misuses` are the requests no router may send: of another method, path or
    media type, or with a document that is not valid here.
    """

    name: str
    subgraph: Subgraph | None = None
    requests: int = 0
    misuses: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole_body(receive)
        self.requests += 1
        try:
            status, answer = 200, self._answer(scope, body)
        except AssertionError as misuse:
            self.misuses.append(str(misuse))
            status, answer = 400, {"errors": [{"message": str(misuse)}]}
        content = encode(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, scope: Scope, body: bytes) -> object:
        asked = (scope["method"], scope["path"], dict(scope["headers"]).get(b"content-type"))
        assert asked == ("POST", "/graphql", b"application/json"), f"{self.name} was asked with {asked}"
        payload = decode(body)
        assert isinstance(payload, dict), f"{self.name} was sent {body!r}"
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
class Answer:
    """What a client got, in the form of `response.json`, and what it took."""

    response: Mapping[str, object]
    requests: Mapping[str, int]
    misuses: list[str]
    mutations: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Served:
    """A federation that runs, and the one server that would have all the data. One request at a time."""

    federation: Federation
    services: Mapping[str, Service]
    addresses: Mapping[str, str]
    client: httpx.AsyncClient
    monolith: Monolith

    async def differences(self, case: Case) -> list[str]:
        """What is not as the case says."""
        answer = await self.answer(case)
        found = [f"misuse: {misuse}" for misuse in answer.misuses]
        if json.dumps(answer.response) != json.dumps(case.expected):
            found.append(f"response\nexpected {json.dumps(case.expected)}\ngot      {json.dumps(answer.response)}")
        if case.expected_requests is not None and answer.requests != case.expected_requests:
            found.append(f"requests\nexpected {case.expected_requests}\ngot      {dict(answer.requests)}")
        if "data" in case.expected and case.unlike_one_server is None:
            found += self._unlike_one_server(case, answer)
        return found

    async def answer(self, case: Case) -> Answer:
        """What a client that sends the case's operation gets, of subgraphs that hold its data."""
        store, operation = case.store(), case.operation
        for name, service in self.services.items():
            service.subgraph = Subgraph(name, self.federation, store)
            service.requests, service.misuses = 0, []
        variables = {"variables": dict(operation.variables)} if operation.variables else {}
        payload = {"query": operation.query, **variables}
        got = await self.client.post("/graphql", json=payload)
        return Answer(
            _as_case(got.json()),
            +Counter({name: service.requests for name, service in self.services.items()}),
            [misuse for service in self.services.values() for misuse in service.misuses],
            store.mutations,
        )

    def _unlike_one_server(self, case: Case, answer: Answer) -> Iterator[str]:
        """The data, and which mutations reached the resolvers in which order."""
        store, operation = case.store(), case.operation
        at_once = re.sub(r"@defer\b(\([^)]*\))?", "", operation.query)
        alone = self.monolith.execute(store, at_once, operation.variables)
        if json.dumps(alone.data) != json.dumps(case.expected["data"]):
            yield f"one server with all the data answers\n{json.dumps(alone.data)}"
        if store.mutations != answer.mutations:
            yield f"mutations\nexpected {store.mutations}\ngot      {answer.mutations}"


def _as_case(body: Mapping[str, object]) -> dict[str, object]:
    """A GraphQL response in the form of `response.json`: errors by path only, once each."""
    errors = body.get("errors", [])
    assert isinstance(errors, list)
    if "data" not in body:
        return {"refused": errors[0]["extensions"]["code"]}
    paths = sorted({json.dumps(error.get("path")) for error in errors})
    return {"data": body["data"]} | ({"errors": [json.loads(path) for path in paths]} if paths else {})


@asynccontextmanager
async def served(subgraphs: Mapping[str, str]) -> AsyncIterator[Served]:
    """Compose, listen, run; at the end nothing listens and no connection is open."""
    services, federation = {name: Service(name) for name in subgraphs}, Federation.of(subgraphs, CERTAIN)
    with ExitStack() as listening:
        listeners = {name: listening.enter_context(_listener()) for name in subgraphs}
        addresses = {name: _address(listener) for name, listener in listeners.items()}
        door = listening.enter_context(_listener())
        graph = supergraph.load(_supergraph(subgraphs, addresses))
        gateway = Gateway(assemble(graph, SETTINGS))
        servers = [
            _Server(door, gateway.asgi, "on"),
            *(_Server(listeners[name], service, "off") for name, service in services.items()),
        ]
        async with (
            _running(servers),
            httpx.AsyncClient(base_url=_address(door), timeout=SECONDS, trust_env=False, verify=NO_TLS) as client,
        ):
            yield Served(federation, services, addresses, client, Monolith(graph.api_schema, federation))


def _supergraph(subgraphs: Mapping[str, str], addresses: Mapping[str, str]) -> str:
    composition = compose([Composable(name, f"{addresses[name]}/graphql", sdl) for name, sdl in subgraphs.items()])
    assert composition.supergraph_sdl is not None, composition.errors
    return composition.supergraph_sdl


def _listener() -> socket.socket:
    """On a free port. asyncio sends at once what is written only where the protocol is named."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """A server in a test's event loop: it leaves the signals alone, and stops when told to, not at its next tick."""

    def __init__(self, listener: socket.socket, app: ASGIApp, lifespan: Literal["on", "off"]) -> None:
        super().__init__(uvicorn.Config(app, http=BoundedProtocol, ws="none", lifespan=lifespan, log_config=None))
        self.listener = listener
        self.over = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.over.wait()


@asynccontextmanager
async def _running(servers: list[_Server]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(server.serve([server.listener])) for server in servers]
    try:
        yield
    finally:
        for server in servers:
            server.over.set()
        await asyncio.gather(*tasks)
