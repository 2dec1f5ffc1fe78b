"""The GraphQL-over-HTTP client for the router.

A single function sends all requests over the network. Tests replace this function. Specification:
https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rest_compat.errors import MalformedResponse, RouterTimeout, RouterUnreachable
from servicekit import client_address, request_deadline, request_ids, user_agent
from servicekit.http1.connection import ExchangeFailed
from servicekit.http1.pool import PoolFull

if TYPE_CHECKING:
    from rest_compat.dpop import ProvedToken
    from rest_compat.operations import Operation
    from servicekit.http1.service_client import ServiceClient

MEDIA_TYPE: Final = "application/graphql-response+json"
# How long a request to the router may take. The router's own deadline is shorter (60 s), so that the router can report
# which service was too slow.
REQUEST_SECONDS: Final = 65.0
# How long connecting to the router may take. The router is on the same network, so a connection takes milliseconds
# unless the router is down.
CONNECT_SECONDS: Final = 5.0
# The router's headers about the client's quota. This layer passes them on.
RATE_HEADERS: Final = ("retry-after", "ratelimit", "ratelimit-policy")


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response of the router. The names of the headers are in lower case, and the body is complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes


# The type of a function that sends a POST request with these headers and this body to the router. It raises
# RouterUnreachable or RouterTimeout.
Send = Callable[[Mapping[str, str], bytes], Awaitable[HttpResponse]]


@dataclass(frozen=True, slots=True)
class CallContext:
    """The client for which an operation runs, and the deadline of the operation.

    Attributes:
        authorization: the client's `Authorization` header; None on routes without a session.
        deadline: the latest time for the response, on the event loop's clock.
        proved: the token of `authorization` with its checked proof, if it is bound to a key of the client.
    """

    authorization: str | None
    deadline: float
    proved: ProvedToken | None = None

    @classmethod
    def starting_now(cls, authorization: str | None) -> CallContext:
        """Return a context whose deadline is `REQUEST_SECONDS` from now."""
        return cls(authorization, asyncio.get_running_loop().time() + REQUEST_SECONDS)

    def headers(self) -> dict[str, str]:
        """Return the headers of the request to the router: the client's token and address, and more."""
        remaining = self.deadline - asyncio.get_running_loop().time()
        own = {} if self.authorization is None else {"authorization": self.authorization}
        return {
            "accept": MEDIA_TYPE,
            **request_ids.outgoing_headers(),
            **client_address.outgoing_headers(),
            **user_agent.outgoing_headers(),
            request_deadline.HEADER: request_deadline.header_value(remaining),
            **own,
            **({} if self.proved is None else self.proved.headers()),
        }


@dataclass(frozen=True, slots=True)
class ResponseError:
    """One entry of `errors` in a GraphQL response."""

    code: str
    message: str
    extensions: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GraphQLResult:
    """A GraphQL response.

    Attributes:
        result: the value of the root field. In all our operations, its alias is `result`.
        rate_headers: the headers about the client's quota.
    """

    result: Any
    errors: tuple[ResponseError, ...]
    rate_headers: Mapping[str, str]


def http_send(client: ServiceClient) -> Send:
    """Return a `Send` that sends to the URL of `client`. The caller may limit the time of a request further."""

    async def send(headers: Mapping[str, str], body: bytes) -> HttpResponse:
        try:
            # The body may have a mutation without an idempotency key, so it is not sent again.
            response = await client.post("", headers, body, seconds=REQUEST_SECONDS, repeatable=False)
        except TimeoutError as error:
            raise RouterTimeout from error
        except (PoolFull, ExchangeFailed, OSError) as error:
            raise RouterUnreachable from error
        return HttpResponse(response.status, response.headers, response.body)

    return send


class GraphQLClient:
    """Runs operations on the router."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def execute(
        self, operation: Operation, variables: Mapping[str, object], context: CallContext
    ) -> GraphQLResult:
        """Run `operation` for the client in `context`, as part of the current request's trace.

        Raises:
            RouterUnreachable: there is no response.
            RouterTimeout: the response is not complete in time.
            MalformedResponse: the response is not a GraphQL response.
        """
        document = {"query": operation.document, "operationName": operation.name, "variables": variables}
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        return _parse(await self.exchange(body, context))

    async def exchange(self, body: bytes, context: CallContext, accept: str = MEDIA_TYPE) -> HttpResponse:
        """Send a request with this body, and return the response as it is.

        Raises:
            RouterUnreachable: there is no response.
            RouterTimeout: the response is not complete in time.
        """
        try:
            async with asyncio.timeout_at(context.deadline):
                return await self._send({**context.headers(), "accept": accept}, body)
        except TimeoutError as error:
            raise RouterTimeout from error

    async def ping(self) -> None:
        """Check that the router responds to a query. Raises an error if it does not."""
        response = await self._send(CallContext.starting_now(None).headers(), b'{"query":"{ __typename }"}')
        _parse(response)


def _parse(response: HttpResponse) -> GraphQLResult:
    try:
        document = json.loads(response.body)
    except ValueError as error:
        raise no_response(response) from error
    if not isinstance(document, dict) or not ({"data", "errors"} & document.keys()):
        raise no_response(response)
    data, errors = document.get("data"), document.get("errors", [])
    if not isinstance(data, dict | None) or not isinstance(errors, list):
        raise no_response(response)
    return GraphQLResult(
        result=None if data is None else data.get("result"),
        errors=tuple(_response_error(entry) for entry in errors),
        rate_headers={name: response.headers[name] for name in RATE_HEADERS if name in response.headers},
    )


def no_response(response: HttpResponse) -> MalformedResponse | RouterUnreachable:
    """Return the error for a response that is not GraphQL.

    A status of 502, 503 or 504 comes from a gateway in front of the router. The error is then `RouterUnreachable`.
    """
    description = f"status {response.status} without a GraphQL response"
    return RouterUnreachable(description) if response.status in {502, 503, 504} else MalformedResponse(description)


def _response_error(entry: object) -> ResponseError:
    members = entry if isinstance(entry, dict) else {}
    extensions = members.get("extensions")
    extensions = extensions if isinstance(extensions, dict) else {}
    return ResponseError(str(extensions.get("code", "")), str(members.get("message", "")), extensions)
