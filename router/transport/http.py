"""Send each fetch as one HTTP/1.1 POST on a pooled connection (GraphQL over HTTP, "Request").

Failures raise these exceptions:

    no connection, or a broken connection                             -> SubgraphUnreachable
    too many requests wait for a connection                           -> SubgraphUnreachable, with `retry_after`
    no complete response in time (this includes waiting for the pool) -> SubgraphTimeout
    the response is not HTTP, or too large                            -> SubgraphMalformedResponse
    the body cannot be decoded, and the status is 2xx                 -> SubgraphMalformedResponse
    the body cannot be decoded, and the status is not 2xx             -> SubgraphUnreachable

Redirects are not followed. Requests can contain credentials of the client, and only the configured server may get the
credentials. If a subgraph moves, its configured URL must be changed.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from functools import cached_property, partial
from typing import TYPE_CHECKING

import msgspec

from router.request.repeated_headers import computed_once
from router.settings.types import PROTOCOL_HEADERS
from router.transport import fetch_failures
from router.transport.content_codings import CodingError, decode_body
from router.transport.interface import SubgraphResponse
from router.transport.request_signing import CONTENT_TYPE
from servicekit import request_deadline
from servicekit.http1.connection import ExchangeFailed, MalformedExchange
from servicekit.http1.pool import NotConnected, Pool, PoolFull, PoolLimits, ServerOrigin
from servicekit.http_signatures.signature_base import NotAscii
from servicekit.http_url import split_http_url, split_unix_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.settings.types import ContentCoding
    from router.transport.interface import SubgraphRequest
    from router.transport.request_signing import Signing
    from servicekit.http1.connection import RawResponse
    from servicekit.http1.http_proxy import HttpProxy
    from servicekit.http_signatures.request_signer import RequestSigner

LARGE_BODY_BYTES = 262_144
"""A body with more bytes than this number is decoded in a thread. On the event loop, it would delay other requests."""

_COUNTED_AT_ONCE = 1_048_576
_MAX_ALLOWED_NAMES = 1000  # The names in settings are fewer. A rule with a pattern lets clients choose names.
_allowed_names: set[str] = set()


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The URL of one subgraph, and how to send requests to it.

    Attributes:
        url: An absolute `http(s)` URL, or a Unix socket: `unix:/run/account.sock?path=/graphql`.
        timeout: The maximum time for one fetch, in seconds. This time begins when the fetch starts to wait for a
            connection, and ends with the last byte of the response.
        limits: The limits of the connection pool.
        tls: The TLS settings for `https` URLs; None for the system's trust store.
        tls_version: A digest of the files from which `tls` was made. A connection is kept at a reload only if this
            digest is the same. It is empty if the files are not known.
        proxy: The HTTP proxy through which requests are sent; None without a proxy.
        codings: The content codings that responses may have, in order of preference.
        signing: How requests are signed; None if they are not signed.
    """

    url: str
    timeout: float = 30.0
    limits: PoolLimits = msgspec.field(default_factory=PoolLimits)
    tls: ssl.SSLContext | None = None
    tls_version: str = ""
    proxy: HttpProxy | None = None
    codings: tuple[ContentCoding, ...] = ()
    signing: Signing | None = None


class _Target(msgspec.Struct, frozen=True):
    """An endpoint with its connection pool.

    `head` has the first lines of an HTTP request. These lines are the same for all requests to the endpoint.
    """

    endpoint: Endpoint
    pool: Pool
    head: bytes
    signer: RequestSigner | None


class HttpTransport:
    """Sends requests over HTTP/1.1. Each endpoint has its own pool.

    Two subgraphs may be behind one server, for example a proxy. If one subgraph hangs, the other subgraph still has its
    own connections.

    Raises:
        ValueError: A URL is not an absolute `http(s)` URL, or contains credentials, which could appear in logs.
    """

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._targets = {name: self._target(name, endpoint) for name, endpoint in endpoints.items()}
        self._given_away: set[str] = set()

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`. If the server closed the kept-alive connection, a query is sent again.

        Raises:
            NotAscii: A header that `signer` must cover has a character that is not ASCII.
            ValueError: The request has no body, or a header contains a line break.
        """
        name = request.subgraph
        target = self._targets.get(name)
        if target is None:
            raise fetch_failures.unreachable(name, f"no endpoint is configured for subgraph {name!r}")
        endpoint = target.endpoint
        clock = asyncio.get_running_loop().time
        own = clock() + endpoint.timeout
        deadline = own if request.deadline is None else min(own, request.deadline)
        head = target.head + computed_once(encode_headers, request.headers) if request.headers else target.head
        body, signer = request.body or request.encoded_body(), target.signer

        def message() -> bytes:
            signature = signer.headers(body, request.headers) if signer is not None else None
            return encode_request(head, body, seconds=deadline - clock(), signature=signature)

        try:
            raw = await target.pool.exchange(message, repeatable=request.operation_kind == "query", deadline=deadline)
        except TimeoutError as error:
            bound = f"within {endpoint.timeout:g} s" if deadline == own else "before the request's deadline"
            raise fetch_failures.timed_out(name, f"no complete response {bound}") from error
        except MalformedExchange as error:
            raise fetch_failures.malformed(name, str(error)) from error
        except PoolFull as error:
            raise fetch_failures.overloaded(name, str(error)) from error
        except NotConnected as error:
            raise fetch_failures.not_sent(name, str(error)) from error
        except NotAscii as error:
            raise fetch_failures.not_sent(name, "a header that must be signed is not ASCII") from error
        except (ExchangeFailed, OSError) as error:
            raise fetch_failures.unreachable(name, str(error)) from error
        if len(raw.body) <= LARGE_BODY_BYTES and "content-encoding" not in raw.headers:
            return SubgraphResponse(status=raw.status, headers=raw.headers, body=raw.body)
        return await _decoded(name, raw, endpoint)

    def status(self) -> dict[str, object]:
        """Return the number of connections that TLS did not allow, by their code; nothing if there are none."""
        failures = sum((target.pool.tls_failures for target in self._targets.values()), Counter[str]())
        return {"tls_failures": dict(failures)} if failures else {}

    async def aclose(self) -> None:
        """See `Transport.aclose`. Connections that another transport has taken over stay open."""
        for name, target in self._targets.items():
            if name not in self._given_away:
                target.pool.close()

    def inherit(self, previous: HttpTransport, kept: frozenset[str]) -> None:
        """Take over the connections of `previous`, the transport before a reload, to each endpoint that is the same.

        Requests of `previous` that are still running use the same connections.
        """
        del kept  # the endpoints are compared
        for name, target in self._targets.items():
            old = previous._targets.get(name)
            if old is not None and _is_same(target.endpoint, old.endpoint):
                self._targets[name] = _Target(target.endpoint, old.pool, target.head, target.signer)
                previous._given_away.add(name)

    def _target(self, name: str, endpoint: Endpoint) -> _Target:
        if not endpoint.url.isascii() or any(character <= " " for character in endpoint.url):
            raise ValueError(f"subgraph {name}: the URL must not contain spaces or non-ASCII characters")
        try:
            origin, authority, target = self._origin(endpoint)
        except ValueError as error:
            raise ValueError(f"subgraph {name}: {error}") from None
        head = (
            f"POST {target} HTTP/1.1\r\n"
            f"host: {authority}\r\n"
            f"content-type: {CONTENT_TYPE}\r\n"
            "accept: application/json, application/graphql-response+json\r\n"
        )
        if endpoint.proxy is not None and origin.tls is None:
            head += endpoint.proxy.header
        if endpoint.codings:
            head += f"accept-encoding: {', '.join(endpoint.codings)}\r\n"
        signed_target = target.removeprefix(f"http://{authority}")  # the path, even if a proxy needs the whole URL
        signer = endpoint.signing.signer(authority, signed_target) if endpoint.signing is not None else None
        return _Target(endpoint, Pool(origin, endpoint.limits), head.encode("ascii"), signer)

    def _origin(self, endpoint: Endpoint) -> tuple[ServerOrigin, str, str]:
        """Return the server of an endpoint, and the authority and target of requests."""
        socket = split_unix_url(endpoint.url)
        if socket is not None:
            return ServerOrigin("", 0, None, socket.path), "localhost", socket.target
        url = split_http_url(endpoint.url)
        tls = (endpoint.tls or self._system_trust) if url.is_tls else None
        proxy = endpoint.proxy
        # A proxy needs the whole URL of the server. In a tunnel, requests go to the server itself.
        target = f"http://{url.authority}{url.target}" if proxy is not None and tls is None else url.target
        return ServerOrigin(url.host, url.port, tls, proxy=proxy), url.authority, target

    @cached_property
    def _system_trust(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _is_same(endpoint: Endpoint, other: Endpoint) -> bool:
    """Return whether a connection to `other` can be used for `endpoint`."""
    has_same_tls = endpoint.tls is other.tls or "" != endpoint.tls_version == other.tls_version
    # A signature belongs to one request. So a new signing key does not require a new connection.
    return has_same_tls and msgspec.structs.replace(endpoint, tls=None, signing=None) == msgspec.structs.replace(
        other, tls=None, signing=None
    )


def encode_headers(headers: Mapping[str, str]) -> bytes:
    """Return the header lines for the `headers` of a request.

    Raises:
        ValueError: A header contains a NUL or a line break, or belongs to the connection (`PROTOCOL_HEADERS`). A line
            break would allow a client to add another header. A second `Content-Length` would allow a client to hide
            another request in the body.
    """
    lines = ""
    for name, value in headers.items():
        if name not in _allowed_names:
            _allow(name)
        lines += f"{name}: {value}\r\n"
    count = len(headers)
    if lines.count("\n") != count or lines.count("\r") != count or "\0" in lines:
        raise ValueError("a header for a subgraph contains a line break or a NUL")
    return lines.encode("latin-1")


def _allow(name: str) -> None:
    if name.lower() in PROTOCOL_HEADERS:
        raise ValueError("a header for a subgraph belongs to the connection")
    if len(_allowed_names) < _MAX_ALLOWED_NAMES:
        _allowed_names.add(name)


def encode_request(head: bytes, body: bytes, *, seconds: float, signature: Mapping[str, str] | None = None) -> bytes:
    """Return the bytes of an HTTP request: `head` with the lines of `encode_headers`, a signature, and the body.

    `seconds` is how long the router waits for the response. The request contains this time (`X-Request-Timeout-Ms`), so
    that the subgraph need not work longer.
    """
    if signature is not None:
        head += "".join(f"{name}: {value}\r\n" for name, value in signature.items()).encode("ascii")
    milliseconds = request_deadline.milliseconds(seconds)
    return b"%bcontent-length: %d\r\nx-request-timeout-ms: %d\r\n\r\n%b" % (head, len(body), milliseconds, body)


async def _decoded(subgraph: str, raw: RawResponse, endpoint: Endpoint) -> SubgraphResponse:
    """Decode the body of a response, and check that it does not have too many JSON values.

    A body that decodes to more than `LARGE_BODY_BYTES` bytes is decoded in a thread. The decoders release the GIL, so
    the event loop continues meanwhile.

    Raises:
        SubgraphUnreachable: The body cannot be decoded, and the status is not 2xx.
        SubgraphMalformedResponse: The body cannot be decoded or has too many values, and the status is 2xx.
    """
    limits = endpoint.limits
    coding = raw.headers.get("content-encoding")
    try:
        body = decode_body(coding, raw.body, endpoint.codings, LARGE_BODY_BYTES)
        response = SubgraphResponse(status=raw.status, headers=raw.headers, body=body)
    except CodingError:  # the decoded body is larger than `LARGE_BODY_BYTES`, or not valid
        undo = partial(undo_content_coding, subgraph, raw, endpoint.codings, limits.max_response_bytes)
        response = await asyncio.to_thread(undo)
    body, values = response.body, 1
    for start in range(0, len(body) if len(body) > LARGE_BODY_BYTES else 0, _COUNTED_AT_ONCE):
        values += sum(body.count(mark, start, start + _COUNTED_AT_ONCE) for mark in (b",", b"[", b"{"))
        if values > limits.max_values:
            raise fetch_failures.malformed(subgraph, f"the response has more than {limits.max_values} JSON values")
        await asyncio.sleep(0)
    return response


def undo_content_coding(
    subgraph: str, raw: RawResponse, codings: tuple[ContentCoding, ...] = (), max_bytes: int = 0
) -> SubgraphResponse:
    """Decode the body of a response from its content coding.

    Args:
        subgraph: The subgraph that sent the response.
        raw: The response as received.
        codings: The content codings that the request accepts.
        max_bytes: The limit for the decoded body.

    Raises:
        SubgraphUnreachable: The body cannot be decoded, and the status is not 2xx.
        SubgraphMalformedResponse: The body cannot be decoded, and the status is 2xx.
    """
    try:
        body = decode_body(raw.headers.get("content-encoding"), raw.body, codings, max_bytes)
    except CodingError as error:
        raise fetch_failures.without_graphql_response(subgraph, raw.status, raw.headers, str(error)) from error
    return SubgraphResponse(status=raw.status, headers=raw.headers, body=body)
