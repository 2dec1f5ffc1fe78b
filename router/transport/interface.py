"""The transport interface: a `SubgraphRequest` goes in, the status, headers and body bytes of its response come out.

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
    """One operation for one subgraph.

    Attributes:
        variables: JSON values, with integers of any size and `decimal.Decimal` for other numbers.
        headers: Those that header rules let through; the transport adds content type, length and host.
        body: The operation and its variables as JSON (GraphQL over HTTP, "Request Parameters"). None until the request
            is encoded, which happens after the stages; a stage that changes the operation or variables leaves it None.
        deadline: When the response must be complete, in the event loop's time; None for no bound but the subgraph's
            own timeout.
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
        """The body, for a transport that sends it.

        Raises:
            ValueError: The request is not encoded.
        """
        if self.body is None:
            raise ValueError("a request is encoded before a transport sends it")
        return self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgraphResponse:
    """The response of a subgraph, with any status.

    `headers` has lower-case names. `body` is as sent, except that content codings are undone.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, value: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> SubgraphResponse:
        """A response whose body is a JSON object; for subgraphs that are functions.

        Raises:
            TypeError: `value` holds something that is not JSON.
        """
        return cls(status=status, body=json_codec.encode(value), headers=headers or {})


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The status and headers of one subgraph response."""

    subgraph: str
    status: int
    headers: Mapping[str, str]


class Transport(Protocol):
    """Carries requests to subgraphs. Implementations are safe to use from many tasks at once."""

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Send one request and wait for its response, whatever its status and body.

        Raises:
            SubgraphUnreachable: No connection, or the connection broke.
            SubgraphTimeout: No complete response before the deadline or within the subgraph's timeout.
            SubgraphMalformedResponse: The response is not HTTP, is too large, or its content coding is not usable.
        """
        ...

    async def aclose(self) -> None:
        """Close connections; requests in flight fail with `SubgraphUnreachable`."""
        ...
