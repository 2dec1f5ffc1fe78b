"""The type of a row in the route table; the table itself is in `routes`.

A row defines one route completely: path, operation, how inputs become variables, how the result becomes a response, and
which refusals are possible. Dispatch, validation and the OpenAPI document all use this row, so that they cannot
contradict each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from urllib.parse import quote, urlencode

from rest_compat.errors import Failed, Reason, RestError
from rest_compat.idempotency import REPLAYED_HEADER
from rest_compat.representations import (
    Node,
    Representation,
    page,
    page_example,
    page_schema,
    reference,
)
from rest_compat.scalars import DEFAULT_LIMIT, JsonSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rest_compat.body_schemas import BodySchema, InputField

Method = Literal["GET", "POST", "PUT", "DELETE"]
# The kinds of routes, by the service behind them. Each kind has its own limit of running requests (`bulkheads`).
RouteKind = Literal["sign-in", "session", "accounts", "transactions", "orders", "graphql"]

PARAMETER_MARK: Final = ":"


@dataclass(frozen=True, slots=True)
class Inputs:
    """The converted inputs of a request.

    Attributes:
        requested_path: the path as the client sent it, without the query string.
        idempotency_key: the key that the client sent, or a new one; None on routes that do not move money.
        expected_version: the version that If-Match requires, or None.
    """

    requested_path: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None
    expected_version: int | None = None

    @property
    def resource_id(self) -> str:
        """Return the only parameter of the path."""
        (value,) = self.path.values()
        return value


@dataclass(frozen=True, slots=True)
class RestResponse:
    """A response before it is encoded. If the document is None, the response has no body.

    Attributes:
        csv: the same content for clients that prefer `text/csv`; None if the route does not offer CSV.
        moments: the fields of the document whose value is the time of the request. They are not part of its entity tag.
    """

    status: int
    document: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    csv: bytes | None = None
    moments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentedResponse:
    """The description of a successful response in the OpenAPI document.

    Attributes:
        headers: the response's headers, as names in `openapi.HEADERS`.
        csv_example: an example as `text/csv`, if the route offers it.
    """

    description: str
    schema: JsonSchema | None = None
    example: Mapping[str, Any] | None = None
    headers: tuple[str, ...] = ()
    csv_example: str | None = None


@dataclass(frozen=True, slots=True)
class NullResult:
    """The error for a result that is null because its resource does not exist.

    Attributes:
        detail: the key under which the error's `details` contains the id from the path; None if it does not contain the
            id.
    """

    reason: Reason
    detail: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def error(self, inputs: Inputs, **details: str) -> RestError:
        named = {self.detail: inputs.resource_id} if self.detail else {}
        return Failed(self.reason, details={**named, **details}, headers=self.headers)


class Success(Protocol):
    """Describes how a successful result becomes a response.

    Attributes:
        headers: the names of the headers in `openapi.HEADERS` that the response may have. If `ETag` is one of these
            names, the response gets an entity tag.
    """

    @property
    def headers(self) -> tuple[str, ...]: ...

    def response(self, result: Node, inputs: Inputs) -> RestResponse: ...

    @property
    def documented(self) -> Mapping[int, DocumentedResponse]: ...


@dataclass(frozen=True, slots=True)
class OneDocument:
    """A response with one document.

    Attributes:
        statuses: each possible status, with its description.
        within: the field of the result that contains the GraphQL object; None if the result itself is the object.
        status: a function that returns the status for a GraphQL object. If None, the first of `statuses` is used.
        location: the path of a new resource, in which `{id}` stands for its id.
        headers: names in `openapi.HEADERS`.
    """

    representation: Representation
    statuses: Mapping[int, str]
    within: str | None = None
    status: Callable[[Node], int] | None = None
    location: str | None = None
    headers: tuple[str, ...] = ()

    def response(self, result: Node, inputs: Inputs) -> RestResponse:  # noqa: ARG002 - required by the protocol
        node = result if self.within is None else result[self.within]
        headers: dict[str, str] = {}
        if self.location:
            headers["location"] = self.location.format(id=quote(node["id"], safe=""))
        if result.get("replayed"):
            headers[REPLAYED_HEADER] = "true"
        status = self.status(node) if self.status else next(iter(self.statuses))
        return RestResponse(status, self.representation.document(node), headers)

    @property
    def documented(self) -> Mapping[int, DocumentedResponse]:
        return {
            status: DocumentedResponse(
                description, reference(self.representation), self.representation.example, self.headers
            )
            for status, description in self.statuses.items()
        }


def page_headers(inputs: Inputs, query: Mapping[str, Any], pagination: Mapping[str, Any]) -> dict[str, str]:
    """Return the header `Link` to the next page, if `pagination` has one. `query` has the other query parameters."""
    cursor = pagination["nextCursor"]
    if cursor is None:
        return {}
    further = urlencode({**query, "limit": pagination["limit"], "cursor": cursor}, doseq=True)
    return {"link": f'<{inputs.requested_path}?{further}>; rel="next"'}


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A response with a page of documents, and a `Link` to the next page (RFC 8288)."""

    representation: Representation
    within: str | None = None
    headers: tuple[str, ...] = ("Link", "ETag")

    def response(self, result: Node, inputs: Inputs) -> RestResponse:
        limit = inputs.query.get("limit", DEFAULT_LIMIT)
        document = page(self.representation, limit, result if self.within is None else result[self.within])
        return RestResponse(200, document, page_headers(inputs, inputs.query, document["pagination"]))

    @property
    def documented(self) -> Mapping[int, DocumentedResponse]:
        example = page_example(self.representation)
        return {200: DocumentedResponse("A page of the list.", page_schema(self.representation), example, self.headers)}


@dataclass(frozen=True, slots=True)
class NoContent:
    """A response without a body: 204."""

    description: str
    headers: tuple[str, ...] = ()

    def response(self, result: Node, inputs: Inputs) -> RestResponse:  # noqa: ARG002 - required by the protocol
        return RestResponse(204)

    @property
    def documented(self) -> Mapping[int, DocumentedResponse]:
        return {204: DocumentedResponse(self.description)}


@dataclass(frozen=True, slots=True)
class ServiceJudgement:
    """A field that only the service can check, such as a password that is too weak.

    The response must list all invalid fields. But if another field of the body is invalid, the request is refused
    before the service checks `field`. So the route's operation is executed with other variables, which the service
    always refuses. The service's errors about `field` are then added to the response.

    Attributes:
        field: the name of the field.
        variables: a function that makes these variables from the valid fields.
    """

    field: str
    variables: Callable[[Mapping[str, Any]], Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the route table.

    Attributes:
        path: the path, in which a segment `:name` stands for an id.
        kind: the group of routes that share a limit of running requests (`bulkheads`).
        operation: the file in `operations/`.
        choose: returns the name of the operation to run, if the file contains several.
        variables: makes the variables of the operation from the inputs.
        judgement: the field that only the service can check; see `ServiceJudgement`.
        missing: the error when the result is null.
        refusals: the codes in `error_translation.REFUSALS` that are possible.
        forbidden: whether a 403 is possible.
        version_from: the operation that reads the resource. The resource's entity tag is compared with If-Match.
        moves_money: whether the route accepts Idempotency-Key.
        closed_is_missing: whether a closed account is reported as missing. The error's `details` contain the reason.
        offers_csv: whether clients may ask for `text/csv`.
        no_store: False if a client may store the personal data in the response and revalidate it before each use.
    """

    method: Method
    path: str
    kind: RouteKind
    tag: str
    summary: str
    operation: str
    success: Success
    variables: Callable[[Inputs], Mapping[str, object]] = lambda _inputs: {}
    choose: Callable[[Inputs], str] | None = None
    secured: bool = True
    query: tuple[InputField, ...] = ()
    body: BodySchema | None = None
    judgement: ServiceJudgement | None = None
    missing: NullResult | None = None
    refusals: tuple[str, ...] = ()
    forbidden: bool = False
    version_from: str | None = None
    moves_money: bool = False
    closed_is_missing: bool = False
    offers_csv: bool = False
    no_store: bool = True

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(self.path.strip("/").split("/"))

    @property
    def path_parameters(self) -> tuple[str, ...]:
        return tuple(s.removeprefix(PARAMETER_MARK) for s in self.segments if s.startswith(PARAMETER_MARK))

    @property
    def cache_control(self) -> str:
        return "no-store" if self.no_store else "private, no-cache"
