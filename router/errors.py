"""The router's errors: one class hierarchy, each class with a stable `code`.

    RouterError
    ├── InvalidSupergraph                   INVALID_FEDERATION_SUPERGRAPH | UNSUPPORTED_LINKED_FEATURE
    ├── RequestError                        the router refuses the whole request and fetches nothing
    │   ├── PersistedQueryNotSupported      PERSISTED_QUERY_NOT_SUPPORTED
    │   ├── PersistedQueryNotFound          PERSISTED_QUERY_NOT_FOUND
    │   ├── PersistedQueryHashMismatch      PERSISTED_QUERY_HASH_MISMATCH
    │   ├── DocumentIdRequired              PERSISTED_QUERY_ID_REQUIRED
    │   ├── DocumentIdAndBody               CANNOT_SEND_PQ_ID_AND_BODY
    │   ├── DocumentNotListed               PERSISTED_QUERY_NOT_IN_LIST | QUERY_NOT_IN_SAFELIST
    │   ├── LimitExceeded                   MAX_*_LIMIT
    │   ├── NestedTooDeeply                 MAX_DEPTH_LIMIT
    │   ├── ParsingFailed                   PARSING_ERROR
    │   ├── ValidationFailed                GRAPHQL_VALIDATION_FAILED
    │   ├── UnknownOperation                GRAPHQL_UNKNOWN_OPERATION_NAME
    │   ├── NotReadOnly                     METHOD_NOT_ALLOWED
    │   ├── SubscriptionsNotEnabled         SUBSCRIPTIONS_NOT_ENABLED
    │   ├── InvalidVariables                VALIDATION_INVALID_TYPE_VARIABLE
    │   ├── PlanningError                   QUERY_PLANNING_FAILED
    │   └── Refused                         FORBIDDEN, or the code that a stage chooses
    └── TransportError                      one subgraph sent no usable response; the other fetches go on
        ├── SubgraphUnreachable             SUBREQUEST_HTTP_ERROR
        ├── SubgraphTimeout                 GATEWAY_TIMEOUT
        └── SubgraphMalformedResponse       SUBREQUEST_MALFORMED_RESPONSE

Request errors are listed in the order of the stages that raise them. These classes are exceptions; an entry of a
response's `errors` is data: `ResponseError`. Clients may see the `message` of an exception. `detail` is only for logs,
because it can contain host names and system errors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLError

PathSegment = str | int
ResponsePath = tuple[PathSegment, ...]

DOWNSTREAM_SERVICE_ERROR = "DOWNSTREAM_SERVICE_ERROR"
"""The code that clients see when a subgraph's error has no code or its code is masked, as in other routers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseError:
    """One entry of a response's `errors`, before masking (GraphQL specification, "Errors").

    `origin` is the subgraph that reported the error or sent no usable response; None if the router found the error.
    `path` is a path in the client's response, None if unknown. `extensions` are the extensions that the origin sent,
    without `code`. `locations` are places in the client's document.
    """

    message: str
    code: str | None = None
    path: ResponsePath | None = None
    origin: str | None = None
    locations: tuple[tuple[int, int], ...] = ()
    extensions: Mapping[str, object] = field(default_factory=dict)
    detail: str | None = None


class RouterError(Exception):
    """The base class of all errors of the router; only its subclasses are raised."""

    code: str = "INTERNAL_SERVER_ERROR"

    def __init__(self, message: str, *, detail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


SupergraphCode = Literal["INVALID_FEDERATION_SUPERGRAPH", "UNSUPPORTED_LINKED_FEATURE"]


class InvalidSupergraph(RouterError):
    """The text is not a supergraph, or needs a feature that this router does not have."""

    def __init__(self, message: str, *, code: SupergraphCode = "INVALID_FEDERATION_SUPERGRAPH") -> None:
        super().__init__(message)
        self.code = code


class RequestError(RouterError):
    """The router refuses the whole request. `errors` are the entries of the response, never empty.

    `status` and `headers` belong to the HTTP response. If `status` is None, the server chooses it.
    """

    code = "BAD_REQUEST"
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def __init__(self, message: str, *, errors: Sequence[ResponseError] = (), detail: str | None = None) -> None:
        super().__init__(message, detail=detail)
        self.errors = tuple(errors) or (ResponseError(message=message, code=self.code, detail=detail),)

    @classmethod
    def of(cls, causes: Sequence[GraphQLError]) -> RequestError:
        """Create the exception from errors of graphql-core, with their places in the client's document."""
        entries = [
            ResponseError(
                message=cause.message,
                code=cls.code,
                locations=tuple((location.line, location.column) for location in cause.locations or ()),
            )
            for cause in causes
        ]
        return cls(entries[0].message, errors=entries)


class PersistedQueryNotSupported(RequestError):
    """The request has an id or hash of a document, but persisted documents are off. Clients then send the document."""

    code = "PERSISTED_QUERY_NOT_SUPPORTED"


class PersistedQueryNotFound(RequestError):
    """No store has a document with this hash."""

    code = "PERSISTED_QUERY_NOT_FOUND"


class PersistedQueryHashMismatch(RequestError):
    """The hash in the request is not the hash of the document in the request."""

    code = "PERSISTED_QUERY_HASH_MISMATCH"


class DocumentIdRequired(RequestError):
    """The request has a document, but this router accepts only ids of persisted documents."""

    code = "PERSISTED_QUERY_ID_REQUIRED"


class DocumentIdAndBody(RequestError):
    """The request has both an id and a document, so it is not clear which document to run."""

    code = "CANNOT_SEND_PQ_ID_AND_BODY"


class DocumentNotListed(RequestError):
    """The list of persisted documents does not contain the document or the id of the request."""

    def __init__(self, message: str, *, code: Literal["QUERY_NOT_IN_SAFELIST", "PERSISTED_QUERY_NOT_IN_LIST"]) -> None:
        self.code = code
        super().__init__(message)


class LimitExceeded(RequestError):
    """The operation exceeds a configured limit; `code` is one of MAX_*_LIMIT."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class NestedTooDeeply(RequestError):
    """The document is nested so deeply that processing it overflows the Python stack."""

    code = "MAX_DEPTH_LIMIT"


class ParsingFailed(RequestError):
    """The document has a GraphQL syntax error."""

    code = "PARSING_ERROR"


class ValidationFailed(RequestError):
    """The document does not pass GraphQL validation against the API schema."""

    code = "GRAPHQL_VALIDATION_FAILED"


class UnknownOperation(RequestError):
    """The document has no operation with this `operationName`, or not exactly one operation without `operationName`."""

    code = "GRAPHQL_UNKNOWN_OPERATION_NAME"


class NotReadOnly(RequestError):
    """The client sent a mutation with GET, which only queries may use (GraphQL over HTTP, "GET")."""

    code = "METHOD_NOT_ALLOWED"


class SubscriptionsNotEnabled(RequestError):
    """The operation is a subscription, and this router does not run subscriptions."""

    code = "SUBSCRIPTIONS_NOT_ENABLED"


class InvalidVariables(RequestError):
    """The value of a variable does not fit the variable's type (GraphQL specification, "Coercing Variable Values")."""

    code = "VALIDATION_INVALID_TYPE_VARIABLE"


class PlanningError(RequestError):
    """No sequence of fetches can resolve a selection of the operation."""

    code = "QUERY_PLANNING_FAILED"


class Refused(RequestError):
    """A stage refuses the request. The client gets `message` and, as `extensions.code`, the code.

    `status` and `headers` belong to the HTTP response, for example 429 and `Retry-After`.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "FORBIDDEN",
        status: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.code = code
        self.status = status
        self.headers = headers
        super().__init__(message)


class TransportError(RouterError):
    """A subgraph sent no usable response. `status` is its HTTP status, None if there was no HTTP response.

    `retry_after` is the subgraph's `Retry-After` in seconds, None without that header.
    """

    retry_after: int | None = None

    def __init__(self, subgraph: str, message: str, *, status: int | None = None, detail: str | None = None) -> None:
        super().__init__(message, detail=detail)
        self.subgraph = subgraph
        self.status = status


class SubgraphUnreachable(TransportError):
    """No connection, a broken connection, or an HTTP response with an error status and no GraphQL body."""

    code = "SUBREQUEST_HTTP_ERROR"


class SubgraphTimeout(TransportError):
    """The subgraph did not send a complete response in time."""

    code = "GATEWAY_TIMEOUT"


class SubgraphMalformedResponse(TransportError):
    """The response is not a GraphQL response: not JSON, not an object, neither `data` nor `errors`, or too large."""

    code = "SUBREQUEST_MALFORMED_RESPONSE"
