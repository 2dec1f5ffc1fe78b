"""Rules decide by path and identity; nobody passes without both."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from servicekit.shutdown import forbid_as_graphql
from servicekit.tls.caller_check import CallerCheck, CallerRules
from servicekit.tls.peer import PEER, Peer

if TYPE_CHECKING:
    from servicekit.asgi import Message, Receive, Scope, Send

ANN, BOB = "spiffe://test/ann", "spiffe://test/bob"
RULES = CallerRules({"/": [ANN], "/internal": [BOB], "/internal/open": [ANN, BOB]})


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"passed"})


async def requested(path: str, peer: Peer | None, **scope: Any) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    given: Scope = {"type": "http", "method": "POST", "path": path, "headers": [], **scope}
    if peer is not None:
        given["extensions"] = {PEER: peer._asdict()}
    await CallerCheck(app, RULES, forbid_as_graphql)(given, receive, send)
    return sent


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", [ANN]),
        ("/other", [ANN]),
        ("/internals", [ANN]),
        ("/internal", [BOB]),
        ("/internal/", [BOB]),
        ("/internal/postings", [BOB]),
        ("/internal/open", [ANN, BOB]),
        ("/internal/open/x", [ANN, BOB]),
        ("/internal/opened", [BOB]),
    ],
)
async def test_the_longest_path_decides(path: str, allowed: list[str]) -> None:
    for identity in (ANN, BOB, "", "spiffe://other/ann", "spiffe://test/annabel"):
        status = (await requested(path, Peer(identity, time.time() + 60)))[0]["status"]
        assert status == (200 if identity in allowed else 403), identity
        assert RULES.allows(identity, path) is (identity in allowed)


def test_a_path_without_a_rule_is_for_nobody() -> None:
    rules = CallerRules({"/a": [ANN]})
    assert not rules.allows(ANN, "/b")
    assert rules.rule_of("/b") is None


async def test_a_refusal_has_the_error_of_the_api_and_a_line_in_the_log() -> None:
    with structlog.testing.capture_logs() as logs:
        start, body = await requested("/internal/someone", Peer(ANN, time.time() + 60))
    assert start["status"] == 403
    assert body["body"] == (
        b'{"errors": [{"message": "This process may not call this path", "extensions": {"code": "FORBIDDEN"}}]}'
    )
    assert logs == [{"event": "caller refused", "caller": ANN, "rule": "/internal", "log_level": "warning"}]


async def test_a_connection_without_a_certificate_is_refused() -> None:
    assert (await requested("/", None))[0]["status"] == 403


async def test_a_websocket_of_another_caller_is_closed_before_it_opens() -> None:
    assert await requested("/", Peer(BOB, 0), type="websocket") == [{"type": "websocket.close"}]


async def test_a_connection_with_an_expired_certificate_is_closed_after_the_response() -> None:
    start, _ = await requested("/", Peer(ANN, time.time() - 1))
    assert start == {"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]}
    start, _ = await requested("/", Peer(ANN, time.time() + 60))
    assert start["headers"] == []


async def test_the_lifespan_of_the_application_is_not_checked() -> None:
    seen: list[str] = []

    async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        seen.append(scope["type"])

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    await CallerCheck(lifespan, RULES, forbid_as_graphql)({"type": "lifespan"}, receive, send)
    assert seen == ["lifespan"]
