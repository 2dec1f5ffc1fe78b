"""A kept estimate is used only for variables that give the same estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from subgraphs.kit.kept_estimates import MAX_ESTIMATES, KeptEstimates

if TYPE_CHECKING:
    from collections.abc import Mapping

VALUES = st.sampled_from([0, 1, 1.0, True, False, None, "1", "", [1], [1, 2], {"a": 1}, 100])
VARIABLES = st.dictionaries(st.sampled_from(["skip", "first", "last", "other"]), VALUES)


def estimate(variables: Mapping[str, Any]) -> int:
    """Reads the variables as `operation_cost` does: which ones it reads depends on the values of others."""
    if "skip" in variables and variables["skip"] is True:
        return 1
    first = variables["first"] if "first" in variables else 20  # noqa: SIM401 - as `operation_cost`
    number = first if isinstance(first, int | float) and not isinstance(first, bool) else 7
    if number == 0:
        last = variables["last"] if "last" in variables else None  # noqa: SIM401 - as above
        return 1000 + (len(last) if isinstance(last, list) else 1)
    return int(number) * 2 + isinstance(first, float)


@given(st.lists(VARIABLES, max_size=3 * MAX_ESTIMATES))
def test_the_estimate_is_always_that_of_the_variables(requests: list[dict[str, Any]]) -> None:
    kept = KeptEstimates()
    for variables in requests:
        assert kept.get(variables, estimate) == estimate(variables)


def test_an_estimate_is_computed_once_for_the_same_values_of_the_variables_that_it_reads() -> None:
    kept, computed = KeptEstimates(), list[object]()

    def compute(variables: Mapping[str, Any]) -> int:
        computed.append(variables)
        return estimate(variables)

    for number in range(10):
        assert kept.get({"first": 5, "other": number}, compute) == 10
    assert kept.get({"first": 6}, compute) == 12
    assert kept.get({"first": 5}, compute) == 10
    assert len(computed) == 2


def test_only_a_few_estimates_are_kept() -> None:
    kept, computed = KeptEstimates(), list[object]()

    def compute(variables: Mapping[str, Any]) -> int:
        computed.append(None)
        return estimate(variables)

    for first in [*range(1, MAX_ESTIMATES + 2), 1]:
        kept.get({"first": first}, compute)
    assert len(computed) == MAX_ESTIMATES + 2


def test_a_list_is_not_kept() -> None:
    """Representations are large; only their number matters."""
    kept = KeptEstimates()
    for last in ([1], [1, 2]):
        assert kept.get({"first": 0, "last": last}, estimate) == 1000 + len(last)
