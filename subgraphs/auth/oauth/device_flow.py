"""The device flow (RFC 8628): a device without a browser shows a code, which the user types on another device.

The code is short, because a person types it. It has 20^8 values, and each address and all addresses together may try
only few of them (`user-code` in `subgraphs.auth.limit_table`), so it cannot be guessed in its ten minutes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from subgraphs.auth import tokens
from subgraphs.auth.action_limits import Action
from subgraphs.auth.oauth import parameters
from subgraphs.auth.oauth.client_authentication import authenticated_client
from subgraphs.auth.oauth.clients import GrantType
from subgraphs.auth.oauth.errors import ACCESS_DENIED, INVALID_GRANT, UNAUTHORIZED_CLIENT, OAuthError
from subgraphs.auth.oauth.responses import api, json_response
from subgraphs.auth.oauth.scope_rules import granted
from subgraphs.auth.oauth.store import Grant, Ticket, digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.oauth.clients import Client
    from subgraphs.auth.oauth.grants import LiveGrant
    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.kit.service_routes import ServiceRoute

DEVICE_AUTHORIZATION: Final = "/oauth/device_authorization"
DEVICE_PAGE: Final = "/oauth/device"
DEVICE: Final = "device"
# Consonants without those that are taken for others: no words, and no 0 or 1 (RFC 8628 §6.1).
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH: Final = 8
_LIFETIME: Final = timedelta(minutes=10)
# How long a device waits between two requests, and by how much longer after each that comes too early.
_INTERVAL_SECONDS: Final = 5
_TRIES: Final = 3


class State(StrEnum):
    """What the user has decided."""

    PENDING = "pending"
    ALLOWED = "allowed"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Device:
    """A device that waits for its user.

    Attributes:
        interval: how many seconds the device must wait between two requests.
        asked_at: when it has last asked.
        browser_session_id: the session of the browser in which the user gave the consent; None before it.
    """

    client_id: str
    scopes: frozenset[str]
    state: State = State.PENDING
    interval: int = _INTERVAL_SECONDS
    asked_at: datetime | None = None
    browser_session_id: str | None = None


_DOCUMENTS: Final = TypeAdapter(Device)


def routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    return (api(DEVICE_AUTHORIZATION, ("POST",), lambda request: _authorize_device(server(), request)),)


def device_of(ticket: Ticket) -> Device:
    return _DOCUMENTS.validate_json(ticket.document)


def with_device(ticket: Ticket, device: Device) -> Ticket:
    return replace(ticket, document=_DOCUMENTS.dump_json(device).decode())


def user_code_digest(text: str) -> bytes:
    """Return the digest of a code as the user typed it. Case, spaces and dashes do not matter."""
    return digest("".join(letter for letter in text.upper() if letter in _LETTERS))


async def _authorize_device(server: OAuthServer, request: Request) -> Response:
    await server.services.limits.count(Action.TOKEN, server.origin())
    form = await parameters.form_of(request)
    client = await authenticated_client(server.oauth, request, form)
    if GrantType.DEVICE_CODE not in client.grant_types:
        raise OAuthError(UNAUTHORIZED_CLIENT, "the client may not use the device flow")
    device = Device(client.id, granted(form.get("scope"), client.scopes))
    secret = tokens.new_secret_token()
    code = await _store(server, device, secret)
    shown = f"{code[:4]}-{code[4:]}"
    page = server.url(DEVICE_PAGE)
    return json_response(
        {
            "device_code": secret,
            "user_code": shown,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={shown}",
            "expires_in": int(_LIFETIME.total_seconds()),
            "interval": _INTERVAL_SECONDS,
        }
    )


async def _store(server: OAuthServer, device: Device, secret: str) -> str:
    """Store a device, and return its user code, which no other device has now."""
    for _ in range(_TRIES):
        code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        document = _DOCUMENTS.dump_json(device).decode()
        expires_at = server.clock() + _LIFETIME
        ticket = Ticket(DEVICE, digest(secret), document, expires_at, user_code_digest(code))
        if await server.oauth.add_ticket(ticket, server.expired_before()):
            return code
    raise OAuthError("temporarily_unavailable", "too many devices wait for their users", status=503)


async def exchange_device_code(server: OAuthServer, secret: str, client: Client, jkt: str | None) -> LiveGrant:
    """Return the grant of a device whose user has consented. The code is used once.

    Raises:
        OAuthError: `authorization_pending`, `slow_down`, `access_denied`, `expired_token` or `invalid_grant`.
    """
    ticket = await server.oauth.ticket(DEVICE, digest(secret))
    if ticket is None or device_of(ticket).client_id != client.id:
        raise OAuthError(INVALID_GRANT, "the device_code is unknown, used, or of another client")
    if server.clock() >= ticket.expires_at:
        raise OAuthError("expired_token", "the device_code has expired")
    device = device_of(ticket)
    if device.state is State.DENIED:
        raise OAuthError(ACCESS_DENIED, "the user did not consent")
    if device.state is State.PENDING:
        await _ask_again(server, ticket, device)
    return await _begin(server, ticket, client, jkt)


async def _ask_again(server: OAuthServer, ticket: Ticket, device: Device) -> None:
    """Remember that the device has asked. Always raises OAuthError."""
    now = server.clock()
    is_early = device.asked_at is not None and (now - device.asked_at).total_seconds() < device.interval

    def asked(stored: Ticket) -> Ticket:
        current = device_of(stored)
        interval = current.interval + _INTERVAL_SECONDS if is_early else current.interval
        return with_device(stored, replace(current, asked_at=now, interval=interval))

    await server.oauth.change_ticket(DEVICE, ticket.digest, asked)
    if is_early:
        raise OAuthError("slow_down", "the device asks too often")
    raise OAuthError("authorization_pending", "the user has not decided yet")


async def _begin(server: OAuthServer, ticket: Ticket, client: Client, jkt: str | None) -> LiveGrant:
    device = device_of(ticket)
    taken = await server.oauth.change_ticket(DEVICE, ticket.digest, lambda _ticket: None)
    browser = await server.store.session(device.browser_session_id or "")
    if taken is None or browser is None or not browser[0].is_live(server.clock()):
        raise OAuthError(INVALID_GRANT, "the device_code was used, or the user has logged out")
    grant = Grant(
        tokens.new_identifier(),
        client.id,
        browser[1].id,
        device.scopes,
        server.clock(),
        dpop_jkt=jkt if client.is_public else None,
        browser_session_id=device.browser_session_id,
    )
    return await server.grants.begin(grant, browser[0].authentication)
