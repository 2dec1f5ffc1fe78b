"""What a row of the route table is made of. The table itself is `routes`.

A row says everything there is to say about one route: how it is matched, which operation answers it, how inputs
become variables, how the result becomes an answer, and which refusals may come. Dispatch, validation and the OpenAPI
document read the same row, so that they cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from urllib.parse import quote, urlencode

from rest_compat.errors import Faulted, Reason, RestError
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

    from rest_compat.body_schemas import Body, Field

Method = Literal["GET", "POST", "PUT", "DELETE"]

PARAMETER_MARK: Final = ":"


@dataclass(frozen=True, slots=True)
class Inputs:
    """A request's inputs, converted.

    Attributes:
        at: the path as it was requested, without the query string.
        idempotency_key: the client's or a fresh one on routes that move money, else None.
        expected_version: what an If-Match came to, else None.
    """

    at: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None
    expected_version: int | None = None

    @property
    def resource_id(self) -> str:
        """The path's one parameter."""
        (value,) = self.path.values()
        return value


@dataclass(frozen=True, slots=True)
class Answer:
    """Attributes: `document`, the body before it is written as JSON; None is no body at all."""

    status: int
    document: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Documented:
    """What the OpenAPI document says of a success: headers by the names of `openapi.HEADERS`."""

    description: str
    schema: JsonSchema | None = None
    example: Mapping[str, Any] | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """The answer to a null.

    Attributes:
        detail: the key in `details` under which the id of the path is repeated.
    """

    reason: Reason
    detail: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def error(self, inputs: Inputs, **details: str) -> RestError:
        named = {self.detail: inputs.resource_id} if self.detail else {}
        return Faulted(self.reason, details={**named, **details}, headers=self.headers)


class Outcome(Protocol):
    """How a result that is neither fault, Problem nor null becomes an answer.

    Attributes:
        headers: what the answer may carry, by the names of the OpenAPI document; `ETag` has it tagged.
    """

    @property
    def headers(self) -> tuple[str, ...]: ...

    def answer(self, result: Node, inputs: Inputs) -> Answer: ...

    @property
    def documented(self) -> Mapping[int, Documented]: ...


@dataclass(frozen=True, slots=True)
class One:
    """One document.

    Attributes:
        within: the field of the result that has it; None where the result is it.
        status: the status of the answer by the GraphQL object.
        statuses: each status that may come, with its description.
        location: a path with `{id}`, for things that were made.
        headers: names for the OpenAPI document.
    """

    representation: Representation
    statuses: Mapping[int, str]
    within: str | None = None
    status: Callable[[Node], int] | None = None
    location: str | None = None
    headers: tuple[str, ...] = ()

    def answer(self, result: Node, inputs: Inputs) -> Answer:  # noqa: ARG002 - the protocol's
        node = result if self.within is None else result[self.within]
        headers: dict[str, str] = {}
        if self.location:
            headers["location"] = self.location.format(id=quote(node["id"], safe=""))
        if result.get("replayed"):
            headers[REPLAYED_HEADER] = "true"
        status = self.status(node) if self.status else next(iter(self.statuses))
        return Answer(status, self.representation.of(node), headers)

    @property
    def documented(self) -> Mapping[int, Documented]:
        return {
            status: Documented(description, reference(self.representation), self.representation.example, self.headers)
            for status, description in self.statuses.items()
        }


@dataclass(frozen=True, slots=True)
class Page:
    """A page of documents, with a `Link` to the next one (RFC 8288)."""

    representation: Representation
    within: str | None = None
    headers: tuple[str, ...] = ("Link", "ETag")

    def answer(self, result: Node, inputs: Inputs) -> Answer:
        limit = inputs.query.get("limit", DEFAULT_LIMIT)
        document = page(self.representation, limit, result if self.within is None else result[self.within])
        cursor = document["pagination"]["nextCursor"]
        if cursor is None:
            return Answer(200, document)
        query = urlencode({**inputs.query, "limit": limit, "cursor": cursor}, doseq=True)
        return Answer(200, document, {"link": f'<{inputs.at}?{query}>; rel="next"'})

    @property
    def documented(self) -> Mapping[int, Documented]:
        example = page_example(self.representation)
        return {200: Documented("A page of the list.", page_schema(self.representation), example, self.headers)}


@dataclass(frozen=True, slots=True)
class Nothing:
    """204: done, and there is nothing to say."""

    description: str
    headers: tuple[str, ...] = ()

    def answer(self, result: Node, inputs: Inputs) -> Answer:  # noqa: ARG002 - the protocol's
        return Answer(204)

    @property
    def documented(self) -> Mapping[int, Documented]:
        return {204: Documented(self.description)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row.

    Attributes:
        path: segments, of which `:name` stands for an id.
        operation: the file in `operations/`.
        choose: the name of the operation in a file that has several.
        variables: the operation's, out of the inputs.
        missing: the answer to a null.
        refusals: codes of `translation.REFUSALS` that may come.
        forbidden: whether a 403 may come.
        version_from: the operation that reads the resource which If-Match speaks of; its result has `version`.
        moves_money: whether Idempotency-Key is honoured.
        closed_is_missing: a closed account is answered as missing, with the reason.
        no_store: False for what is personal but may be kept, if asked about again each time.
    """

    method: Method
    path: str
    tag: str
    summary: str
    operation: str
    outcome: Outcome
    variables: Callable[[Inputs], Mapping[str, object]] = lambda _inputs: {}
    choose: Callable[[Inputs], str] | None = None
    secured: bool = True
    query: tuple[Field, ...] = ()
    body: Body | None = None
    missing: Missing | None = None
    refusals: tuple[str, ...] = ()
    forbidden: bool = False
    version_from: str | None = None
    moves_money: bool = False
    closed_is_missing: bool = False
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
