"""Authenticates clients at the token endpoint and its sisters (RFC 6749 §2.3)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

from subgraphs.auth.oauth.clients import secret_digest
from subgraphs.auth.oauth.errors import INVALID_REQUEST, InvalidClient, OAuthError

if TYPE_CHECKING:
    from starlette.requests import Request

    from subgraphs.auth.oauth.clients import Client
    from subgraphs.auth.oauth.parameters import Parameters
    from subgraphs.auth.oauth.store import OAuthStore

METHODS: Final = ("client_secret_basic", "client_secret_post", "none")


async def authenticated_client(store: OAuthStore, request: Request, form: Parameters) -> Client:
    """Return the client that sent a request. A public client names itself only; nobody can prove to be it.

    Raises:
        InvalidClient: the client is unknown, its secret is wrong, or it has a secret and did not send it.
        OAuthError: `invalid_request`: the client authenticated in two ways.
    """
    client_id, secret = _credentials(request, form)
    client = await store.client(client_id)
    if client is None:
        # As much work as for a client that exists.
        secret_digest(secret or "")
        raise InvalidClient
    if client.is_public:
        if secret is not None:
            raise InvalidClient
        return client
    if secret is None or not client.has_secret(secret):
        raise InvalidClient
    return client


def _credentials(request: Request, form: Parameters) -> tuple[str, str | None]:
    header = request.headers.get("authorization", "")
    if header[:6].lower() != "basic ":
        client_id = form.get("client_id")
        if client_id is None:
            raise InvalidClient
        return client_id, form.get("client_secret")
    if "client_secret" in form:
        raise OAuthError(INVALID_REQUEST, "the client authenticates in two ways")
    client_id, secret = _basic(header[6:].strip())
    if form.get("client_id", client_id) != client_id:
        raise InvalidClient
    return client_id, secret


def _basic(text: str) -> tuple[str, str]:
    """Return id and secret, which are form-encoded before they are joined (RFC 6749 §2.3.1)."""
    try:
        decoded = base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise InvalidClient from None
    client_id, colon, secret = decoded.partition(":")
    if not colon:
        raise InvalidClient
    return unquote_plus(client_id), unquote_plus(secret)
