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
    │   ├── LimitExceeded                   MAX_*_LIMIT | COST_*
    │   ├── NestedTooDeeply                 MAX_DEPTH_LIMIT
    │   ├── ParsingFailed                   PARSING_ERROR
    │   ├── ValidationFailed                GRAPHQL_VALIDATION_FAILED
    │   ├── UnknownOperation                GRAPHQL_UNKNOWN_OPERATION_NAME
    │   ├── NotReadOnly                     METHOD_NOT_ALLOWED
    │   ├── SubscriptionsNotEnabled         SUBSCRIPTIONS_NOT_ENABLED
    │   ├── InvalidVariables                VALIDATION_INVALID_TYPE_VARIABLE
    │   ├── AccessRefused                   UNAUTHORIZED_FIELD_OR_TYPE
    │   ├── PlanningError                   QUERY_PLANNING_FAILED
    │   ├── RateLimited                     RATE_LIMITED | RATE_LIMITS_UNAVAILABLE
    │   └── Refused                         FORBIDDEN, or the code that a stage chooses
    └── TransportError                      one subgraph sent no usable response; the other fetches continue
        ├── SubgraphUnreachable             SUBREQUEST_HTTP_ERROR
        ├── SubgraphTimeout                 GATEWAY_TIMEOUT
        ├── SubgraphMalformedResponse       SUBREQUEST_MALFORMED_RESPONSE
        └── SubgraphCostExceeded            SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE

The subclasses of `RequestError` are listed in the order in which the steps of a request raise them. All classes of the
hierarchy are exceptions. `ResponseError` is not an exception, but the data of one error in the `errors` of a response.
Clients may see the `message` of an exception. The `detail` of an exception is only for logs, because it can contain
host names and system errors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from servicekit.graphql_messages import without_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLError

PathSegment = str | int
ResponsePath = tuple[PathSegment, ...]

DOWNSTREAM_SERVICE_ERROR = "DOWNSTREAM_SERVICE_ERROR"
"""The code that clients see if a subgraph's error has no code, or if its code is masked. Apollo uses the same code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseError:
    """One error of a response, before the error is masked and formatted (GraphQL specification, "Errors").

    Attributes:
        message: The message.
        code: The error code; the client gets it as `extensions.code`.
        path: The path in the client's response; None if unknown.
        origin: The subgraph that reported the error or sent no usable response; None if the router found the error.
        locations: Pairs of a line and a column. If `origin` is None, they are in the client's document; otherwise, they
            are in the document that was sent to the subgraph.
        extensions: The extensions without `code`.
        detail: Additional text that only the log contains.
    """

    message: str
    code: str | None = None
    path: ResponsePath | None = None
    origin: str | None = None
    locations: tuple[tuple[int, int], ...] = ()
    extensions: Mapping[str, object] = field(default_factory=dict)
    detail: str | None = None


class RouterError(Exception):
    """The base class of the router's exceptions. Only its subclasses are raised."""

    code: str = "INTERNAL_SERVER_ERROR"

    def __init__(self, message: str, *, detail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


SupergraphCode = Literal["INVALID_FEDERATION_SUPERGRAPH", "UNSUPPORTED_LINKED_FEATURE"]


class InvalidSupergraph(RouterError):
    """The text is not a valid supergraph, or the supergraph needs a feature that this router does not have."""

    def __init__(self, message: str, *, code: SupergraphCode = "INVALID_FEDERATION_SUPERGRAPH") -> None:
        super().__init__(message)
        self.code = code


class RequestError(RouterError):
    """The router refuses the whole request. `errors` are the errors in the response; there is at least one.

    `status` and `headers` are for the HTTP response. If `status` is None, the server chooses the status.
    """

    code = "BAD_REQUEST"
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def __init__(self, message: str, *, errors: Sequence[ResponseError] = (), detail: str | None = None) -> None:
        super().__init__(message, detail=detail)
        self.errors = tuple(errors) or (ResponseError(message=message, code=self.code, detail=detail),)

    @classmethod
    def of(cls, causes: Sequence[GraphQLError]) -> RequestError:
        """Create the exception from errors of graphql-core, without the values in their messages.

        The locations in the client's document are kept.
        """
        entries = [
            ResponseError(
                message=without_values(cause.message),
                code=cls.code,
                locations=tuple((location.line, location.column) for location in cause.locations or ()),
            )
            for cause in causes
        ]
        return cls(entries[0].message, errors=entries)


class PersistedQueryNotSupported(RequestError):
    """The request has only an id or a hash of a document, and no enabled policy looks up documents."""

    code = "PERSISTED_QUERY_NOT_SUPPORTED"


class PersistedQueryNotFound(RequestError):
    """The request has only a hash, and no store has a document with this hash."""

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
    """The document, or the document id, of the request is not on the list of persisted documents."""

    def __init__(self, message: str, *, code: Literal["QUERY_NOT_IN_SAFELIST", "PERSISTED_QUERY_NOT_IN_LIST"]) -> None:
        self.code = code
        super().__init__(message)


class LimitExceeded(RequestError):
    """The operation exceeds a configured limit. `code` names the limit, such as MAX_DEPTH_LIMIT."""

    def __init__(self, code: str, message: str, *, extensions: Mapping[str, object] | None = None) -> None:
        self.code = code
        super().__init__(message, errors=[ResponseError(message=message, code=code, extensions=extensions or {})])


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
    """The request does not choose an operation of its document.

    Either no operation has the request's `operationName`, or the request has no `operationName`, and the document
    does not have exactly one operation.
    """

    code = "GRAPHQL_UNKNOWN_OPERATION_NAME"


class NotReadOnly(RequestError):
    """With GET or HEAD, the client sent a mutation or a subscription (GraphQL over HTTP, "GET")."""

    code = "METHOD_NOT_ALLOWED"


class SubscriptionsNotEnabled(RequestError):
    """The operation is a subscription, and this router does not run subscriptions."""

    code = "SUBSCRIPTIONS_NOT_ENABLED"


class InvalidVariables(RequestError):
    """The value of a variable does not fit the variable's type (GraphQL specification, "Coercing Variable Values")."""

    code = "VALIDATION_INVALID_TYPE_VARIABLE"


class AccessRefused(RequestError):
    """The whole request is refused, because the client may not read some of its fields.

    `errors` has one entry for each of these fields, at least one. `challenge` is the value of `WWW-Authenticate`.
    """

    code = "UNAUTHORIZED_FIELD_OR_TYPE"

    def __init__(self, errors: Sequence[ResponseError], status: int, challenge: str) -> None:
        super().__init__(errors[0].message, errors=errors)
        self.status = status
        self.headers = (("www-authenticate", challenge),)


class PlanningError(RequestError):
    """No sequence of fetches can resolve a selection of the operation."""

    code = "QUERY_PLANNING_FAILED"


class RateLimited(RequestError):
    """The client has used up a limit, and may try again in `retry_after` seconds.

    `policy` describes the limit, in the form of the header `RateLimit-Policy`.
    """

    code = "RATE_LIMITED"

    def __init__(self, retry_after: int, policy: str) -> None:
        message, extensions = "Too many requests", {"retryAfter": retry_after, "policy": policy}
        super().__init__(message, errors=[ResponseError(message=message, code=self.code, extensions=extensions)])
        self.status = 429
        self.headers = (("retry-after", str(retry_after)),)

    @classmethod
    def undecided(cls, retry_after: int) -> RateLimited:
        """Return the error for a request whose limits cannot be checked, for example because a store is down."""
        refusal = cls(retry_after, "")
        message, code = "The limits of clients cannot be checked right now.", "RATE_LIMITS_UNAVAILABLE"
        refusal.message, refusal.code, refusal.status = message, code, 503
        refusal.errors = (ResponseError(message=message, code=code, extensions={"retryAfter": retry_after}),)
        return refusal


class Refused(RequestError):
    """A stage refuses the request. The client gets an error with `message`, and with `code` as `extensions.code`.

    `status` and `headers` are for the HTTP response, for example 429 and `Retry-After`.
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
    """A subgraph sent no usable response. `status` is the HTTP status of the response; None if there was no response.

    `retry_after` is the value of the response's header `Retry-After` in seconds; None if this header is missing.
    """

    retry_after: int | None = None
    was_sent: bool = True
    """False if the subgraph has certainly not received the request, for example because there was no connection."""

    def __init__(self, subgraph: str, message: str, *, status: int | None = None, detail: str | None = None) -> None:
        super().__init__(message, detail=detail)
        self.subgraph = subgraph
        self.status = status


class SubgraphUnreachable(TransportError):
    """There was no connection, the connection broke, or the response had an error status and no GraphQL body."""

    code = "SUBREQUEST_HTTP_ERROR"


class SubgraphTimeout(TransportError):
    """The subgraph did not send a complete response in time."""

    code = "GATEWAY_TIMEOUT"


class SubgraphMalformedResponse(TransportError):
    """The response is too large, is not a JSON object, or has neither `data` nor `errors`."""

    code = "SUBREQUEST_MALFORMED_RESPONSE"


class SubgraphCostExceeded(TransportError):
    """The fetch was not sent, because the cost of all fetches to this subgraph would exceed the subgraph's limit."""

    code = "SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE"
    was_sent = False
