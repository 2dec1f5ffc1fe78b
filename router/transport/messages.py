"""What a transport is: a request in, a response out. A fake subgraph in a test is a function behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

OperationKind = Literal["query", "mutation", "subscription"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgraphRequest:
    """One operation for one subgraph.

    `variables` holds JSON values, with integers of any size and `decimal.Decimal` for other numbers. `headers` are
    the ones policy lets through; those of the protocol (content type, length, host) are the transport's.
    """

    subgraph: str
    operation: str
    operation_kind: OperationKind = "query"
    operation_name: str | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgraphResponse:
    """`body` is the decoded GraphQL response, a JSON object; its numbers are exact (`json_codec.decode`)."""

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport(Protocol):
    """Carries requests to subgraphs. Implementations are safe to use from many tasks at once."""

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Send one request and wait for its response.

        An HTTP status other than 2xx whose body is a GraphQL response is a response, not an error.

        Raises:
            SubgraphUnreachable: no connection, a broken one, or a status without a GraphQL response.
            SubgraphTimeout: no complete answer in time.
            SubgraphMalformedResponse: the body is not a GraphQL response.
        """
        ...

    async def aclose(self) -> None:
        """Release connections; requests still in flight fail with `SubgraphUnreachable`."""
        ...
