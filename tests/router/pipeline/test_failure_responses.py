"""What a client is sent for an exception, and what the log keeps of it."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from router.errors import (
    NotReadOnly,
    PersistedQueryNotFound,
    PlanningError,
    Refused,
    RequestError,
    ResponseError,
    ValidationFailed,
)
from router.pipeline.failure_responses import describe, failed
from router.pipeline.stage_chain import StageChain
from router.request.request_and_response import GraphQLRequest, Outcome
from tests.router.pipeline.contexts import context_of


@pytest.mark.parametrize(
    ("failure", "outcome", "code"),
    [
        (ValidationFailed("x"), Outcome.REFUSED, "GRAPHQL_VALIDATION_FAILED"),
        (NotReadOnly("x"), Outcome.NOT_READ_ONLY, "METHOD_NOT_ALLOWED"),
        (PersistedQueryNotFound("x"), Outcome.UNKNOWN_DOCUMENT, "PERSISTED_QUERY_NOT_FOUND"),
        (Refused("x", code="MINE"), Outcome.REFUSED, "MINE"),
        (TimeoutError(), Outcome.TIMED_OUT, "GATEWAY_TIMEOUT"),
        (
            ExceptionGroup("tasks", [KeyError("k"), ExceptionGroup("inner", [Refused("x")])]),
            Outcome.REFUSED,
            "FORBIDDEN",
        ),
    ],
)
def test_each_exception_has_an_outcome_and_a_code(failure: Exception, outcome: Outcome, code: str) -> None:
    with capture_logs() as lines:
        described = describe(failure)
    assert (described.outcome, [error.code for error in described.errors]) == (outcome, [code])
    assert lines == []


def test_an_unexpected_exception_is_an_id_for_the_client_and_a_traceback_for_the_log() -> None:
    failure = ExceptionGroup("tasks", [KeyError("secret")])
    with capture_logs() as lines:
        described = describe(failure)
    (error,), (line,) = described.errors, lines
    assert (described.outcome, error.code) == (Outcome.FAILED, "INTERNAL_SERVER_ERROR")
    assert "secret" not in error.message
    assert line["error_id"] == error.extensions["errorId"]
    assert line["exc_info"] is failure


def test_a_failed_plan_is_described_in_the_log_alone() -> None:
    complex_one = ResponseError(message="too complex", code="MAX_DEPTH_LIMIT")
    hidden = ResponseError(message="no subgraph has X.y", code=PlanningError.code)
    with capture_logs() as lines:
        described = describe(PlanningError("no subgraph has X.y", errors=[complex_one, hidden], detail="d"))
    first, second = described.errors
    assert first is complex_one
    assert second.message == "The operation cannot be planned."
    assert (lines[0]["cause"], lines[0]["detail"]) == ("no subgraph has X.y", "d")
    assert second.extensions["errorId"] == lines[0]["error_id"]


def test_the_response_has_the_status_and_headers_of_the_refusal_and_is_recorded() -> None:
    context = context_of(GraphQLRequest())
    refusal = Refused("later", code="BUSY", status=503, headers=(("retry-after", "1"),))
    response = failed(StageChain([]), context, refusal)
    assert response.body == {"errors": [{"message": "later", "extensions": {"code": "BUSY"}}]}
    assert (response.status, response.headers) == (503, (("retry-after", "1"),))
    assert (context.record.errors, context.record.codes) == (1, ("BUSY",))


@pytest.mark.parametrize(("failure", "has_data"), [(PersistedQueryNotFound("x"), True), (RequestError("x"), False)])
def test_an_unknown_document_has_null_as_data(failure: Exception, *, has_data: bool) -> None:
    response = failed(StageChain([]), context_of(GraphQLRequest()), failure)
    assert ("data" in response.body) is has_data
