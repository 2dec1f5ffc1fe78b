"""Define `Transport`, the interface for sending a `SubgraphRequest` to a subgraph and getting a `SubgraphResponse`.

A transport does not interpret bodies. The executor encodes the body of a request and decodes the body of a response
(`router/executor/graphql_over_http.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol

import msgspec

from router import json_codec

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

OperationKind = Literal["query", "mutation", "subscription"]

Caller = Literal["anonymous", "verified", "unverified"]
"""Who sent the client's request. `anonymous`: a client without a credential. `verified`: a client whose credential the
router has verified for this request, and found not to be revoked. `unverified`: a client with any other credential.
"""

IDEMPOTENCY_KEY: Final = "idempotency-key"
"""A mutation with this header has no second effect if it is sent again: the subgraph recognises the key."""


class SubgraphRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to one subgraph. A stage changes a request with `msgspec.structs.replace`.

    Attributes:
        operation: The text of the operation.
        variables: JSON values; integers can have any size, other numbers are `decimal.Decimal`.
        headers: The headers that result from the header rules. The transport adds the headers for content type, length
            and host.
        body: The operation and variables as JSON (GraphQL over HTTP, "Request Parameters"). The body is None until the
            executor encodes the request, which happens after all request stages. So a stage can change the operation or
            the variables, and need not set the body.
        deadline: The time by which the response must be complete, on the event loop's clock. If it is None, only the
            timeout of the subgraph applies.
        caller: Who sent the client's request. This decides which other clients may get the same response.
        fetch_ids: The ids of the plan's fetches that are sent in this request.
    """

    subgraph: str
    operation: str
    operation_kind: OperationKind = "query"
    operation_name: str | None = None
    variables: Mapping[str, object] = msgspec.field(default_factory=dict)
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    body: bytes | None = None
    deadline: float | None = None
    caller: Caller = "unverified"
    fetch_ids: tuple[int, ...] = ()

    def encoded_body(self) -> bytes:
        """Return the body of a request that is already encoded.

        Raises:
            ValueError: The request has no body, because it is not encoded yet.
        """
        if self.body is None:
            raise ValueError("the request has no body: it must be encoded before it is sent")
        return self.body


class SubgraphResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The response of a subgraph. It can have any HTTP status.

    The names in `headers` are in lower case. If `body` was compressed, it is already decompressed. A stage changes a
    response with `msgspec.structs.replace`.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)

    @classmethod
    def of(
        cls, value: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> SubgraphResponse:
        """Create a response with the JSON object `value` as its body. Subgraphs that are Python functions use this.

        Raises:
            TypeError: `value` contains a Python value that cannot be encoded as JSON.
        """
        return cls(status=status, body=json_codec.encode(value), headers=headers or {})


class SharedBody(bytes):
    """The body of a response that several callers of a transport got.

    `results` has what one of the callers has computed from these bytes, so that the others need not compute it again.
    The keys must name everything else on which a result depends. A layer that changes the body passes on other bytes,
    without these results.
    """

    def __init__(self, _content: bytes) -> None:
        self.results: dict[Hashable, object] = {}


class ResponseHead(msgspec.Struct, frozen=True):
    """The status and headers of one subgraph response."""

    subgraph: str
    status: int
    headers: Mapping[str, str]


class Transport(Protocol):
    """Sends requests to subgraphs. Many tasks can use one transport at the same time."""

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Send one request and return the response. The response can have any status and body.

        Raises:
            SubgraphUnreachable: There is no connection, or the connection broke.
            SubgraphTimeout: The response was not complete before the deadline, or within the timeout of the subgraph.
            SubgraphMalformedResponse: The response is not HTTP, is too large, or cannot be decoded.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections. Requests that are still running fail with `SubgraphUnreachable`."""
        ...
