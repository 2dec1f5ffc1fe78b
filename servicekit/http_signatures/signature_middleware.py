"""An ASGI middleware that passes on only requests with a valid signature.

The signature is checked before the body is read. So a caller without a key cannot make the process read a body. All
refused requests get the same response; the log has the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from servicekit.http_signatures.content_digest import is_digest_of
from servicekit.http_signatures.request_verifier import SignatureRefused
from servicekit.http_signatures.seen_nonces import NoncesUnavailable
from servicekit.http_signatures.signature_base import SignedRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicekit.asgi import ASGIApp, Message, Receive, Scope, Send
    from servicekit.http_signatures.request_verifier import RequestVerifier, VerifiedHead
    from servicekit.http_signatures.seen_nonces import SeenNonces

CODE: Final = "SIGNATURE_REFUSED"
MESSAGE: Final = "This service accepts only requests that were signed by its caller"

_log = structlog.stdlib.get_logger("security")


class Refusal(NamedTuple):
    """The response to a request that is not passed on."""

    status: int
    code: str
    message: str


NOT_SIGNED: Final = Refusal(401, CODE, MESSAGE)
UNAVAILABLE: Final = Refusal(503, "SERVICE_UNAVAILABLE", "This service cannot check signatures at the moment")


class Protection(NamedTuple):
    """How requests are verified.

    Attributes:
        verifier: checks signatures.
        nonces: remembers the nonces of requests.
        unsigned_paths: the paths that need no signature. All other paths need one.
        max_body_bytes: the largest body that is read. A larger body gets status 413.
        error_body: returns the body of a refusal, as JSON in the form of the API.
    """

    verifier: RequestVerifier
    nonces: SeenNonces
    unsigned_paths: frozenset[str]
    max_body_bytes: int
    error_body: Callable[[Refusal], bytes]


class _BodyTooLarge(Exception):
    """The body has more than `max_body_bytes`."""


class _Disconnected(Exception):
    """The client has closed the connection before its body was complete."""


class SignatureMiddleware:
    """Refuses HTTP requests and WebSocket handshakes without a valid signature. The scope `lifespan` is passed on."""

    def __init__(self, app: ASGIApp, protection: Protection) -> None:
        self._app = app
        self._protection = protection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in self._protection.unsigned_paths:
            await self._app(scope, receive, send)
            return
        is_handshake = scope["type"] == "websocket"
        if is_handshake:
            send = _denying(send)
        try:
            head = self._protection.verifier.verify(_signed_request(scope))
            body = await self._verified_body(head, _without_body if is_handshake else receive)
        except SignatureRefused as refused:
            _log.warning("signature refused", reason=refused.reason, key_id=refused.key_id)
            await self._refuse(NOT_SIGNED, send)
        except NoncesUnavailable as error:
            _log.error("nonces unavailable", reason=str(error))
            await self._refuse(UNAVAILABLE, send)
        except _BodyTooLarge:
            max_bytes = self._protection.max_body_bytes
            await self._refuse(Refusal(413, "BAD_REQUEST", f"at most {max_bytes} bytes"), send)
        except _Disconnected:
            return
        else:
            await self._app(scope, receive if is_handshake else _with_body(body, receive), send)

    async def _verified_body(self, head: VerifiedHead, receive: Receive) -> bytes:
        body = await _read_body(receive, self._protection.max_body_bytes)
        if not is_digest_of(head.digest, body):
            raise SignatureRefused("wrong digest", head.key_id)
        if not await self._protection.nonces.is_first(head):
            raise SignatureRefused("replayed", head.key_id)
        return body

    async def _refuse(self, refusal: Refusal, send: Send) -> None:
        body = self._protection.error_body(refusal)
        headers = [
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        if refusal is NOT_SIGNED:  # RFC 9110 §15.5.2: a response with 401 names the way to authenticate
            headers.append((b"www-authenticate", b"Signature"))
        await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _signed_request(scope: Scope) -> SignedRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1").strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return SignedRequest(
        method=scope.get("method", "GET"),  # a WebSocket begins with a GET (RFC 6455 §4.1)
        authority=headers.get("host", ""),
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
    )


async def _without_body() -> Message:
    """The body of a WebSocket handshake, as a `receive`. The message of the handshake is left for the application."""
    return {"type": "http.request", "body": b"", "more_body": False}


def _denying(send: Send) -> Send:
    """Return a `send` for the handshake of a WebSocket, which gets a response to a request as its refusal."""

    async def deny(message: Message) -> None:
        if message["type"].startswith("http.response."):
            message = {**message, "type": f"websocket.{message['type']}"}
        await send(message)

    return deny


async def _read_body(receive: Receive, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > max_bytes:
            raise _BodyTooLarge
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _with_body(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that returns the whole body first, and then what `receive` returns."""
    is_received = False

    async def receive_again() -> Message:
        nonlocal is_received
        if is_received:
            return await receive()
        is_received = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
