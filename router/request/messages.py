"""GraphQL requests and responses, without HTTP: the types between `server` and `gateway`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.request.outcome import Outcome
    from router.request.record import RequestRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLRequest:
    """One operation of a client (GraphQL over HTTP, "Request Parameters").

    `variables` and `extensions` are JSON objects, numbers with fractions as `decimal.Decimal`. `headers` have
    lower-case names. A request that is `read_only` runs nothing but queries: it came by a method HTTP calls safe.
    `query` may be empty where `document_id` names a document that the router knows. `deadline`, in the event loop's
    time, is when its answer is due; without, `traffic.request_timeout` after it was given to a gateway.
    """

    query: str = ""
    document_id: str | None = None
    operation_name: str | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    extensions: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    deadline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLResponse:
    """`body` is the response as a JSON object (GraphQL specification, "Response"), errors already fit for clients."""

    body: Mapping[str, object]
    outcome: Outcome
    report: RequestRecord


Execute = Callable[[GraphQLRequest], Awaitable[GraphQLResponse]]
"""What a server needs of a gateway."""
