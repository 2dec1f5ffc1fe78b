"""From a request to its answer, step by step, by the route's row.

The order of the steps is that of bank §3.4: what is wrong with the request itself (404, 405, 406, 415, 413,
400), then who asks (401), then an id that can name nothing (the route's 404), then what the bank says.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from rest_compat import etags, negotiation, responses, scalars, translation
from rest_compat.body_schemas import Field, read_query
from rest_compat.errors import (
    FieldError,
    MalformedAnswer,
    NotAcceptable,
    PayloadTooLarge,
    PreconditionFailed,
    RestError,
    RouterError,
    Unauthenticated,
    UnsupportedMediaType,
    ValidationFailed,
)
from rest_compat.idempotency import RunningRequests, fresh_key
from rest_compat.route import Inputs
from rest_compat.strict_json import read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from rest_compat.graphql_client import GraphQLClient
    from rest_compat.operations import Operation
    from rest_compat.representations import Node
    from rest_compat.route import Answer, Route
    from rest_compat.route_table import Resource, RouteTable
    from servicekit.asgi import Receive, Scope, Send

# The largest honest body, a payment with full metadata in escapes, is some 15 KB.
MAX_BODY_BYTES: Final = 65_536

IDEMPOTENCY_KEY: Final = Field(
    "Idempotency-Key",
    scalars.IDEMPOTENCY_KEY,
    "Makes the request safe to repeat: the same key with the same body is carried out once.",
    required=False,
)
_CLOSED: Final = "CLOSED"
_CLOSED_REASON: Final = "Account has been closed"

_log = structlog.stdlib.get_logger("rest")


class RestHandler:
    """The ASGI application behind `/api`."""

    def __init__(self, table: RouteTable, operations: Mapping[str, Sequence[Operation]], client: GraphQLClient) -> None:
        self._table = table
        self._operations = operations
        self._client = client
        self._running = RunningRequests()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except RestError as error:
            response = _error(request, error)
        except ClientDisconnect:
            return  # in the middle of its body: nothing was carried out, and nobody is there to be told
        except Exception:  # noqa: BLE001 - whatever it is, it is logged, and the client gets a plain 500
            _log.exception("unexpected error")
            response = _error(request, translation.internal())
        if request.method == "HEAD":
            # Its headers, the length among them, are those of GET.
            response.body = b""
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        resource = self._table.resource(_raw_path(request))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": resource.allow, **responses.NO_STORE})
        route = resource.route(request.method)
        if not negotiation.accepts_json(request.headers.get("accept")):
            raise NotAcceptable
        inputs = await _read(request, route, resource)
        authorization = _authorization(request, route)
        if route.missing and any(not _names_something(value) for value in inputs.path.values()):
            raise route.missing.error(inputs)
        with self._claim(request, route, inputs, authorization):
            inputs = await self._with_version(request, route, inputs, authorization)
            node = await self._ask(route, inputs, authorization)
        return _response(request, route, route.outcome.answer(node, inputs))

    def _claim(
        self, request: Request, route: Route, inputs: Inputs, authorization: str | None
    ) -> AbstractContextManager[None]:
        key = request.headers.get(IDEMPOTENCY_KEY.name)
        if key is None or not route.moves_money:
            return nullcontext()
        return self._running.claim((authorization or "", route.operation, key), inputs.body)

    async def _with_version(self, request: Request, route: Route, inputs: Inputs, authorization: str | None) -> Inputs:
        """`inputs` with the version that If-Match stands for.

        An entity tag is made of a body, the service compares versions: so the resource is read as GET would, and if
        the client has that very body, the change is tied to the version it was read at.

        Raises:
            PreconditionFailed: the client has another body.
            RestError: the resource cannot be read; the client learns that instead (RFC 9110, section 13.2.1).
        """
        if_match = _joined(request, "if-match")
        if if_match is None or route.version_from is None:
            return inputs
        reader = self._table.running(route.version_from)
        node = await self._ask(reader, inputs, authorization)
        document = reader.outcome.answer(node, inputs).document or {}
        if not etags.if_match(if_match, etags.entity_tag(responses.encode(document))):
            raise PreconditionFailed
        # "*" asks for no more than that there is an account.
        return inputs if if_match.strip() == etags.ANY else replace(inputs, expected_version=node["version"])

    async def _ask(self, route: Route, inputs: Inputs, authorization: str | None) -> Node:
        """What the bank says, if that is neither a fault nor a Problem nor null. Raises RestError."""
        try:
            result = await self._client.execute(self._operation(route, inputs), route.variables(inputs), authorization)
            if result.faults:
                raise translation.faulted(result.faults, result.rate_headers)
            return _judge(route, inputs, result.result)
        except RouterError as error:
            _log.warning("the router gave no answer", kind=type(error).__name__, reason=str(error), exc_info=True)
            raise translation.unanswered(error) from error

    def _operation(self, route: Route, inputs: Inputs) -> Operation:
        operations = self._operations[route.operation]
        if route.choose is None:
            return operations[0]
        name = route.choose(inputs)
        return next(operation for operation in operations if operation.name == name)


def _judge(route: Route, inputs: Inputs, node: object) -> Node:
    if node is None:
        raise route.missing.error(inputs) if route.missing else MalformedAnswer("null where a result was promised")
    if not isinstance(node, dict):
        raise MalformedAnswer("no object where one was promised")
    if "code" in node:
        if inputs.expected_version is not None and node.get("currentVersion") is not None:
            raise PreconditionFailed
        raise translation.refused(node)
    if route.missing and route.closed_is_missing and node["status"] == _CLOSED:
        raise route.missing.error(inputs, reason=_CLOSED_REASON)
    return node


async def _read(request: Request, route: Route, resource: Resource) -> Inputs:
    """The converted inputs.

    Raises:
        ValidationFailed: lists every bad one, wherever it lies.
        UnsupportedMediaType, PayloadTooLarge: the body cannot be read at all.
    """
    content = None if route.body is None else await _content(request)
    problems: list[FieldError] = []
    query = _gather(problems, lambda: read_query(route.query, request.scope["query_string"]))
    key = _idempotency_key(request, problems) if route.moves_money else None
    body: Mapping[str, Any] = {}
    if route.body is not None and content is not None:
        shape, sent = route.body, content
        body = _gather(problems, lambda: shape.read(read_object(sent)))
    if problems:
        raise ValidationFailed(problems)
    return Inputs(_raw_path(request), resource.path_inputs(route), query, body, idempotency_key=key)


def _gather(problems: list[FieldError], read: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    try:
        return read()
    except ValidationFailed as error:
        problems.extend(error.fields)
        return {}


def _idempotency_key(request: Request, problems: list[FieldError]) -> str:
    sent = _joined(request, IDEMPOTENCY_KEY.name)
    if sent is None:
        return fresh_key()
    return str(IDEMPOTENCY_KEY.read(sent, "header", problems))


async def _content(request: Request) -> bytes:
    content_type = request.headers.get("content-type")
    if content_type is not None and not negotiation.is_json(content_type, request.headers.get("content-encoding")):
        raise UnsupportedMediaType
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            raise PayloadTooLarge
    if not content:
        raise ValidationFailed([FieldError(("body",), "REQUIRED", "is required")])
    if content_type is None:
        raise UnsupportedMediaType
    return bytes(content)


def _authorization(request: Request, route: Route) -> str | None:
    """What to forward; nothing on routes that begin a session, where an old token must not matter."""
    if not route.secured:
        return None
    authorization = request.headers.get("authorization")
    if not authorization:
        raise Unauthenticated
    return authorization


def _response(request: Request, route: Route, answer: Answer) -> Response:
    headers = {"cache-control": route.cache_control, **answer.headers}
    if answer.document is None:
        return responses.json_response(answer.status, None, headers)
    body = responses.encode(answer.document)
    if "ETag" in route.outcome.headers:
        headers["etag"] = etags.entity_tag(body)
        known = _joined(request, "if-none-match") if route.method == "GET" else None
        if known is not None and not etags.if_none_match(known, headers["etag"]):
            return responses.json_response(304, None, headers)
    return responses.json_response(answer.status, body, headers)


def _error(request: Request, error: RestError) -> Response:
    return responses.error_response(error, as_problem=negotiation.wants_problem_json(request.headers.get("accept")))


def _joined(request: Request, name: str) -> str | None:
    """A header that may come in several lines (RFC 9110, section 5.3)."""
    lines = request.headers.getlist(name)
    return ", ".join(lines) if lines else None


def _raw_path(request: Request) -> str:
    """The path as the client sent it; servers that keep only the decoded one lose encoded slashes, not more."""
    raw: bytes | None = request.scope.get("raw_path")
    path: str = request.scope["path"]
    return path if raw is None else raw.decode("ascii", errors="replace").partition("?")[0]


def _names_something(value: str) -> bool:
    try:
        scalars.OBJECT_ID.parse(value)
    except scalars.InvalidInput:
        return False
    return True
