"""How errors of an operation are sent to clients: with a code, without values, and without unexpected messages.

The message of an unexpected exception may reveal something about the service. A value of the request may be a password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from graphql import GraphQLError, GraphQLSyntaxError

from servicekit import request_ids
from servicekit.errors import BadUserInput, InternalError, ServiceError
from servicekit.graphql_messages import without_values
from subgraphs.kit.operation_checks import VALIDATION_FAILED

if TYPE_CHECKING:
    from subgraphs.kit.request_limits import RequestLimits

# This message replaces messages of graphql-core, which may name fields and types that the client did not send.
NOT_VALID: Final = "The operation or its variables do not match the schema of this service"

_log = structlog.stdlib.get_logger("graphql")


def format_error(error: GraphQLError, limits: RequestLimits) -> dict[str, object]:
    """Return `error` as it is sent to the client.

    The message of an unexpected exception is replaced by a neutral message.
    """
    message, extensions = _public_parts(error, limits)
    formatted: dict[str, object] = {"message": message}
    if error.locations:
        formatted["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        formatted["path"] = error.path
    formatted["extensions"] = extensions
    return formatted


def _public_parts(error: GraphQLError, limits: RequestLimits) -> tuple[str, dict[str, object]]:
    cause = cause_of(error)
    if isinstance(cause, ServiceError):
        return cause.message, {"code": cause.code, **cause.details}
    if isinstance(cause, GraphQLSyntaxError):
        return without_values(cause.message), {"code": "GRAPHQL_PARSE_FAILED"}
    if isinstance(cause, GraphQLError):
        extensions = {"code": BadUserInput.code, **(cause.extensions or {})}
        is_about_schema = not cause.extensions or extensions["code"] == VALIDATION_FAILED
        if is_about_schema and not limits.introspection:
            return NOT_VALID, extensions
        # `cause` is what a type says about a value. `error` also says in which variable and where in it the value is.
        return without_values(error.message), extensions
    request = request_ids.current()
    _log.error("unexpected error in a resolver", path=error.path, exc_info=cause)
    return InternalError.default_message, {
        "code": InternalError.code,
        **({"requestId": request.request_id} if request else {}),
    }


def cause_of(error: GraphQLError) -> Exception:
    """Return the exception that a resolver raised. graphql-core wraps it in its own errors."""
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause
