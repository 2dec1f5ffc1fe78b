"""GraphQL requests and responses without HTTP: the types that `server` and `gateway` exchange."""

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
        query: The document; empty if the request has only a `document_id`.
        document_id: The id of a persisted document, or the hash of an automatic persisted query.
        operation_name: The name of the operation to run; None if the request names no operation.
        variables: A JSON object. Numbers with a fraction are `decimal.Decimal`.
        extensions: A JSON object, decoded like `variables`.
        headers: The HTTP headers by lower-case name.
        read_only: Whether only a query may run, because the HTTP method is safe (GET, HEAD).
        deadline: When the response is due, in the event loop's time. None means `traffic.request_timeout` after the
            gateway receives the request.
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
    """The response to one operation.

    Attributes:
        body: A JSON object (GraphQL specification, "Response") with the errors as the client sees them.
        outcome: How the request ended; the HTTP status follows from this value if `status` is None.
        record: The fields of the request's log line.
        status: The HTTP status, or None.
        headers: Further headers of the HTTP response.
    """

    body: Mapping[str, object]
    outcome: Outcome
    record: RequestRecord
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseStream:
    """Several responses to one request (a subscription or `@defer`). Each of `parts` is sent as soon as it is ready.

    `record` and `headers` mean the same as in `GraphQLResponse`; the server ignores `record` and `headers` of `parts`.
    """

    parts: AsyncGenerator[GraphQLResponse]
    record: RequestRecord
    headers: tuple[tuple[str, str], ...] = ()


Response: TypeAlias = GraphQLResponse | ResponseStream

Execute = Callable[[GraphQLRequest], Awaitable[Response]]
"""The function that processes a request for the server: `Gateway.respond`."""
