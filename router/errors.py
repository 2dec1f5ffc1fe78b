"""The router's errors: one tree, each class with a stable `code`.

    RouterError
    ├── InvalidSupergraph              INVALID_FEDERATION_SUPERGRAPH | UNSUPPORTED_LINKED_FEATURE
    ├── RequestError                   the client's request is refused before anything is fetched
    │   ├── ParsingFailed              PARSING_ERROR
    │   ├── ValidationFailed           GRAPHQL_VALIDATION_FAILED
    │   ├── UnknownOperation           GRAPHQL_UNKNOWN_OPERATION_NAME
    │   ├── InvalidVariables           VALIDATION_INVALID_TYPE_VARIABLE
    │   └── PlanningError              QUERY_PLANNING_FAILED
    └── TransportError                 one subgraph did not answer as it must; the others go on
        ├── SubgraphUnreachable        SUBREQUEST_HTTP_ERROR
        ├── SubgraphTimeout            GATEWAY_TIMEOUT
        └── SubgraphMalformedResponse  SUBREQUEST_MALFORMED_RESPONSE

Exceptions end a stage. What a *response* says went wrong in a part of it is data: `ResponseError`.

An exception's `message` may be shown to a client, `detail` is for logs alone (host names, system errors).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLError

PathSegment = str | int
ResponsePath = tuple[PathSegment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseError:
    """One entry of a response's `errors`, before any masking (GraphQL specification, "Errors").

    `origin` is the name of the subgraph that reported the error or failed to answer, None when the router itself
    found it. `path` is the place in the client's response, None when no place is known. `extensions` is what
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
    """The text is no supergraph this router can run."""

    def __init__(self, message: str, *, code: SupergraphCode = "INVALID_FEDERATION_SUPERGRAPH") -> None:
        super().__init__(message)
        self.code = code


class RequestError(RouterError):
    """The request as a whole is refused; `errors` are the entries of the response, never empty."""

    code = "BAD_REQUEST"

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


class ParsingFailed(RequestError):
    """The document is not GraphQL."""

    code = "PARSING_ERROR"


class ValidationFailed(RequestError):
    """The document is not valid on the API schema."""

    code = "GRAPHQL_VALIDATION_FAILED"


class UnknownOperation(RequestError):
    """`operationName` names no operation of the document, or is missing where several could be meant."""

    code = "GRAPHQL_UNKNOWN_OPERATION_NAME"


class InvalidVariables(RequestError):
    """A variable's value does not fit its type (GraphQL specification, "Coercing Variable Values")."""

    code = "VALIDATION_INVALID_TYPE_VARIABLE"


class PlanningError(RequestError):
    """No sequence of fetches can answer a selection of the operation."""

    code = "QUERY_PLANNING_FAILED"


class TransportError(RouterError):
    """A subgraph did not answer as it must. `status` is its HTTP status, None when none was received.

    `retry_after` is how many seconds it asked to be left alone, where it did.
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
    """No complete answer within the time the subgraph is given."""

    code = "GATEWAY_TIMEOUT"


class SubgraphMalformedResponse(TransportError):
    """An answer that is not a GraphQL response: not JSON, not an object, neither `data` nor `errors`, or too large."""

    code = "SUBREQUEST_MALFORMED_RESPONSE"
