"""Pushed authorization requests (RFC 9126).

The client sends its parameters to the server itself, authenticated, and gets a `request_uri` for the user's browser. So
nobody can read or change them on the way.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from subgraphs.auth.action_limits import Action
from subgraphs.auth.oauth import dpop, parameters
from subgraphs.auth.oauth.authorization_request import read_address, read_request
from subgraphs.auth.oauth.client_authentication import authenticated_client
from subgraphs.auth.oauth.errors import INVALID_REQUEST, AuthorizationError, OAuthError, UnverifiedRequest
from subgraphs.auth.oauth.responses import api, json_response
from subgraphs.auth.oauth.store import Ticket, digest
from subgraphs.auth.tokens import new_secret_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.oauth.clients import Client
    from subgraphs.auth.oauth.parameters import Parameters
    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.kit.service_routes import ServiceRoute

PAR: Final = "/oauth/par"
PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
_PUSHED: Final = "pushed-request"
# The user has this time to log in and to consent. The browser is sent on at once.
_LIFETIME: Final = timedelta(minutes=10)
_NOT_KNOWN: Final = "This link was used before, or is too old. Go back to the application and try again."


def routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    return (api(PAR, ("POST",), lambda request: _push(server(), request)),)


async def _push(server: OAuthServer, request: Request) -> Response:
    await server.services.limits.count(Action.TOKEN, server.origin())
    form = await parameters.form_of(request)
    client = await authenticated_client(server.oauth, request, form)
    if "request_uri" in form:
        raise OAuthError(INVALID_REQUEST, "request_uri cannot be pushed")
    pushed = {name: value for name, value in form.items() if name != "client_secret"} | {"client_id": client.id}
    jkt = await dpop.key_of_request(server, request, PAR)
    if jkt is not None and pushed.setdefault("dpop_jkt", jkt) != jkt:
        raise OAuthError(INVALID_REQUEST, "dpop_jkt is not the thumbprint of the key of the DPoP proof")
    _check(pushed, client, server.issuer)
    secret = new_secret_token()
    ticket = Ticket(_PUSHED, digest(secret), json.dumps(pushed), server.clock() + _LIFETIME)
    await server.oauth.add_ticket(ticket, server.expired_before())
    content = {"request_uri": f"{PREFIX}{secret}", "expires_in": int(_LIFETIME.total_seconds())}
    return json_response(content, 201)


def _check(pushed: Parameters, client: Client, issuer: str) -> None:
    """Refuse a request that the authorization endpoint would refuse. Raises OAuthError."""
    try:
        address = read_address(pushed, client, issuer)
    except UnverifiedRequest:
        raise OAuthError(INVALID_REQUEST, "the redirect_uri is missing or not registered") from None
    try:
        read_request(pushed, client, address)
    except AuthorizationError as error:
        raise OAuthError(error.code, error.description) from None


async def resolve(server: OAuthServer, query: Parameters) -> Parameters:
    """Return the parameters of a request: those that were pushed, if the query names a pushed request.

    Raises:
        UnverifiedRequest: the pushed request does not exist any more, or is of another client.
    """
    uri = query.get("request_uri", "")
    if not uri.startswith(PREFIX):
        return query
    ticket = await server.oauth.ticket(_PUSHED, digest(uri.removeprefix(PREFIX)))
    if ticket is None or server.clock() >= ticket.expires_at:
        raise UnverifiedRequest(_NOT_KNOWN)
    pushed: Parameters = json.loads(ticket.document)
    if pushed["client_id"] != query.get("client_id"):
        raise UnverifiedRequest(_NOT_KNOWN)
    return pushed


async def finish(server: OAuthServer, query: Parameters) -> None:
    """Delete the pushed request of a query, because it was answered.

    Raises:
        UnverifiedRequest: it was answered before.
    """
    uri = query.get("request_uri", "")
    if uri.startswith(PREFIX):
        taken = await server.oauth.change_ticket(_PUSHED, digest(uri.removeprefix(PREFIX)), lambda _ticket: None)
        if taken is None:
            raise UnverifiedRequest(_NOT_KNOWN)


async def logged_in(server: OAuthServer, query: Parameters, prompt: str) -> None:
    """Replace the parameter `prompt` of a pushed request, because the user has logged in."""
    uri = query.get("request_uri", "")
    if uri.startswith(PREFIX):

        def without_login(ticket: Ticket) -> Ticket:
            document = json.dumps({**json.loads(ticket.document), "prompt": prompt})
            return Ticket(ticket.kind, ticket.digest, document, ticket.expires_at)

        await server.oauth.change_ticket(_PUSHED, digest(uri.removeprefix(PREFIX)), without_login)
