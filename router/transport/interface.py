"""The interface `Transport`, which sends a `SubgraphRequest` to a subgraph and returns a `SubgraphResponse`.

A transport does not interpret bodies. The executor encodes the body of a request and decodes the body of a response
(`router/executor/graphql_over_http.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from router import json_codec

if TYPE_CHECKING:
    from collections.abc import Mapping

OperationKind = Literal["query", "mutation", "subscription"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgraphRequest:
    """A request to one subgraph.

    Attributes:
        operation: The text of the operation.
        variables: JSON values; integers can have any size, other numbers are `decimal.Decimal`.
        headers: The headers after the header rules; the transport adds content type, length and host.
        body: The operation and variables as JSON (GraphQL over HTTP, "Request Parameters"). None until the executor
            encodes the request, after all stages; a stage that changes operation or variables leaves the body None.
        deadline: The time in the event loop at which the response must be complete; None if only the subgraph's timeout
            applies.
    """

    subgraph: str
    operation: str
    operation_kind: OperationKind = "query"
    operation_name: str | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    deadline: float | None = None

    def encoded_body(self) -> bytes:
        """Return the body.

        Raises:
            ValueError: The request is not encoded: it has no body.
        """
        if self.body is None:
            raise ValueError("the request has no body: it must be encoded before it is sent")
        return self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgraphResponse:
    """The response of a subgraph, with any status.

    The names in `headers` are in lower case. `body` is decoded from its content coding.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, value: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> SubgraphResponse:
        """Create a response whose body is a JSON object, for subgraphs that are Python functions.

        Raises:
            TypeError: `value` contains a value that JSON does not have.
        """
        return cls(status=status, body=json_codec.encode(value), headers=headers or {})


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The status and headers of one subgraph response."""

    subgraph: str
    status: int
    headers: Mapping[str, str]


class Transport(Protocol):
    """Sends requests to subgraphs. Many tasks can use an implementation at the same time."""

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Send one request and return the response, which can have any status and body.

        Raises:
            SubgraphUnreachable: No connection, or a broken connection.
            SubgraphTimeout: No complete response before the deadline or within the subgraph's timeout.
            SubgraphMalformedResponse: The response is not HTTP, is too large, or cannot be decoded.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections; requests in flight fail with `SubgraphUnreachable`."""
        ...
