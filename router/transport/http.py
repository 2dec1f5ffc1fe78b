"""GraphQL to subgraphs over HTTP/1.1: one POST an operation (GraphQL over HTTP, "Request").

Works in three steps that a profile can tell apart: a request becomes bytes, bytes are exchanged on a pooled
connection (a query that is under way already: only once), the answer becomes a GraphQL response or a failure:

    no connection, a broken one, a status other than 2xx without a GraphQL response  -> SubgraphUnreachable
    no whole answer in time, waiting for a free connection included                   -> SubgraphTimeout
    not HTTP, too large, encoded unasked, not JSON, neither `data` nor `errors`       -> SubgraphMalformedResponse

Redirects are not followed: a subgraph that moved is a mistake of the configuration, and a forwarded credential must not
travel to an address nobody configured.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urlsplit

from router import json_codec
from router.errors import SubgraphMalformedResponse, SubgraphTimeout, SubgraphUnreachable, TransportError
from router.transport import content_codings
from router.transport.http1.connection import ExchangeFailed, MalformedExchange
from router.transport.http1.pool import Origin, Pool, PoolLimits
from router.transport.layers.deduplication import InFlight
from router.transport.layers.pause import Rest, retry_after
from router.transport.messages import SubgraphResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.settings.types import ContentCoding
    from router.transport.http1.connection import RawResponse
    from router.transport.messages import SubgraphRequest

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ENDS_A_LINE = re.compile(r"[\r\n\0]")
_SUCCESS = range(200, 300)
_UNAVAILABLE = 503
# Headers that tell one request of ours from another, and nothing about its answer.
_OF_ONE_REQUEST = frozenset({"traceparent", "tracestate", "x-request-id"})

# What a client may read. Which service it was, and why, is for the log (`detail`).
_UNREACHABLE = "A service needed to answer this request could not be reached."
_REFUSED = "A service needed to answer this request refused it."
_TOO_SLOW = "A service needed to answer this request did not answer in time."
_MALFORMED = "A service needed to answer this request sent a malformed response."


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a subgraph listens and how long it may take.

    `timeout` in seconds is for one operation from the wait for a connection to the last byte. `tls` replaces the
    system's trust store for `https` URLs. `codings` are the content codings it may answer in, best first.
    `share_queries` is whether a query that is under way already is sent once. `longest_retry_after` in seconds is how
    long it is left alone at most when it says 503 with `Retry-After`, None for not at all.
    """

    url: str
    timeout: float = 30.0
    limits: PoolLimits = field(default_factory=PoolLimits)
    tls: ssl.SSLContext | None = None
    codings: tuple[ContentCoding, ...] = ()
    share_queries: bool = False
    longest_retry_after: float | None = None


class Decoding(NamedTuple):
    """In which content codings an answer may come, and how large it may be when decoded."""

    codings: tuple[ContentCoding, ...] = ()
    max_bytes: int = 0


AS_SENT = Decoding()
"""No content coding was asked for."""


@dataclass(frozen=True, slots=True)
class _Target:
    """An endpoint, taken apart once: `head` is everything of a request's head that never changes."""

    pool: Pool
    head: bytes
    timeout: float
    decoding: Decoding
    rest: Rest
    share_queries: bool


class HttpTransport:
    """The `Transport` of a running router. Endpoints of one origin and one set of limits share a pool.

    Raises `ValueError` for a URL that is not absolute `http(s)`, or carries credentials (they would end up in logs).
    """

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._pools: dict[tuple[Origin, PoolLimits], Pool] = {}
        self.in_flight = InFlight()
        self._targets = {name: self._target(name, endpoint) for name, endpoint in endpoints.items()}

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`. Queries are tried again when a kept-alive connection turns out to be dead."""
        name = request.subgraph
        target = self._targets.get(name)
        if target is None:
            raise SubgraphUnreachable(name, _UNREACHABLE, detail=f"no endpoint is configured for subgraph {name!r}")
        left = target.rest.left(asyncio.get_running_loop().time())
        if left is not None:
            raise _resting(name, left)
        try:
            raw = await self._exchange(target, request)
        except TimeoutError as error:
            raise SubgraphTimeout(name, _TOO_SLOW, detail=f"no whole answer within {target.timeout:g} s") from error
        except MalformedExchange as error:
            raise SubgraphMalformedResponse(name, _MALFORMED, detail=str(error)) from error
        except (ExchangeFailed, OSError) as error:
            raise SubgraphUnreachable(name, _UNREACHABLE, detail=str(error)) from error
        wait = retry_after(raw.status, raw.headers) if raw.status == _UNAVAILABLE else None
        if wait is not None:
            target.rest.begin(asyncio.get_running_loop().time(), wait)
        return decode_response(name, raw, target.decoding)

    async def _exchange(self, target: _Target, request: SubgraphRequest) -> RawResponse:
        body = encode_body(request)
        message = encode_request(target.head, request.headers, body)
        repeatable = request.operation_kind == "query"
        if not (repeatable and target.share_queries):
            return await target.pool.exchange(message, repeatable=repeatable, seconds=target.timeout)
        headers = frozenset(item for item in request.headers.items() if item[0] not in _OF_ONE_REQUEST)
        return await self.in_flight.exchange(
            (target.pool, target.head, headers, body),
            lambda: target.pool.exchange(message, repeatable=True, seconds=target.timeout),
        )

    async def aclose(self) -> None:
        """Close all connections; requests in flight fail with `SubgraphUnreachable`."""
        for pool in self._pools.values():
            pool.close()

    def _target(self, name: str, endpoint: Endpoint) -> _Target:
        url = _usable_url(name, endpoint.url)
        tls = (endpoint.tls or self._system_trust) if url.scheme == "https" else None
        origin = Origin(url.hostname or "", url.port or _DEFAULT_PORTS[url.scheme], tls)
        pool = self._pools.setdefault((origin, endpoint.limits), Pool(origin, endpoint.limits))
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        head = (
            f"POST {path} HTTP/1.1\r\n"
            f"host: {url.netloc}\r\n"
            "content-type: application/json\r\n"
            "accept: application/json, application/graphql-response+json\r\n"
        )
        if endpoint.codings:
            head += f"accept-encoding: {', '.join(endpoint.codings)}\r\n"
        return _Target(
            pool,
            head.encode("ascii"),
            endpoint.timeout,
            Decoding(endpoint.codings, endpoint.limits.max_response_bytes),
            Rest(endpoint.longest_retry_after),
            endpoint.share_queries,
        )

    @cached_property
    def _system_trust(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _usable_url(name: str, text: str) -> SplitResult:
    url = urlsplit(text)
    if url.scheme not in _DEFAULT_PORTS or not url.hostname:
        raise ValueError(f"subgraph {name}: a URL is absolute and begins with http:// or https://")
    if url.username is not None or url.password is not None:
        raise ValueError(f"subgraph {name}: a URL carries no credentials; insert a header instead")
    if not text.isascii() or any(character <= " " for character in text):
        raise ValueError(f"subgraph {name}: a URL has neither spaces nor characters beyond ASCII")
    return url


def _resting(name: str, seconds: int) -> SubgraphUnreachable:
    """It is not asked: it said how long not to."""
    detail = f"it answered 503 with Retry-After, and is left alone for another {seconds} s"
    failure = SubgraphUnreachable(name, _UNREACHABLE, status=_UNAVAILABLE, detail=detail)
    failure.retry_after = seconds
    return failure


def encode_request(head: bytes, headers: Mapping[str, str], body: bytes) -> bytes:
    """The bytes of a request, `head` being its first lines.

    Raises `ValueError` for a header that would end its line: whoever let it through must hear of it.
    """
    lines = [f"{name}: {value}" for name, value in headers.items()]
    lines += (f"content-length: {len(body)}", "", "")
    if _ENDS_A_LINE.search("\t".join(lines)) is not None:
        raise ValueError("a header for a subgraph contains a line break or a NUL")
    return b"".join((head, "\r\n".join(lines).encode("latin-1"), body))


def encode_body(request: SubgraphRequest) -> bytes:
    """The JSON body of a request (GraphQL over HTTP, "Request Parameters"); what is empty is left out."""
    payload: dict[str, object] = {"query": request.operation}
    if request.operation_name is not None:
        payload["operationName"] = request.operation_name
    if request.variables:
        payload["variables"] = request.variables
    return json_codec.encode(payload)


def decode_response(subgraph: str, raw: RawResponse, decoding: Decoding = AS_SENT) -> SubgraphResponse:
    """The GraphQL response in an HTTP response, whatever its status.

    Raises:
        SubgraphUnreachable: the status is not 2xx and the body no GraphQL response.
        SubgraphMalformedResponse: the status is 2xx and the body no GraphQL response.
    """
    try:
        body = _graphql_response(raw, decoding)
    except ValueError as error:
        kind: type[TransportError]
        if raw.status in _SUCCESS:
            kind, message, detail = SubgraphMalformedResponse, _MALFORMED, f"HTTP status {raw.status}: {error}"
        else:
            kind, message = SubgraphUnreachable, _REFUSED
            detail = f"HTTP status {raw.status} without a GraphQL response"
        failure = kind(subgraph, message, status=raw.status, detail=detail)
        failure.retry_after = retry_after(raw.status, raw.headers)
        raise failure from error
    return SubgraphResponse(status=raw.status, headers=raw.headers, body=body)


def _graphql_response(raw: RawResponse, decoding: Decoding) -> dict[str, object]:
    body = json_codec.decode(_decoded(raw, decoding))
    if not isinstance(body, dict):
        raise ValueError("the body is not a JSON object")  # noqa: TRY004  (hostile input, not a caller's mistake)
    if "data" not in body and not isinstance(body.get("errors"), list):
        raise ValueError("the body has neither `data` nor a list of `errors`")
    return body


def _decoded(raw: RawResponse, decoding: Decoding) -> bytes:
    named = raw.headers.get("content-encoding", "identity").lower()
    if named == "identity":
        return raw.body
    for coding in decoding.codings:
        if named == coding:
            return content_codings.decode(coding, raw.body, decoding.max_bytes)
    raise ValueError(f"the body is encoded ({named}), which was not asked for")
