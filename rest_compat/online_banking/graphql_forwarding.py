"""Passes GraphQL requests of the online banking page on to the router.

The same limits apply as to REST requests: the size of the body, the time, and the number of running requests.

Only the headers that this module lists are passed on, in both directions. So a client cannot change how the router is
called, and headers that belong to one connection (RFC 9110 §7.6.1) are not passed to the other connection. Errors of
this module have the form of GraphQL errors.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response

from rest_compat import error_translation, responses
from rest_compat.bulkheads import BulkheadLimits, Bulkheads
from rest_compat.client_disconnects import while_connected
from rest_compat.dpop import HEADER as PROOF_HEADER
from rest_compat.dpop import is_bound
from rest_compat.error_handling import log_missing_response, response_or_error
from rest_compat.errors import MethodNotAllowed, RestError, RouterError
from rest_compat.graphql_client import MEDIA_TYPE, RATE_HEADERS, CallContext, no_response
from rest_compat.request_body import read_json_body
from servicekit.accept import parse_accept, parse_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_compat.dpop import ProofChecker
    from rest_compat.graphql_client import GraphQLClient, HttpResponse
    from servicekit.asgi import Receive, Scope, Send

_ALLOW: Final = "OPTIONS, POST"
# The media types of GraphQL over HTTP. A response with another media type does not come from the router, but from a
# gateway in front of it.
_MEDIA_TYPES: Final = (MEDIA_TYPE, "application/json")
# The router's headers that reach the client.
_RESPONSE_HEADERS: Final = ("content-type", *RATE_HEADERS)


class GraphQLForwarding:
    """The ASGI application at `POST /graphql`."""

    def __init__(self, client: GraphQLClient, proofs: ProofChecker, limits: BulkheadLimits) -> None:
        self._client = client
        self._proofs = proofs
        self._bulkheads = Bulkheads(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await response_or_error(self._respond(request), partial(self._error, request))
        if response is None:
            return
        if request.method == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": _ALLOW, **responses.NO_STORE})
        if request.method != "POST":
            raise MethodNotAllowed(_ALLOW)
        context = self._context(request)
        body = await read_json_body(request)
        async with self._bulkheads.place("graphql"):
            # If the client closes its connection, the connection to the router is closed too. The router then decides
            # whether the operation is cancelled, as for its own clients.
            forwarded = await while_connected(request.receive, self._forward(_accepted(request), body, context))
        headers = {name: forwarded.headers[name] for name in _RESPONSE_HEADERS if name in forwarded.headers}
        return Response(forwarded.body, forwarded.status, headers={**responses.NO_STORE, **responses.VARY, **headers})

    def _context(self, request: Request) -> CallContext:
        """Return the client of a request. A token that is bound to a key of the client is checked with its proof."""
        authorization = request.headers.get("authorization")
        if authorization is None or not is_bound(authorization):
            return CallContext.starting_now(authorization)
        proofs, path = request.headers.getlist(PROOF_HEADER), request.scope["path"]
        proved = self._proofs.check(authorization, proofs, request.method, path)
        return replace(CallContext.starting_now(proved.authorization), proved=proved)

    def _error(self, request: Request, error: RestError) -> Response:
        error.headers = self._proofs.challenged(error.headers, request.headers.get("authorization"))
        return _error(error)

    async def _forward(self, accept: str, body: bytes, context: CallContext) -> HttpResponse:
        """Return the router's response.

        Raises:
            RestError: the router gave no GraphQL response in time.
        """
        try:
            response = await self._client.exchange(body, context, accept)
            media_type = parse_value(response.headers.get("content-type", MEDIA_TYPE)).value
            if media_type not in _MEDIA_TYPES:
                raise no_response(response)
        except RouterError as error:
            log_missing_response(error)
            raise error_translation.from_router_error(error) from error
        return response


def _accepted(request: Request) -> str:
    """Return the `Accept` header for the router: the media types of `_MEDIA_TYPES` that the client's `Accept` names.

    Each of these media types keeps the client's quality. If the client names no such type, or refuses the named types
    with `q=0`, the result is the first media type that the client does not refuse.
    """
    named = [each for each in parse_accept(", ".join(request.headers.getlist("accept"))) if each.value in _MEDIA_TYPES]
    accepted = [f"{each.value};q={each.quality:.3g}" for each in named if each.quality > 0]
    refused = {each.value for each in named}
    return ", ".join(accepted) or next((each for each in _MEDIA_TYPES if each not in refused), MEDIA_TYPE)


def _error(error: RestError) -> Response:
    """Return the response to an error of this layer, in the form of a GraphQL error."""
    extensions: Mapping[str, object] = {**error.details, "code": error.code}
    document = {"errors": [{"message": error.message, "extensions": extensions}]}
    headers = {"content-type": f"{MEDIA_TYPE}; charset=utf-8", **responses.NO_STORE, **responses.VARY, **error.headers}
    return Response(responses.encode(document), error.status, headers=headers)
