"""The cost of plans: 1000 for a fetch, 1 for a field, a hundred times as much at later stages."""

from __future__ import annotations

from router.planner.choose.plan_cost import PlanCost, fetch_cost


def test_a_fetch_costs_a_thousand_and_one_for_each_field() -> None:
    assert fetch_cost(0) == 1000
    assert fetch_cost(0, 5) + fetch_cost(0, 5) == 2010


def test_a_fetch_costs_a_hundred_times_the_fetches_before_it() -> None:
    assert fetch_cost(0, 5) + fetch_cost(1, 5) == 101_505
    assert fetch_cost(2, 5) == 201_000


def test_a_plan_improves_on_another_only_without_more_fetches_or_depth() -> None:
    plan = PlanCost(1010, 2, 2)
    assert PlanCost(1009, 2, 2).improves_on(plan)
    assert PlanCost(1009, 1, 1).improves_on(plan)
    assert not PlanCost(1010, 1, 1).improves_on(plan)
    assert not PlanCost(900, 3, 2).improves_on(plan)
    assert not PlanCost(900, 2, 3).improves_on(plan)
