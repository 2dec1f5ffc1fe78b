"""GraphQL over HTTP for a subgraph.

Strawberry's own router does not know `application/graphql-response+json` and shows messages of unexpected exceptions
to clients, so this module replaces it. Specification: https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import structlog
from fastapi import APIRouter, Request, Response
from graphql import GraphQLError, GraphQLSyntaxError, OperationDefinitionNode, parse
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType

from servicekit import request_ids
from servicekit.accept import parse_accept, parse_value
from servicekit.errors import InternalError, ServiceError
from subgraphs.kit.request_body import BodyTooLarge, read_body
from subgraphs.kit.schema import MAX_TOKENS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from strawberry.federation import Schema

    from subgraphs.kit.context import BaseContext

JSON: Final = "application/json"
GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
# A list of a thousand representations has about 100 KB.
MAX_BODY_BYTES: Final = 2_000_000

_log = structlog.stdlib.get_logger("graphql")


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


def graphql_router(schema: Schema, create_context: Callable[[Request], Awaitable[BaseContext]]) -> APIRouter:
    """Routes that execute operations of `schema`: `POST /graphql`, and `GET` for queries."""
    router = APIRouter()

    async def handle(request: Request) -> Response:
        media_type = JSON
        try:
            media_type = _negotiate(request.headers.get("accept"))
            call = await _read(request)
            result = await _execute(schema, call, await create_context(request), get=request.method == "GET")
        except _BadRequest as error:
            body = {"errors": [{"message": error.message, "extensions": {"code": "BAD_REQUEST"}}]}
            return _respond(error.status, media_type, body, error.headers)
        status = 400 if _failed_before_execution(result) and media_type == GRAPHQL_RESPONSE else 200
        return _respond(status, media_type, _body(result))

    router.add_api_route("/graphql", handle, methods=["GET", "POST"], include_in_schema=False)
    return router


def _negotiate(accept: str | None) -> str:
    """The media type of the response: `application/json`, as old clients expect, or the newer one if accepted."""
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
        return _call(_get_parameters(request))
    if parse_value(request.headers.get("content-type", "")).value != JSON:
        raise _BadRequest(f"send {JSON}", status=415)
    try:
        body = await read_body(request, MAX_BODY_BYTES)
        parameters = _from_json(body.decode("utf-8"))
    except BodyTooLarge:
        raise _BadRequest(f"at most {MAX_BODY_BYTES} bytes", status=413) from None
    except (ValueError, RecursionError):
        raise _BadRequest("the body is not JSON") from None
    if not isinstance(parameters, dict):
        raise _BadRequest("the body is not a JSON object")
    return _call(parameters)


def _from_json(text: str) -> Any:
    """The JSON value in `text`.

    Raises:
        ValueError: the text is not JSON, or escapes half a surrogate pair, which no store or response can hold.
        RecursionError: it is nested too deeply.
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


def _call(parameters: Mapping[str, Any]) -> _Call:
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
    return _Call(query, name, variables or {})


async def _execute(schema: Schema, call: _Call, context: BaseContext, *, get: bool) -> ExecutionResult:
    if call.operation_name is None and _has_several_operations(call.query):
        raise _BadRequest("`operationName` must name one of the document's operations")
    allowed = {OperationType.QUERY} if get else {OperationType.QUERY, OperationType.MUTATION}
    try:
        result = await schema.execute(
            call.query,
            variable_values=call.variables,
            operation_name=call.operation_name,
            context_value=context,
            allowed_operation_types=allowed,
        )
    except CannotGetOperationTypeError:
        raise _BadRequest("`operationName` must name one of the document's operations") from None
    except InvalidOperationTypeError:
        raise _BadRequest("only queries may be sent with GET", status=405, headers={"allow": "POST"}) from None
    return result


@lru_cache(maxsize=1024)
def _has_several_operations(query: str) -> bool:
    """Whether the document has several operations; Strawberry would run the first (GraphQL specification §6.1)."""
    try:
        document = parse(query, no_location=True, max_tokens=MAX_TOKENS)
    except GraphQLError:
        return False  # the execution reports the error with its location
    return sum(isinstance(definition, OperationDefinitionNode) for definition in document.definitions) > 1


def _failed_before_execution(result: ExecutionResult) -> bool:
    """Whether the request failed before execution: syntax, validation, variables (GraphQL specification §7.1.2)."""
    if isinstance(result, PreExecutionError):
        return True
    return result.data is None and all(error.path is None for error in result.errors or ())


def _body(result: ExecutionResult) -> dict[str, object]:
    fallback = "GRAPHQL_VALIDATION_FAILED" if isinstance(result, PreExecutionError) else "BAD_USER_INPUT"
    errors = [_format_error(error, fallback) for error in result.errors or ()]
    if _failed_before_execution(result):
        return {"errors": errors}
    return {"data": result.data, **({"errors": errors} if errors else {})}


def _format_error(error: GraphQLError, fallback_code: str) -> dict[str, object]:
    """`error` for clients; the message of an unexpected exception is replaced by a neutral one."""
    message, extensions = _public_parts(error, fallback_code)
    formatted: dict[str, object] = {"message": message}
    if error.locations:
        formatted["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        formatted["path"] = error.path
    formatted["extensions"] = extensions
    return formatted


def _public_parts(error: GraphQLError, fallback_code: str) -> tuple[str, dict[str, object]]:
    cause = _cause(error)
    if isinstance(cause, ServiceError):
        return cause.message, {"code": cause.code, **cause.details}
    if isinstance(cause, GraphQLSyntaxError):
        return cause.message, {"code": "GRAPHQL_PARSE_FAILED"}
    if isinstance(cause, GraphQLError):
        return cause.message, {"code": fallback_code, **(cause.extensions or {})}
    request = request_ids.current()
    _log.error("unexpected error in a resolver", path=error.path, exc_info=cause)
    return InternalError.default_message, {
        "code": InternalError.code,
        **({"requestId": request.request_id} if request else {}),
    }


def _cause(error: GraphQLError) -> Exception:
    """The exception that a resolver raised, without the errors that graphql-core wraps around it."""
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _respond(
    status: int, media_type: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        content=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        status_code=status,
        headers={"cache-control": "no-store", **(headers or {})},
        media_type=f"{media_type}; charset=utf-8",
    )
