"""The router's errors: one tree, each class with a stable `code`.

    RouterError
    ├── InvalidSupergraph                   INVALID_FEDERATION_SUPERGRAPH | UNSUPPORTED_LINKED_FEATURE
    ├── RequestError                        the whole request is refused; nothing is fetched
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
    │   └── Refused                         FORBIDDEN, or the code that a stage gives
    └── TransportError                      one subgraph sent no usable response; the other fetches go on
        ├── SubgraphUnreachable             SUBREQUEST_HTTP_ERROR
        ├── SubgraphTimeout                 GATEWAY_TIMEOUT
        └── SubgraphMalformedResponse       SUBREQUEST_MALFORMED_RESPONSE

Request errors stand in the order of the stages that raise them. An exception ends a stage; an error in a part of a
response is data: `ResponseError`. An exception's `message` may be shown to a client, `detail` is for logs alone (host
names, system errors).
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
"""The code of a subgraph's error that has no code of its own, or whose code is masked; other routers use it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseError:
    """One entry of a response's `errors`, before any masking (GraphQL specification, "Errors").

    `origin` is the name of the subgraph that reported the error or sent no usable response, None when the router itself
    found it. `path` is a path of the client's response, None when it is not known. `extensions` is what
    the origin sent, without `code`. `locations` refer to the client's document only when `origin` is None.
    """

    message: str
    code: str | None = None
    path: ResponsePath | None = None
    origin: str | None = None
    locations: tuple[tuple[int, int], ...] = ()
    extensions: Mapping[str, object] = field(default_factory=dict)
    detail: str | None = None


class RouterError(Exception):
    """Root of the tree; never raised itself."""

    code: str = "INTERNAL_SERVER_ERROR"

    def __init__(self, message: str, *, detail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


SupergraphCode = Literal["INVALID_FEDERATION_SUPERGRAPH", "UNSUPPORTED_LINKED_FEATURE"]


class InvalidSupergraph(RouterError):
    """The text is not a supergraph that this router can run."""

    def __init__(self, message: str, *, code: SupergraphCode = "INVALID_FEDERATION_SUPERGRAPH") -> None:
        super().__init__(message)
        self.code = code


class RequestError(RouterError):
    """The request as a whole is refused; `errors` are the entries of the response, never empty.

    `status` and `headers` are those of the HTTP response; None stands for the status of a refused request.
    """

    code = "BAD_REQUEST"
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def __init__(self, message: str, *, errors: Sequence[ResponseError] = (), detail: str | None = None) -> None:
        super().__init__(message, detail=detail)
        self.errors = tuple(errors) or (ResponseError(message=message, code=self.code, detail=detail),)

    @classmethod
    def of(cls, causes: Sequence[GraphQLError]) -> RequestError:
        """Carry graphql-core's findings, their places in the client's document included."""
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
    """The request names a document, and this router knows no documents by name. Clients then send the document."""

    code = "PERSISTED_QUERY_NOT_SUPPORTED"


class PersistedQueryNotFound(RequestError):
    """No store has a document with this hash."""

    code = "PERSISTED_QUERY_NOT_FOUND"


class PersistedQueryHashMismatch(RequestError):
    """The hash of the request is not the hash of its document."""

    code = "PERSISTED_QUERY_HASH_MISMATCH"


class DocumentIdRequired(RequestError):
    """The request has a document where only ids are accepted."""

    code = "PERSISTED_QUERY_ID_REQUIRED"


class DocumentIdAndBody(RequestError):
    """The request has an id and a document; it is not clear which of them counts."""

    code = "CANNOT_SEND_PQ_ID_AND_BODY"


class DocumentNotListed(RequestError):
    """The list of persisted documents does not have this document, or none with this id."""

    def __init__(self, message: str, *, code: Literal["QUERY_NOT_IN_SAFELIST", "PERSISTED_QUERY_NOT_IN_LIST"]) -> None:
        self.code = code
        super().__init__(message)


class LimitExceeded(RequestError):
    """The operation exceeds a limit of the operator; `code` is one of MAX_*_LIMIT."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class NestedTooDeeply(RequestError):
    """Preparing the document needs more of the interpreter's stack than there is."""

    code = "MAX_DEPTH_LIMIT"


class ParsingFailed(RequestError):
    """The document is not GraphQL."""

    code = "PARSING_ERROR"


class ValidationFailed(RequestError):
    """The document is not valid on the API schema."""

    code = "GRAPHQL_VALIDATION_FAILED"


class UnknownOperation(RequestError):
    """`operationName` names no operation of the document, or is missing where the document has several."""

    code = "GRAPHQL_UNKNOWN_OPERATION_NAME"


class NotReadOnly(RequestError):
    """A mutation came by a method that HTTP calls safe (GraphQL over HTTP, "GET")."""

    code = "METHOD_NOT_ALLOWED"


class SubscriptionsNotEnabled(RequestError):
    """The operation is a subscription, and this router does not run subscriptions."""

    code = "SUBSCRIPTIONS_NOT_ENABLED"


class InvalidVariables(RequestError):
    """A variable's value does not fit its type (GraphQL specification, "Coercing Variable Values")."""

    code = "VALIDATION_INVALID_TYPE_VARIABLE"


class PlanningError(RequestError):
    """No sequence of fetches can resolve a selection of the operation."""

    code = "QUERY_PLANNING_FAILED"


class Refused(RequestError):
    """A stage refuses the request: the client gets `message` and `extensions.code`.

    `status` and `headers` are those of the HTTP response, such as 429 and `Retry-After`.
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
    """A subgraph sent no usable response. `status` is its HTTP status, None when none was received.

    `retry_after` is the number of seconds in the subgraph's `Retry-After`, None without one.
    """

    retry_after: int | None = None

    def __init__(self, subgraph: str, message: str, *, status: int | None = None, detail: str | None = None) -> None:
        super().__init__(message, detail=detail)
        self.subgraph = subgraph
        self.status = status


class SubgraphUnreachable(TransportError):
    """No connection, a connection that broke, or an HTTP status that carries no GraphQL response."""

    code = "SUBREQUEST_HTTP_ERROR"


class SubgraphTimeout(TransportError):
    """No complete response within the subgraph's timeout."""

    code = "GATEWAY_TIMEOUT"


class SubgraphMalformedResponse(TransportError):
    """The response is not a GraphQL response: not JSON, not an object, neither `data` nor `errors`, or too large."""

    code = "SUBREQUEST_MALFORMED_RESPONSE"
