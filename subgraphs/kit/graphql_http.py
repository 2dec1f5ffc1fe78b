"""GraphQL over HTTP for a subgraph.

Strawberry's own router does not know `application/graphql-response+json` and shows messages of unexpected exceptions to
clients, so this module replaces it. `operation_checks` decides which operations are executed, and `bounded_execution`
limits their time. Specification: https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from fastapi import Request, Response
from graphql import ExecutionResult, GraphQLError, OperationType

from servicekit import request_deadline
from servicekit.accept import parse_accept, parse_value
from servicekit.asgi import CLIENT_CLOSED_REQUEST
from servicekit.client_address import TrustedProxies, parse_address
from servicekit.client_disconnects import ClientGone, run_within, until_disconnect
from servicekit.errors import TimedOut
from subgraphs.kit.bounded_execution import execute_counted
from subgraphs.kit.delegated_scopes import check_scopes
from subgraphs.kit.document_cache import ValidDocuments
from subgraphs.kit.graphql_errors import cause_of, format_error
from subgraphs.kit.operation_checks import (
    InvalidDocument,
    Operation,
    OperationNotFound,
    check_operation,
    read_operation,
)
from subgraphs.kit.request_body import BodyTooLarge, CodedBody, read_body
from subgraphs.kit.request_limits import MAX_BODY_BYTES, RequestLimits
from subgraphs.kit.service_routes import ServiceRoute

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from subgraphs.kit.context import BaseContext
    from subgraphs.kit.schema import SubgraphSchema

JSON: Final = "application/json"
GRAPHQL_RESPONSE: Final = "application/graphql-response+json"


class _BadRequest(Exception):
    """The HTTP request is not a GraphQL request."""

    def __init__(self, message: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class _Call:
    query: str
    operation_name: str | None
    variables: dict[str, Any]
    get: bool


@dataclass(frozen=True, slots=True)
class RequestPolicy:
    """The limits of requests, and the callers that may set a shorter time limit.

    Attributes:
        callers: the peers whose header `X-Request-Timeout-Ms` is used.
    """

    limits: RequestLimits
    callers: TrustedProxies


def graphql_route(
    schema: SubgraphSchema, create_context: Callable[[Request], Awaitable[BaseContext]], policy: RequestPolicy
) -> ServiceRoute:
    """Return the route that executes operations of `schema`: `POST /graphql`, and `GET /graphql` for queries."""
    documents = ValidDocuments()

    async def handle(request: Request) -> Response:
        media_type = JSON
        try:
            media_type = _negotiate(request.headers.get("accept"))
            call = await _read(request)
            work = _execute(schema, documents, call, partial(create_context, request), policy.limits)
            result = await run_within(work, until_disconnect(request.receive), _seconds(request, policy))
        except _BadRequest as error:
            body = {"errors": [{"message": error.message, "extensions": {"code": "BAD_REQUEST"}}]}
            return _respond(error.status, media_type, body, error.headers)
        except ClientGone:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except TimedOut as error:
            result = ExecutionResult(None, [GraphQLError(error.message, original_error=error)])
        return _respond(_status(result, media_type), media_type, _body(result, policy.limits))

    return ServiceRoute("/graphql", ("GET", "POST"), handle)


def _seconds(request: Request, policy: RequestPolicy) -> float:
    """Return how many seconds the request may take."""
    peer = parse_address(request.client.host) if request.client is not None else None
    header = request.headers.get(request_deadline.HEADER)
    is_trusted = peer is not None and peer in policy.callers
    return request_deadline.timeout_of(header if is_trusted else None, limit=policy.limits.seconds)


def _negotiate(accept: str | None) -> str:
    """Return the media type of the response: `application/json`, or the GraphQL media type if the client accepts it."""
    if not accept:
        return JSON
    offered = [each.value for each in parse_accept(accept)]
    if GRAPHQL_RESPONSE in offered:
        return GRAPHQL_RESPONSE
    if any(kind in offered for kind in (JSON, "application/*", "*/*")):
        return JSON
    raise _BadRequest(f"accept {GRAPHQL_RESPONSE} or {JSON}", status=406)


async def _read(request: Request) -> _Call:
    if request.method == "GET":
        return _call(_get_parameters(request), get=True)
    if parse_value(request.headers.get("content-type", "")).value != JSON:
        raise _BadRequest(f"send {JSON}", status=415)
    try:
        body = await read_body(request, MAX_BODY_BYTES)
        parameters = _from_json(body.decode("utf-8"))
    except CodedBody:
        raise _BadRequest("send the body without a content coding", 415, {"accept-encoding": "identity"}) from None
    except BodyTooLarge:
        raise _BadRequest(f"at most {MAX_BODY_BYTES} bytes", status=413) from None
    except (ValueError, RecursionError):
        raise _BadRequest("the body is not JSON") from None
    if not isinstance(parameters, dict):
        raise _BadRequest("the body is not a JSON object")
    return _call(parameters, get=False)


def _from_json(text: str) -> Any:
    """Parse JSON, and return its value.

    Raises:
        ValueError: the text is not JSON, or contains an escape for half a surrogate pair, which no store or response
            can contain.
        RecursionError: the text is nested too deeply.
    """
    value = json.loads(text)
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _get_parameters(request: Request) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        name: value for name in ("query", "operationName") if (value := request.query_params.get(name))
    }
    for name in ("variables", "extensions"):
        text = request.query_params.get(name)
        if text:
            try:
                parameters[name] = _from_json(text)
            except (ValueError, RecursionError):
                raise _BadRequest(f"`{name}` is not JSON") from None
    return parameters


def _call(parameters: Mapping[str, Any], *, get: bool) -> _Call:
    query, name = parameters.get("query"), parameters.get("operationName")
    variables, extensions = parameters.get("variables"), parameters.get("extensions")
    if not isinstance(query, str) or not query:
        raise _BadRequest("`query` must be a string")
    if name is not None and not isinstance(name, str):
        raise _BadRequest("`operationName` must be a string")
    if variables is not None and not isinstance(variables, dict):
        raise _BadRequest("`variables` must be an object")
    if extensions is not None and not isinstance(extensions, dict):
        raise _BadRequest("`extensions` must be an object")
    return _Call(query, name, variables or {}, get=get)


async def _execute(
    schema: SubgraphSchema,
    documents: ValidDocuments,
    call: _Call,
    create_context: Callable[[], Awaitable[BaseContext]],
    limits: RequestLimits,
) -> ExecutionResult:
    """Execute the request and return the result.

    If it fails before the execution, `data` is None and the errors have no path.
    """
    try:
        operation = _read_operation(call, documents)
        check_operation(schema.graphql, operation, call.variables, limits)
        documents.add(call.query, operation.document)
        context = await create_context()
        check_scopes(schema, operation, context.caller_if_any)
        return await execute_counted(schema.graphql, operation, call.variables, context, limits.objects)
    except InvalidDocument as refused:
        return ExecutionResult(None, refused.errors)
    except GraphQLError as error:
        return ExecutionResult(None, [error])


def _read_operation(call: _Call, documents: ValidDocuments) -> Operation:
    try:
        operation = read_operation(call.query, call.operation_name, documents)
    except OperationNotFound:
        raise _BadRequest("`operationName` must name one of the document's operations") from None
    if call.get and operation.kind is not OperationType.QUERY:
        raise _BadRequest("only queries may be sent with GET", status=405, headers={"allow": "POST"})
    if operation.kind is OperationType.SUBSCRIPTION:
        raise _BadRequest("send subscriptions over a WebSocket with graphql-transport-ws")
    return operation


def _status(result: ExecutionResult, media_type: str) -> int:
    """Return the HTTP status. For `application/json`, it is 200 even if there are GraphQL errors."""
    if not _failed_before_execution(result) or media_type == JSON:
        return 200
    causes = [cause_of(error) for error in result.errors or ()]
    return TimedOut.status if any(isinstance(cause, TimedOut) for cause in causes) else 400


def _failed_before_execution(result: ExecutionResult) -> bool:
    """Whether the request failed before its execution (GraphQL specification §7.1.2), or was stopped at a limit."""
    return result.data is None and all(error.path is None for error in result.errors or ())


def _body(result: ExecutionResult, limits: RequestLimits) -> dict[str, object]:
    errors = [format_error(error, limits) for error in result.errors or ()]
    if _failed_before_execution(result):
        return {"errors": errors}
    return {"data": result.data, **({"errors": errors} if errors else {})}


def _respond(
    status: int, media_type: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        content=msgspec.json.encode(body),
        status_code=status,
        headers={"cache-control": "no-store", **(headers or {})},
        media_type=f"{media_type}; charset=utf-8",
    )
