"""Handles a request step by step, as the route's row in the table describes.

The steps have the order of bank §3.4: errors of the request itself (404, 405, 406, 415, 413, 400), then a missing
token (401), then a malformed id (the route's 404), then the result of the GraphQL operation.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bank.api_keys import authorization_of
from bank.identity import bearer_token
from rest_compat import error_translation, negotiation, responses, scalars
from rest_compat.body_schemas import InputField, read_query
from rest_compat.bulkheads import BulkheadLimits, Bulkheads
from rest_compat.client_disconnects import while_connected
from rest_compat.dpop import HEADER as PROOF_HEADER
from rest_compat.dpop import is_bound
from rest_compat.error_handling import log_missing_response, response_or_error
from rest_compat.errors import (
    Failed,
    FieldError,
    MalformedResponse,
    NotAcceptable,
    PreconditionFailed,
    RestError,
    RouterError,
    Unauthenticated,
    ValidationFailed,
)
from rest_compat.graphql_client import REQUEST_SECONDS, CallContext
from rest_compat.idempotency import RunningRequests, new_key
from rest_compat.request_body import read_json_body
from rest_compat.route import Inputs
from rest_compat.strict_json import read_object
from servicekit import entity_tags
from servicekit.errors import Unauthenticated as NoBearerToken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from rest_compat.dpop import ProofChecker, ProvedToken
    from rest_compat.graphql_client import GraphQLClient
    from rest_compat.operations import Operation
    from rest_compat.representations import Node
    from rest_compat.route import RestResponse, Route
    from rest_compat.route_matching import Resource, RouteMatcher
    from servicekit.asgi import Receive, Scope, Send

# A process restarts within seconds, so clients may try again after this time.
STOPPING_RETRY_AFTER_SECONDS: Final = 1

IDEMPOTENCY_KEY: Final = InputField(
    "Idempotency-Key",
    scalars.IDEMPOTENCY_KEY,
    "Makes the request safe to repeat: requests with the same key and body are carried out once.",
    required=False,
)
_CLOSED: Final = "CLOSED"
_CLOSED_REASON: Final = "Account has been closed"

_log = structlog.stdlib.get_logger("rest")


class RestHandler:
    """The ASGI application behind `/api`."""

    def __init__(
        self,
        matcher: RouteMatcher,
        operations: Mapping[str, Sequence[Operation]],
        client: GraphQLClient,
        proofs: ProofChecker,
        limits: BulkheadLimits,
    ) -> None:
        self._matcher = matcher
        self._operations = operations
        self._client = client
        self._proofs = proofs
        self._running = RunningRequests()
        self._bulkheads = Bulkheads(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await response_or_error(self._respond(request), partial(self._error, request))
        if response is None:
            return
        if request.method == "HEAD":
            # The response to HEAD has the same headers as the response to GET, including the length.
            response.body = b""
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        deadline = asyncio.get_running_loop().time() + REQUEST_SECONDS
        resource = self._matcher.resource(_raw_path(request))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": resource.allow, **responses.NO_STORE})
        route = resource.route(request.method)
        if not (negotiation.accepts_json(request.headers.get("accept")) or _wants_csv(request, route)):
            raise NotAcceptable
        try:
            inputs = await _read_inputs(request, route, resource)
        except ValidationFailed as error:
            raise await self._judged_too(route, error, CallContext(None, deadline)) from None
        authorization, proved = self._authorization(request, route)
        if route.missing and any(not _is_object_id(value) for value in inputs.path.values()):
            raise route.missing.error(inputs)
        carried_out = self._carry_out(request, route, inputs, CallContext(authorization, deadline, proved))
        # If the client closes its connection, only a read is cancelled. A request that changes something runs to its
        # end, because it must succeed or fail as a whole.
        node = await (while_connected(request.receive, carried_out) if route.method == "GET" else carried_out)
        response = _response(request, route, route.success.response(node, inputs))
        if proved is not None:
            response.headers.update(self._proofs.next_nonce())
        return response

    def _error(self, request: Request, error: RestError) -> Response:
        error.headers = self._proofs.challenged(error.headers, request.headers.get("authorization"))
        return _error(request, error)

    def _authorization(self, request: Request, route: Route) -> tuple[str | None, ProvedToken | None]:
        """Return the header to forward to the router, and the token in it with its proof, if it is bound to a key.

        The header has the bearer token or the bound token, or without one the API key in `X-API-Key`. On routes that
        start a session, it is None, because these routes ignore an old token.

        Raises:
            Unauthenticated: the header is missing, has no token, or the proof for a bound token is not valid.
        """
        if not route.secured:
            return None, None
        authorization = authorization_of(request.headers)
        if authorization is not None and is_bound(authorization):
            proofs = request.headers.getlist(PROOF_HEADER)
            proved = self._proofs.check(authorization, proofs, request.method, _raw_path(request))
            return proved.authorization, proved
        try:
            return f"Bearer {bearer_token(authorization or '')}", None
        except NoBearerToken:
            raise Unauthenticated from None

    async def _carry_out(self, request: Request, route: Route, inputs: Inputs, context: CallContext) -> Node:
        with self._claim(request, route, inputs, context.authorization):
            async with self._bulkheads.place(route.kind):
                inputs = await self._with_expected_version(request, route, inputs, context)
                return await self._execute(route, inputs, context)

    async def _judged_too(self, route: Route, refusal: ValidationFailed, context: CallContext) -> ValidationFailed:
        """Return `refusal` with the service's error about the field `route.judgement.field` added to its errors.

        Only the service can check this field. With the service's error, the response lists all invalid fields.
        `refusal` is returned unchanged if the field is valid, if the service does not respond, or if a limit prevents
        the check.
        """
        judgement = route.judgement
        if judgement is None or judgement.field not in refusal.valid:
            return refusal
        try:
            async with self._bulkheads.place(route.kind):
                result = await self._client.execute(
                    self._operations[route.operation][0], judgement.variables(refusal.valid), context
                )
        except RouterError as error:
            log_missing_response(error)
            return refusal
        except RestError:
            return refusal
        return refusal.extended(error_translation.field_errors(result.errors), judgement.field)

    def _claim(
        self, request: Request, route: Route, inputs: Inputs, authorization: str | None
    ) -> AbstractContextManager[None]:
        key = request.headers.get(IDEMPOTENCY_KEY.name)
        if key is None or not route.moves_money:
            return nullcontext()
        return self._running.claim((authorization or "", route.operation, key), inputs.body)

    async def _with_expected_version(
        self, request: Request, route: Route, inputs: Inputs, context: CallContext
    ) -> Inputs:
        """Return `inputs`. If the client sent If-Match, add the version that the resource must have.

        If-Match contains the entity tag of a body, but the service compares version numbers. So this method first reads
        the resource as for GET. If the body has the client's tag, the required version is the version that was read.

        Raises:
            PreconditionFailed: the client's tag is not the tag of the current body.
            RestError: the resource cannot be read. This error precedes `PreconditionFailed` (RFC 9110 §13.2.1).
        """
        if_match = _header(request, "if-match")
        if if_match is None or route.version_from is None:
            return inputs
        reader = self._matcher.of_operation(route.version_from)
        node = await self._execute(reader, inputs, context)
        document = reader.success.response(node, inputs).document or {}
        if not entity_tags.if_match(if_match, entity_tags.entity_tag(responses.encode(document))):
            raise PreconditionFailed
        # "*" requires that the account exists. The account may have any version.
        return inputs if if_match.strip() == entity_tags.ANY else replace(inputs, expected_version=node["version"])

    async def _execute(self, route: Route, inputs: Inputs, context: CallContext) -> Node:
        """Execute the route's operation. Return its result if it is an object and not a Problem.

        Raises:
            RestError: the result is an error, a Problem or null, or the router gave no GraphQL response.
        """
        try:
            result = await self._client.execute(self._operation(route, inputs), route.variables(inputs), context)
            if result.errors:
                raise error_translation.from_response_errors(result.errors, result.rate_headers)
            return _result_object(route, inputs, result.result)
        except RouterError as error:
            log_missing_response(error)
            raise error_translation.from_router_error(error) from error

    def _operation(self, route: Route, inputs: Inputs) -> Operation:
        operations = self._operations[route.operation]
        if route.choose is None:
            return operations[0]
        name = route.choose(inputs)
        return next(operation for operation in operations if operation.name == name)


def _result_object(route: Route, inputs: Inputs, node: object) -> Node:
    if node is None:
        raise route.missing.error(inputs) if route.missing else MalformedResponse("the result is null")
    if not isinstance(node, dict):
        raise MalformedResponse("the result is not an object")
    if "code" in node:
        if inputs.expected_version is not None and node.get("currentVersion") is not None:
            raise PreconditionFailed
        raise error_translation.from_problem(node)
    if route.missing and route.closed_is_missing and node["status"] == _CLOSED:
        raise route.missing.error(inputs, reason=_CLOSED_REASON)
    return node


async def _read_inputs(request: Request, route: Route, resource: Resource) -> Inputs:
    """Read and convert the inputs of a request.

    Raises:
        ValidationFailed: lists every invalid input of query, headers and body.
        UnsupportedMediaType: the body is not JSON.
        PayloadTooLarge: the body is too large.
    """
    content = None if route.body is None else await read_json_body(request)
    errors: list[FieldError] = []
    query = _collect_errors(errors, lambda: read_query(route.query, request.scope["query_string"]))
    key = _idempotency_key(request, errors) if route.moves_money else None
    body: Mapping[str, Any] = {}
    if route.body is not None and content is not None:
        schema, sent = route.body, content
        body = _collect_errors(errors, lambda: schema.read(read_object(sent)))
    if errors:
        raise ValidationFailed(errors, valid=body)
    return Inputs(_raw_path(request), resource.path_inputs(route), query, body, idempotency_key=key)


def _collect_errors(errors: list[FieldError], read: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the result of `read`, or only its valid part if there are errors."""
    try:
        return read()
    except ValidationFailed as error:
        errors.extend(error.fields)
        return error.valid


def _idempotency_key(request: Request, errors: list[FieldError]) -> str:
    sent = _header(request, IDEMPOTENCY_KEY.name)
    if sent is None:
        return new_key()
    return str(IDEMPOTENCY_KEY.read(sent, "header", errors))


def _response(request: Request, route: Route, response: RestResponse) -> Response:
    headers = {"cache-control": route.cache_control, **response.headers}
    if response.document is None:
        return responses.json_response(response.status, None, headers)
    body = responses.encode(response.document)
    if response.csv is not None and _wants_csv(request, route):
        body = response.csv
        headers |= {"content-type": negotiation.CSV}
    if "ETag" in route.success.headers:
        # A body that contains the time of the request is different each time. Its tag is weak, and is made of the rest
        # of the body.
        is_weak = bool(response.moments) and body is not response.csv
        lasting = {name: value for name, value in response.document.items() if name not in response.moments}
        tag = entity_tags.entity_tag(responses.encode(lasting) if is_weak else body)
        headers["etag"] = f"W/{tag}" if is_weak else tag
        known = _header(request, "if-none-match") if route.method == "GET" else None
        if known is not None and not entity_tags.if_none_match(known, tag):
            headers.pop("content-type", None)
            return responses.json_response(304, None, headers)
    return responses.json_response(response.status, body, headers)


def _wants_csv(request: Request, route: Route) -> bool:
    return route.offers_csv and negotiation.prefers_csv(request.headers.get("accept"))


async def refuse_while_stopping(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a request that arrives while the process stops. Nothing of the request is carried out."""
    await _refuse(error_translation.unavailable(STOPPING_RETRY_AFTER_SECONDS), scope, receive, send)


async def refuse_caller(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a request of a process that may not call this one (mutual TLS)."""
    await _refuse(Failed(error_translation.FORBIDDEN), scope, receive, send)


async def _refuse(error: RestError, scope: Scope, receive: Receive, send: Send) -> None:
    response = _error(Request(scope), error)
    if scope["method"] == "HEAD":
        response.body = b""
    await response(scope, receive, send)


def _error(request: Request, error: RestError) -> Response:
    return responses.error_response(error, as_problem=negotiation.wants_problem_json(request.headers.get("accept")))


def _header(request: Request, name: str) -> str | None:
    """Return the value of a header, which may be spread over several lines (RFC 9110 §5.3)."""
    lines = request.headers.getlist(name)
    return ", ".join(lines) if lines else None


def _raw_path(request: Request) -> str:
    """Return the path as the client sent it.

    If the server does not provide `raw_path`, return the decoded path. In the decoded path, an encoded slash (`%2F`)
    looks like any other slash.
    """
    raw: bytes | None = request.scope.get("raw_path")
    path: str = request.scope["path"]
    return path if raw is None else raw.decode("ascii", errors="replace").partition("?")[0]


def _is_object_id(value: str) -> bool:
    try:
        scalars.OBJECT_ID.parse(value)
    except scalars.InvalidInput:
        return False
    return True
