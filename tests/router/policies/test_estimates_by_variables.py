"""An estimate is computed once for equal values of the variables on which it depends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from router.policies.estimates_by_variables import MAX_ESTIMATES, EstimatesByVariables

if TYPE_CHECKING:
    from collections.abc import Mapping


class Counting:
    """An estimate that counts how often it is computed."""

    def __init__(self, *names: str) -> None:
        self.computed = 0
        self.estimates: EstimatesByVariables[list[object]] = EstimatesByVariables(names, self._estimate)

    def _estimate(self, variables: Mapping[str, object]) -> list[object]:
        self.computed += 1
        return [variables.get("n", "default")]

    def of(self, **variables: Any) -> object:
        (value,) = self.estimates.of(variables)
        return value


@pytest.mark.parametrize(
    ("first", "second", "computed"),
    [
        ({"n": 3}, {"n": 3}, 1),
        ({"n": 3}, {"n": 4}, 2),
        ({"n": 3, "other": "a"}, {"n": 3, "other": "b"}, 1),
        ({"n": 1}, {"n": True}, 2),
        ({"n": 0}, {"n": False}, 2),
        ({"n": None}, {}, 2),
        ({}, {"other": [1]}, 1),
        ({"n": "text"}, {"n": "text"}, 3),
        ({"n": {"first": 3}}, {"n": {"first": 3}}, 3),
        ({"n": 1.0}, {"n": 1}, 2),
    ],
)
def test_equal_numbers_have_one_estimate(first: dict[str, Any], second: dict[str, Any], computed: int) -> None:
    counting = Counting("n")
    for variables in (first, second, second):
        value = counting.of(**variables)
        expected = variables.get("n", "default")
        assert (value, type(value)) == (expected, type(expected))
    assert counting.computed == computed


def test_an_estimate_without_variables_is_computed_once() -> None:
    counting = Counting()
    for number in range(5):
        counting.of(other=number)
    assert counting.computed == 1


def test_the_number_of_estimates_is_bounded() -> None:
    counting = Counting("n")
    for number in (*range(MAX_ESTIMATES + 10), *range(MAX_ESTIMATES + 10)):
        assert counting.of(n=number) == number
    assert counting.computed == MAX_ESTIMATES + 20
