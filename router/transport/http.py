"""GraphQL to subgraphs over HTTP/1.1: one POST an operation (GraphQL over HTTP, "Request").

Works in three steps that a profile can tell apart: a request becomes bytes, bytes are exchanged on a pooled
connection, the answer becomes a GraphQL response or one of three failures:

    no connection, a broken one, a status other than 2xx without a GraphQL response  -> SubgraphUnreachable
    no whole answer in time, waiting for a free connection included                   -> SubgraphTimeout
    not HTTP, too large, encoded unasked, not JSON, neither `data` nor `errors`       -> SubgraphMalformedResponse

Redirects are not followed: a subgraph that moved is a mistake of the configuration, and a forwarded credential must not
travel to an address nobody configured.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from router.errors import SubgraphMalformedResponse, SubgraphTimeout, SubgraphUnreachable, TransportError

from . import json_codec
from .base import SubgraphResponse
from .connection import ExchangeFailed, MalformedExchange
from .pool import Origin, Pool, PoolLimits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .base import SubgraphRequest
    from .connection import RawResponse

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ENDS_A_LINE = re.compile(r"[\r\n\0]")
_SUCCESS = range(200, 300)

# What a client may read. Which service it was, and why, is for the log (`detail`).
_UNREACHABLE = "A service needed to answer this request could not be reached."
_REFUSED = "A service needed to answer this request refused it."
_TOO_SLOW = "A service needed to answer this request did not answer in time."
_MALFORMED = "A service needed to answer this request sent a malformed response."


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a subgraph listens and how long it may take.

    `timeout` in seconds is for one operation from the wait for a connection to the last byte. `tls` replaces the
    system's trust store for `https` URLs.
    """

    url: str
    timeout: float = 30.0
    limits: PoolLimits = field(default_factory=PoolLimits)
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class _Target:
    """An endpoint, taken apart once: `head` is everything of a request's head that never changes."""

    pool: Pool
    head: bytes
    timeout: float


class HttpTransport:
    """The `Transport` of a running router. Endpoints of one origin and one set of limits share a pool.

    Raises `ValueError` for a URL that is not absolute `http(s)`, or carries credentials (they would end up in logs).
    """

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._pools: dict[tuple[Origin, PoolLimits], Pool] = {}
        self._targets = {name: self._target(name, endpoint) for name, endpoint in endpoints.items()}

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`. Queries are tried again when a kept-alive connection turns out to be dead."""
        name = request.subgraph
        target = self._targets.get(name)
        if target is None:
            raise SubgraphUnreachable(name, _UNREACHABLE, detail=f"no endpoint is configured for subgraph {name!r}")
        message = encode_request(target.head, request)
        try:
            repeatable = request.operation_kind == "query"
            raw = await target.pool.exchange(message, repeatable=repeatable, seconds=target.timeout)
        except TimeoutError as error:
            raise SubgraphTimeout(name, _TOO_SLOW, detail=f"no whole answer within {target.timeout:g} s") from error
        except MalformedExchange as error:
            raise SubgraphMalformedResponse(name, _MALFORMED, detail=str(error)) from error
        except (ExchangeFailed, OSError) as error:
            raise SubgraphUnreachable(name, _UNREACHABLE, detail=str(error)) from error
        return decode_response(name, raw)

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
        return _Target(pool, head.encode("ascii"), endpoint.timeout)

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


def encode_request(head: bytes, request: SubgraphRequest) -> bytes:
    """The bytes of a request, `head` being its first lines.

    Raises `ValueError` for a header that would end its line: whoever let it through must hear of it.
    """
    body = encode_body(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
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


def decode_response(subgraph: str, raw: RawResponse) -> SubgraphResponse:
    """The GraphQL response in an HTTP response, whatever its status.

    Raises:
        SubgraphUnreachable: the status is not 2xx and the body no GraphQL response.
        SubgraphMalformedResponse: the status is 2xx and the body no GraphQL response.
    """
    try:
        body = _graphql_response(raw)
    except ValueError as error:
        detail = f"HTTP status {raw.status}: {error}"
        kind: type[TransportError] = SubgraphMalformedResponse if raw.status in _SUCCESS else SubgraphUnreachable
        message = _MALFORMED if raw.status in _SUCCESS else _REFUSED
        raise kind(subgraph, message, status=raw.status, detail=detail) from error
    return SubgraphResponse(status=raw.status, headers=raw.headers, body=body)


def _graphql_response(raw: RawResponse) -> dict[str, object]:
    encoding = raw.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise ValueError(f"the body is encoded ({encoding}), which was not asked for")
    body = json_codec.decode(raw.body)
    if not isinstance(body, dict):
        raise ValueError("the body is not a JSON object")  # noqa: TRY004  (hostile input, not a caller's mistake)
    if "data" not in body and not isinstance(body.get("errors"), list):
        raise ValueError("the body has neither `data` nor a list of `errors`")
    return body
