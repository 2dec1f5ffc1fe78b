"""GraphQL requests and responses, without HTTP: the types between `server` and `gateway`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from router.request.log_fields import RequestRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLRequest:
    """One operation of a client (GraphQL over HTTP, "Request Parameters").

    Attributes:
        query: The document; empty where `document_id` names a document that the router knows.
        document_id: The id of a persisted document, or the hash of an automatic persisted query.
        operation_name: The operation to run, None where the document has one.
        variables: A JSON object, numbers with fractions as `decimal.Decimal`.
        extensions: A JSON object, as `variables`.
        headers: By lower-case name.
        read_only: Whether nothing but queries may run: the request came by a method that HTTP calls safe.
        deadline: When the response is due, in the event loop's time. None stands for `traffic.request_timeout` from
            when a gateway gets the request.
    """

    query: str = ""
    document_id: str | None = None
    operation_name: str | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    extensions: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    deadline: float | None = None


class Outcome(Enum):
    """How the processing of a request ended; the HTTP status of the response follows from this value."""

    EXECUTED = auto()
    REFUSED = auto()
    NOT_READ_ONLY = auto()
    UNKNOWN_DOCUMENT = auto()
    TIMED_OUT = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLResponse:
    """One response.

    Attributes:
        body: A JSON object (GraphQL specification, "Response"), its errors as the client sees them.
        outcome: How far the request came; the HTTP status follows from it unless `status` is given.
        record: What the log says of the request.
        status: The HTTP status.
        headers: Further headers of the HTTP response.
    """

    body: Mapping[str, object]
    outcome: Outcome
    record: RequestRecord
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseStream:
    """Several responses to one request, of a subscription or of `@defer`; `parts` are sent as they come.

    `record` and `headers` are as those of `GraphQLResponse`; those of the parts are not used.
    """

    parts: AsyncGenerator[GraphQLResponse]
    record: RequestRecord
    headers: tuple[tuple[str, str], ...] = ()


Response: TypeAlias = GraphQLResponse | ResponseStream

Execute = Callable[[GraphQLRequest], Awaitable[Response]]
"""What a server needs of a gateway."""
