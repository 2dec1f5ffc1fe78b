"""Makes the response to a request whose processing ended with an exception."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import structlog

from router.errors import NotReadOnly, PersistedQueryNotFound, PlanningError, RequestError, ResponseError
from router.pipeline.error_formatting import new_error_id
from router.request.request_and_response import GraphQLResponse, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.pipeline.request_context import RequestContext
    from router.pipeline.stage_chain import StageChain

_log = structlog.stdlib.get_logger("gateway")


class Failure(NamedTuple):
    """How the response reports a failed request. `status` and `headers` belong to the HTTP response."""

    outcome: Outcome
    errors: Sequence[ResponseError]
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


def failed(stages: StageChain, context: RequestContext, failure: Exception) -> GraphQLResponse:
    """Return the response to a request whose processing ended with the exception `failure`."""
    outcome, errors, status, headers = describe(failure)
    body: dict[str, object] = {"errors": stages.errors(context, errors)}
    if outcome is Outcome.UNKNOWN_DOCUMENT:
        body["data"] = None  # APQ clients expect `"data": null` in this response
    return GraphQLResponse(body=body, outcome=outcome, record=context.record, status=status, headers=headers)


def describe(failure: Exception) -> Failure:
    """Return the outcome and the errors for an exception. Log planning errors and unexpected exceptions."""
    cause = _refusal_within(failure) or failure
    match cause:
        case PlanningError():
            return Failure(Outcome.FAILED, _not_planned(cause))
        case RequestError():
            return Failure(_outcome(cause), cause.errors, cause.status, cause.headers)
        case TimeoutError():
            error = ResponseError(message="The request took too long and was stopped.", code="GATEWAY_TIMEOUT")
            return Failure(Outcome.TIMED_OUT, (error,))
        case _:
            return Failure(Outcome.FAILED, (_internal(cause),))


def _refusal_within(failure: Exception) -> Exception | None:
    """Return `failure` if it is a `RequestError`. If it is an exception group, return the first `RequestError` in it.

    Return None if there is no `RequestError`. Exception groups occur because fetches run in task groups.
    """
    if isinstance(failure, RequestError):
        return failure
    if isinstance(failure, ExceptionGroup):
        return next(filter(None, map(_refusal_within, failure.exceptions)), None)
    return None


def _outcome(refusal: RequestError) -> Outcome:
    match refusal:
        case NotReadOnly():
            return Outcome.NOT_READ_ONLY
        case PersistedQueryNotFound():
            return Outcome.UNKNOWN_DOCUMENT
        case _:
            return Outcome.REFUSED


def _not_planned(failure: PlanningError) -> Sequence[ResponseError]:
    """Log why planning failed, and return the errors for the client.

    If the code of an error is QUERY_PLANNING_FAILED, the client gets a fixed message, because the original message may
    name fields that clients cannot select.
    """
    error_id = new_error_id()
    _log.error("an operation could not be planned", error_id=error_id, cause=failure.message, detail=failure.detail)
    return tuple(
        replace(error, message="The operation cannot be planned.", extensions={"errorId": error_id})
        if error.code == PlanningError.code
        else error
        for error in failure.errors
    )


def _internal(failure: Exception) -> ResponseError:
    error_id = new_error_id()
    _log.error("a request failed", error_id=error_id, exc_info=failure)
    return ResponseError(
        message="Something went wrong on our side.",
        code="INTERNAL_SERVER_ERROR",
        extensions={"errorId": error_id},
    )
