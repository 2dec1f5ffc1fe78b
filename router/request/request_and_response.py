"""The types of GraphQL requests and responses, independent of HTTP, that `server` and `gateway` exchange."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec.structs import replace

from router.json_codec import EncodedObject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.request.log_fields import RequestRecord


class GraphQLRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request of a client to run one operation (GraphQL over HTTP, "Request Parameters").

    Attributes:
        query: The document; empty if the request has only a `document_id`.
        document_id: The id of a persisted document, or the hash of an automatic persisted query.
        operation_name: The name of the operation to run; None if the request names no operation.
        variables: A JSON object. Numbers with a fraction are `decimal.Decimal`.
        extensions: A JSON object, decoded like `variables`.
        headers: The HTTP headers by lower-case name.
        read_only: True if only a query may run, because the HTTP method is GET or HEAD.
        deadline: The time on the event loop's clock at which the response must be complete. None means
            `traffic.request_timeout` seconds after the gateway receives the request.
    """

    query: str = ""
    document_id: str | None = None
    operation_name: str | None = None
    variables: Mapping[str, object] = msgspec.field(default_factory=dict)
    extensions: Mapping[str, object] = msgspec.field(default_factory=dict)
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    read_only: bool = False
    deadline: float | None = None


class Outcome(Enum):
    """How the processing of a request ended. The server chooses the HTTP status from this value."""

    EXECUTED = auto()
    REFUSED = auto()
    NOT_READ_ONLY = auto()
    UNKNOWN_DOCUMENT = auto()
    TIMED_OUT = auto()
    FAILED = auto()

    # The method of `Enum` is Python code, and each member is one object.
    __hash__ = object.__hash__


class GraphQLResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The response to one operation.

    Attributes:
        body: The response as a JSON object (GraphQL specification, "Response"). Its errors are masked and formatted.
            Its data can be an `EncodedObject`, a mapping that decodes its bytes when it is read.
        outcome: How the processing of the request ended.
        record: The fields of the request's log line.
        status: The HTTP status. If it is None, the server chooses the status from `outcome` and the error codes.
        headers: Headers to add to the HTTP response.
    """

    body: Mapping[str, object]
    outcome: Outcome
    record: RequestRecord
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def with_headers(self, headers: Iterable[tuple[str, str]]) -> GraphQLResponse:
        """Return the response with additional headers."""
        return replace(self, headers=(*self.headers, *headers))

    def decoded(self) -> GraphQLResponse:
        """Return the response with a body of dicts and lists.

        The `data` of a compiled plan is an `EncodedObject`, which is decoded here.
        """
        data = self.body.get("data")
        return replace(self, body={**self.body, "data": data.members()}) if isinstance(data, EncodedObject) else self


class ResponseStream(msgspec.Struct, frozen=True, kw_only=True):
    """Several responses to one request (a subscription or `@defer`). Each response in `parts` is sent when it is ready.

    `record` and `headers` have the same meaning as in `GraphQLResponse`. The server uses only the bodies of `parts`.
    """

    parts: AsyncGenerator[GraphQLResponse]
    record: RequestRecord
    headers: tuple[tuple[str, str], ...] = ()


Response: TypeAlias = GraphQLResponse | ResponseStream

Execute = Callable[[GraphQLRequest], Awaitable[Response]]
"""The type of `Gateway.respond`, the function with which the server processes a request."""
