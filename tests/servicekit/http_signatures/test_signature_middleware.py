"""The ASGI middleware: what reaches the application, and what the caller gets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from servicekit.http_signatures.seen_nonces import MemoryNonces, NoncesUnavailable
from servicekit.http_signatures.signature_middleware import Protection, Refusal, SignatureMiddleware
from tests.servicekit.http_signatures.signed_requests import BODY, CREDENTIAL, KEY, TARGET, Clock, Pair, verifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicekit.asgi import Message, Receive, Scope, Send
    from servicekit.http_signatures.request_verifier import VerifiedHead
    from servicekit.http_signatures.seen_nonces import SeenNonces

MOST = 1000


@dataclass
class App:
    """An application that records the bodies of its requests, and reads until the client has disconnected."""

    bodies: list[bytes] = field(default_factory=list)
    other_scopes: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            self.other_scopes.append(scope["type"])
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})


class Away:
    """A store of nonces that does not respond."""

    async def is_first(self, _head: VerifiedHead) -> bool:
        raise NoncesUnavailable("ConnectionError")

    async def aclose(self) -> None:
        """Nothing is open."""


def error_body(refusal: Refusal) -> bytes:
    return json.dumps({"code": refusal.code, "message": refusal.message}).encode()


@dataclass
class Caller:
    app: App = field(default_factory=App)
    nonces: SeenNonces = field(default_factory=lambda: MemoryNonces(clock=Clock()))
    chunks_read: int = 0

    def __post_init__(self) -> None:
        protection = Protection(verifier(KEY), self.nonces, frozenset({"/public"}), MOST, error_body)
        self.middleware = SignatureMiddleware(self.app, protection)

    async def send(
        self, headers: Mapping[str, str], *chunks: bytes, path: str = "/graphql"
    ) -> tuple[int, dict[str, str], Any]:
        """Send a request with these chunks of a body; returns status, headers and body of the response."""
        own = {"host": TARGET.authority, "content-type": TARGET.content_type, **headers}
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"v=1",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in own.items()],
        }
        waiting = [
            {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
            for number, chunk in enumerate(chunks, 1)
        ]
        sent: list[Message] = []

        async def receive() -> Message:
            if not waiting:
                return {"type": "http.disconnect"}
            self.chunks_read += 1
            return waiting.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        await self.middleware(scope, receive, send)
        if not sent:
            return 0, {}, None
        received = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        text = b"".join(message["body"] for message in sent[1:])
        return sent[0]["status"], received, json.loads(text) if text != b"fine" else "fine"


def signed(body: bytes = BODY) -> dict[str, str]:
    return {**CREDENTIAL, **Pair().signer().headers(body, CREDENTIAL)}


@pytest.mark.parametrize("chunks", [(BODY,), (BODY[:5], BODY[5:]), (b"", BODY, b"")])
async def test_a_signed_request_reaches_the_application_with_its_body(chunks: tuple[bytes, ...]) -> None:
    caller = Caller()
    assert (await caller.send(signed(), *chunks))[0] == 200
    assert caller.app.bodies == [BODY]


async def test_a_request_without_a_body_is_signed_too() -> None:
    caller = Caller()
    assert (await caller.send(signed(b""), b""))[0] == 200
    assert caller.app.bodies == [b""]


async def test_an_unsigned_request_is_refused_before_its_body_is_read() -> None:
    caller = Caller()
    with capture_logs() as logs:
        status, headers, body = await caller.send(CREDENTIAL, BODY)
    assert (status, body["code"]) == (401, "SIGNATURE_REFUSED")
    assert headers["www-authenticate"] == "Signature"
    assert headers["cache-control"] == "no-store"
    assert caller.chunks_read == 0
    assert caller.app.bodies == []
    expected = {"event": "signature refused", "log_level": "warning", "reason": "missing", "key_id": None}
    assert logs == [expected]


@pytest.mark.parametrize("body", [BODY + b" ", BODY[:-1], b"", b'{"query":"{ me { ie } }"}'])
async def test_a_changed_body_is_refused(body: bytes) -> None:
    caller = Caller()
    with capture_logs() as logs:
        assert (await caller.send(signed(), body))[0] == 401
    assert [(each["reason"], each["key_id"]) for each in logs] == [("wrong digest", "first")]
    assert caller.app.bodies == []


async def test_a_request_that_is_sent_again_is_refused() -> None:
    caller = Caller()
    headers = signed()
    with capture_logs() as logs:
        statuses = [(await caller.send(headers, BODY))[0] for _ in range(3)]
    assert statuses == [200, 401, 401]
    assert [each["reason"] for each in logs] == ["replayed", "replayed"]
    assert caller.app.bodies == [BODY]


async def test_a_changed_body_does_not_use_up_the_request() -> None:
    caller = Caller()
    headers = signed()
    assert [(await caller.send(headers, body))[0] for body in (b"other", BODY)] == [401, 200]


async def test_all_refusals_look_the_same() -> None:
    caller = Caller()
    replayed = signed()
    await caller.send(replayed, BODY)
    with capture_logs() as logs:
        responses = [
            await caller.send(CREDENTIAL, BODY),
            await caller.send(signed(), b"other"),
            await caller.send(replayed, BODY),
            await caller.send({**signed(), "authorization": "Bearer other"}, BODY),
            await caller.send(signed(), BODY, path="/other"),
        ]
    assert all(each == responses[0] for each in responses)
    assert len({each["reason"] for each in logs}) == 4
    assert "Bearer" not in str(logs)


async def test_a_large_body_is_not_read_to_its_end() -> None:
    caller = Caller()
    body = b"x" * (MOST + 1)
    status, headers, error = await caller.send(signed(body), body[:MOST], body[MOST:], b"more", b"more")
    assert (status, error["code"]) == (413, "BAD_REQUEST")
    assert "www-authenticate" not in headers
    assert caller.chunks_read == 2
    whole = b"x" * MOST
    assert (await caller.send(signed(whole), whole))[0] == 200


async def test_a_client_that_leaves_gets_no_response() -> None:
    caller = Caller()
    assert await caller.send(signed()) == (0, {}, None)
    assert caller.app.bodies == []


async def test_without_the_store_of_nonces_nothing_is_accepted() -> None:
    caller = Caller(nonces=Away())
    with capture_logs() as logs:
        status, _, error = await caller.send(signed(), BODY)
    assert (status, error["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert logs == [{"event": "nonces unavailable", "log_level": "error", "reason": "ConnectionError"}]
    assert caller.app.bodies == []


async def test_only_exact_public_paths_need_no_signature() -> None:
    caller = Caller()
    assert (await caller.send({}, BODY, path="/public"))[0] == 200
    for path in ("/public/", "/public\n", "/Public", "/graphql\n", "/", ""):
        assert (await caller.send({}, BODY, path=path))[0] == 401


async def test_two_lines_of_a_header_are_one_value() -> None:
    """A second `Authorization` line would otherwise be read by the application, but not by the verifier."""
    caller = Caller()
    headers = signed()
    assert (await caller.send({**headers, "Authorization": "x"}, BODY))[0] == 200  # a name in another case is no header
    scope_headers = {**headers, "authorization": "Bearer token, Bearer token"}
    assert (await caller.send(scope_headers, BODY))[0] == 401


async def test_other_messages_pass() -> None:
    caller = Caller()

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(_message: Message) -> None:
        """Nothing is sent."""

    await caller.middleware({"type": "lifespan"}, receive, send)
    assert caller.app.other_scopes == ["lifespan"]
