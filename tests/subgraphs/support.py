"""Helpers for tests of every subgraph: an application in-process, a GraphQL client, a token issuer."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from bank import values
from bank.identity import AUDIENCE, CUSTOMER, TOKEN_TYPE
from bank.redis_revocation import RedisRevocationList
from tests.subgraphs.recorded_audit import RecordedAudit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from bank.redis_revocation import EndedSession
    from servicekit.asgi import ASGIApp, Message

BASE_URL = "http://subgraph.test"


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """Start `app` as a server would, yield a client that talks to it without a socket, shut it down.

    An exception that escapes the application fails the test.
    """
    async with _lifespan(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            yield client


@asynccontextmanager
async def _lifespan(app: ASGIApp) -> AsyncIterator[None]:
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    started = asyncio.Event()
    failures: list[str] = []

    async def send(message: Message) -> None:
        if message["type"].endswith(".failed"):
            failures.append(message.get("message", ""))
        started.set()

    # The application runs its lifespan in one task from start to end, as under a server: task groups and context
    # variables opened at start must be closed by the same task.
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.create_task(_call(app, scope, inbox, send))
    inbox.put_nowait({"type": "lifespan.startup"})
    waiter = asyncio.create_task(started.wait())
    await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    if failures or task.done():
        await task
        raise AssertionError(f"the application did not start: {failures}")
    try:
        yield
    finally:
        inbox.put_nowait({"type": "lifespan.shutdown"})
        await task
    assert not failures, failures


async def _call(app: ASGIApp, scope: dict[str, Any], inbox: asyncio.Queue[Message], send: Any) -> None:
    await app(scope, inbox.get, send)


@dataclass(frozen=True, slots=True)
class GraphQLResponse:
    """A GraphQL response.

    Attributes:
        status: the HTTP status.
        data: as in the body; None also if the key is missing.
        errors: as in the body; empty if the key is missing.
    """

    status: int
    data: Any
    errors: list[dict[str, Any]]
    headers: httpx.Headers

    @property
    def codes(self) -> list[str | None]:
        """`extensions.code` of each error, in order."""
        return [error.get("extensions", {}).get("code") for error in self.errors]

    def ok(self) -> Any:
        """`data` of a response without errors."""
        assert not self.errors, self.errors
        assert self.status == 200, self.status
        return self.data


@dataclass(frozen=True, slots=True)
class GraphQLClient:
    """Sends operations to `/graphql` with `token`."""

    http: httpx.AsyncClient
    token: str | None = None

    def bearing(self, token: str | None) -> GraphQLClient:
        """The same client with another access token."""
        return GraphQLClient(self.http, token)

    async def execute(
        self, query: str, variables: Mapping[str, object] | None = None, *, headers: Mapping[str, str] | None = None
    ) -> GraphQLResponse:
        sent = {"accept": "application/graphql-response+json", "content-type": "application/json", **(headers or {})}
        if self.token is not None:
            sent["authorization"] = f"Bearer {self.token}"
        # Escaped, so that a test can send halves of surrogate pairs, which are not UTF-8.
        body = json.dumps({"query": query, "variables": dict(variables or {})})
        response = await self.http.post("/graphql", content=body, headers=sent)
        try:
            document = response.json()
        except json.JSONDecodeError:
            raise AssertionError(f"{response.status_code}: {response.text[:500]}") from None
        return GraphQLResponse(response.status_code, document.get("data"), document.get("errors", []), response.headers)

    async def entities(self, selection: str, representations: Sequence[Mapping[str, object]]) -> GraphQLResponse:
        """Select `selection`, such as `... on User { name }`, on `_entities`, as a router does."""
        query = f"query ($r: [_Any!]!) {{ _entities(representations: $r) {{ __typename {selection} }} }}"
        return await self.execute(query, {"r": list(representations)})


class Pauses:
    """The pauses between the rounds of a reconciler; the test ends each pause."""

    def __init__(self) -> None:
        self._reached = asyncio.Semaphore(0)
        self._over = asyncio.Semaphore(0)

    async def wait(self) -> None:
        self._reached.release()
        await self._over.acquire()

    async def until_round_is_over(self) -> None:
        await self._reached.acquire()

    def end(self) -> None:
        self._over.release()

    async def another_round(self) -> None:
        self.end()
        await self.until_round_is_over()


# Longer than the longest run by hand (`test_equal_outcomes`).
_TOKEN_SECONDS: Final = 36_000


@dataclass
class Issuer:
    """A small auth service: signs access tokens and publishes the key over HTTP on a free port.

    It is for the services that verify tokens; tests of the auth service use that service itself.
    """

    url: str = "http://issuer.test"
    key_id: str = field(default_factory=lambda: secrets.token_hex(4))
    private_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    jwks_url: str = ""
    audit: RecordedAudit = field(default_factory=RecordedAudit)

    def jwks(self) -> dict[str, object]:
        key = jwt.algorithms.ECAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": self.key_id, "alg": "ES256", "use": "sig"}]}

    def token(
        self, user_id: str | None = None, *roles: str, claims: Mapping[str, object] | None = None, typ: str = TOKEN_TYPE
    ) -> str:
        """An access token of `user_id` (default: a new user) with `roles` (default: CUSTOMER).

        `claims` replaces claims; a claim with the value None is left out.
        """
        assert "PYTEST_CURRENT_TEST" in os.environ, "a token made while modules are imported may expire before its test"
        now = int(time.time())
        content: dict[str, object] = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": user_id or values.new_user_id(),
            "sid": secrets.token_hex(16),
            "roles": list(roles or (CUSTOMER,)),
            "scope": "",
            "iat": now,
            "exp": now + _TOKEN_SECONDS,
            **(claims or {}),
        }
        content = {name: value for name, value in content.items() if value is not None}
        return jwt.encode(content, self.private_key, algorithm="ES256", headers={"kid": self.key_id, "typ": typ})

    @asynccontextmanager
    async def published(self) -> AsyncIterator[str]:
        """Serve the JWK set and the audit log; yields the URL of the JWK set, also in `jwks_url`."""
        async with serving_json(self.jwks(), audit=self.audit) as url:
            self.jwks_url = url
            yield url

    def environment(self) -> dict[str, str]:
        """The variables that make a service trust this issuer (inside `published`), and callers without signatures."""
        return {"AUTH_ISSUER": self.url, "AUTH_JWKS_URL": self.jwks_url, "SUBGRAPH_SIGNATURES": "off"}


@asynccontextmanager
async def serving_json(
    document: object, *, status: int = 200, audit: RecordedAudit | None = None
) -> AsyncIterator[str]:
    """One JSON document over HTTP/1.1 on a free port; yields the URL. POST requests go to `audit`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        answer = status, document
        if audit is not None and head.startswith("post "):
            length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            answer = audit.respond(head.split()[1], json.loads(await reader.readexactly(length)))
        writer.write(_message(*answer))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/.well-known/jwks.json"


def _message(status: int, document: object) -> bytes:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"connection: close\r\n\r\n" + body


async def complete_list_of_ended_sessions(redis_url: str, issuer: Issuer) -> None:
    """Mark the list in Redis as complete, as the auth service does: no session of the issuer has ended."""

    async def none() -> list[EndedSession]:
        return []

    ended = RedisRevocationList(redis_url, issuer.url)
    assert await ended.complete(none)
    await ended.aclose()
