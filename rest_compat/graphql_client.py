"""GraphQL over HTTP towards the router. The network is one function, so that a test may be the router.

Specification: https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from rest_compat.errors import MalformedAnswer, RouterTimeout, RouterUnreachable
from servicekit import context

if TYPE_CHECKING:
    from rest_compat.operations import Operation

MEDIA_TYPE: Final = "application/graphql-response+json"
# Longer than the router gives a whole request (60 s), so that it is the router who says what was too slow.
TIMEOUT_SECONDS: Final = 65.0
# What a client may know about its quota; the router counts, this layer only passes on.
RATE_HEADERS: Final = ("retry-after", "ratelimit", "ratelimit-policy")


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back: header names in lower case, the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


# Takes headers and body of a POST to the router; raises RouterUnreachable or RouterTimeout.
Send = Callable[[Mapping[str, str], bytes], Awaitable[HttpReply]]


@dataclass(frozen=True, slots=True)
class GraphQLFault:
    """One entry of `errors`."""

    code: str
    message: str
    extensions: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GraphQLResult:
    """Attributes: `result`, the root field under the alias that all our operations give it; `rate_headers`."""

    result: Any
    faults: tuple[GraphQLFault, ...]
    rate_headers: Mapping[str, str]


def http_send(client: httpx.AsyncClient, url: str) -> Send:
    """A `Send` over a real connection."""

    async def send(headers: Mapping[str, str], body: bytes) -> HttpReply:
        try:
            response = await client.post(url, headers=dict(headers), content=body, timeout=TIMEOUT_SECONDS)
        except httpx.TimeoutException as error:
            raise RouterTimeout from error
        except httpx.HTTPError as error:
            raise RouterUnreachable from error
        return HttpReply(response.status_code, response.headers, response.content)

    return send


class GraphQLClient:
    def __init__(self, send: Send) -> None:
        self._send = send

    async def execute(
        self, operation: Operation, variables: Mapping[str, object], authorization: str | None
    ) -> GraphQLResult:
        """Run `operation` as whoever `authorization` proves, within the current request's trace.

        Raises:
            RouterUnreachable, RouterTimeout, MalformedAnswer: there is no GraphQL response.
        """
        document = {"query": operation.document, "operationName": operation.name, "variables": variables}
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        reply = await self._send(_headers(authorization), body)
        return _read(reply)

    async def ping(self) -> None:
        """Raise unless the router answers a query."""
        reply = await self._send(_headers(None), b'{"query":"{ __typename }"}')
        _read(reply)


def _headers(authorization: str | None) -> dict[str, str]:
    headers = {"accept": MEDIA_TYPE, "content-type": "application/json", **context.outgoing_headers()}
    return headers if authorization is None else {**headers, "authorization": authorization}


def _read(reply: HttpReply) -> GraphQLResult:
    try:
        document = json.loads(reply.body)
    except ValueError as error:
        raise _no_response(reply) from error
    if not isinstance(document, dict) or not ({"data", "errors"} & document.keys()):
        raise _no_response(reply)
    data, errors = document.get("data"), document.get("errors", [])
    if not isinstance(data, dict | None) or not isinstance(errors, list):
        raise _no_response(reply)
    return GraphQLResult(
        result=None if data is None else data.get("result"),
        faults=tuple(_fault(entry) for entry in errors),
        rate_headers={name: reply.headers[name] for name in RATE_HEADERS if name in reply.headers},
    )


def _no_response(reply: HttpReply) -> MalformedAnswer | RouterUnreachable:
    """A gateway in between may answer for a router that is away; anything else that is no GraphQL is a mistake."""
    description = f"status {reply.status} without a GraphQL response"
    return RouterUnreachable(description) if reply.status in {502, 503, 504} else MalformedAnswer(description)


def _fault(entry: object) -> GraphQLFault:
    members = entry if isinstance(entry, dict) else {}
    extensions = members.get("extensions")
    extensions = extensions if isinstance(extensions, dict) else {}
    return GraphQLFault(str(extensions.get("code", "")), str(members.get("message", "")), extensions)
