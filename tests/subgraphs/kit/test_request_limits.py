"""The limits of a request, and the errors that name them (`subgraphs/kit/limit_checks.py`)."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLError

from subgraphs.kit.limit_checks import check_size, check_variables, too_expensive
from subgraphs.kit.operation_size import OperationSize
from subgraphs.kit.request_limits import (
    MAX_SELECTIONS,
    MAX_VARIABLE_DEPTH,
    MAX_VARIABLE_VALUES,
    RequestLimits,
)

LIMITS = RequestLimits()


def test_the_defaults_are_those_of_a_bank() -> None:
    assert (LIMITS.objects, LIMITS.depth, LIMITS.aliases, LIMITS.seconds) == (2_000, 12, 30, 30.0)


def test_a_size_at_every_limit_is_allowed() -> None:
    check_size(OperationSize(LIMITS.depth, LIMITS.aliases, MAX_SELECTIONS), LIMITS)


@pytest.mark.parametrize(
    ("size", "code", "limit"),
    [
        (OperationSize(depth=13), "MAX_DEPTH_LIMIT", 12),
        (OperationSize(aliases=31), "MAX_ALIASES_LIMIT", 30),
        (OperationSize(selections=MAX_SELECTIONS + 1), "MAX_FIELDS_LIMIT", MAX_SELECTIONS),
    ],
)
def test_one_more_is_refused_with_the_name_of_the_limit(size: OperationSize, code: str, limit: int) -> None:
    with pytest.raises(GraphQLError) as caught:
        check_size(size, LIMITS)
    assert caught.value.extensions == {"code": code, "limit": limit}
    assert str(limit) in caught.value.message


def test_an_expensive_query_names_the_estimate_and_the_limit() -> None:
    assert too_expensive(10_201, 2_000).extensions == {
        "code": "QUERY_TOO_EXPENSIVE",
        "estimate": 10_201,
        "limit": 2_000,
    }


def nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("variables", [{}, {"a": None}, {"a": [1] * (MAX_VARIABLE_VALUES - 2)}, {"a": nested(40)}])
def test_usual_variables_pass(variables: dict[str, Any]) -> None:
    check_variables(variables)


@pytest.mark.parametrize(
    "variables",
    [
        {"a": [1] * 100_000},
        {"a": [[1] * 1_000 for _ in range(100)]},
        {str(number): number for number in range(100_000)},
        {"a": nested(MAX_VARIABLE_DEPTH)},
        {"a": nested(1_000)},
        {"a": {"b": nested(100_000)}},
    ],
    ids=["list", "lists", "names", "deep", "deeper", "deepest"],
)
def test_many_or_deep_values_are_refused(variables: dict[str, Any]) -> None:
    with pytest.raises(GraphQLError) as caught:
        check_variables(variables)
    assert caught.value.extensions == {"code": "BAD_USER_INPUT"}
