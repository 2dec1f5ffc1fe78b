"""The HTTP status of each outcome of a request."""

from __future__ import annotations

from typing import Any

import pytest

from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLResponse, Outcome
from router.server.choose_http_status import STATUS, Statuses
from router.server.media_types import MediaType

ERROR = {"message": "m", "extensions": {"code": "UNAUTHENTICATED"}}
OTHER = {"message": "m", "extensions": {"code": "OTHER"}}
BY_CODE = {"UNAUTHENTICATED": 401, "GATEWAY_TIMEOUT": 504}


def status(body: dict[str, Any], by_code: dict[str, int], outcome: Outcome = Outcome.EXECUTED) -> set[int]:
    """What both media types http_response."""
    response = GraphQLResponse(body=body, outcome=outcome, record=RequestRecord())
    return {Statuses(by_code).of(response, media_type) for media_type in MediaType}


def test_every_outcome_has_a_status_under_both_types() -> None:
    assert all(set(STATUS[media_type]) == set(Outcome) for media_type in MediaType)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"data": None, "errors": [ERROR]}, 401),
        ({"errors": [ERROR]}, 401),
        ({"data": {"me": None}, "errors": [ERROR]}, 401),
        ({"data": {"me": None}, "errors": [OTHER, ERROR]}, 401),
        ({"data": {"me": None, "other": 1}, "errors": [ERROR]}, 200),
        ({"data": {"me": None}, "errors": [OTHER]}, 200),
        ({"data": {"me": None}, "errors": [{"message": "m"}]}, 200),
        ({"data": {"me": None}}, 200),
    ],
)
def test_a_code_decides_where_there_is_no_data(body: dict[str, Any], expected: int) -> None:
    assert status(body, BY_CODE) == {expected}


def test_without_codes_the_outcome_decides() -> None:
    assert status({"errors": [ERROR]}, {}, Outcome.REFUSED) == {200, 400}
    assert status({"errors": [ERROR]}, {}, Outcome.FAILED) == {500}


def test_a_code_decides_over_the_outcome_too() -> None:
    assert status({"errors": [ERROR]}, BY_CODE, Outcome.REFUSED) == {401}
