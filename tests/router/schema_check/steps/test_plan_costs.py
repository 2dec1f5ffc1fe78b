from __future__ import annotations

import pytest

from router.schema_check.policy.check_settings import CheckSettings, PlanCostLimits
from router.schema_check.step_findings import Level
from router.schema_check.steps.run_check import run_check
from tests.router.schema_check.steps.versions import compared, version

ONE = 'type Query { book: Book } type Book @key(fields: "id") { id: ID! title: String author: String }'
FIRST = 'type Query { book: Book } type Book @key(fields: "id") { id: ID! title: String }'
SECOND = 'type Book @key(fields: "id") { id: ID! author: String }'
TOGETHER = {"books": ONE, "people": "type Query { now: Int }"}
APART = {"books": FIRST, "people": f"type Query {{ now: Int }} {SECOND}"}


def findings(
    before: dict[str, str], after: dict[str, str], operation: str, limits: PlanCostLimits
) -> list[tuple[str, Level, str]]:
    given = compared(version("base", **before), version("new", **after), operation)
    result = run_check(given, CheckSettings(plan_cost=limits))
    return [(each.code, each.level, each.message) for each in result.step_findings]


@pytest.mark.parametrize(
    ("limits", "level"),
    [
        (PlanCostLimits(), Level.WARNING),
        (PlanCostLimits(more_fetches=0), Level.ERROR),
        (PlanCostLimits(more_fetches=1), Level.WARNING),
        (PlanCostLimits(more_fetches=1, more_depth=0), Level.ERROR),
    ],
)
def test_a_field_that_moves_to_another_subgraph_costs_a_fetch(limits: PlanCostLimits, level: Level) -> None:
    query = "{ book { title author } }"
    message = f"{query} (client.graphql:1) takes 2 fetches, at most 2 in a row; it took 1 fetch, at most 1 in a row."
    assert findings(TOGETHER, APART, query, limits) == [("PLAN_COST_GREW", level, message)]


def test_a_plan_that_costs_less_is_noted() -> None:
    ((code, level, _),) = findings(APART, TOGETHER, "{ book { title author } }", PlanCostLimits())
    assert (code, level) == ("PLAN_COST_FELL", Level.INFO)


@pytest.mark.parametrize("query", ["{ book { title } }", "{ now }", "{ book { unknown } }"])
def test_other_operations_are_left_alone(query: str) -> None:
    assert findings(TOGETHER, APART, query, PlanCostLimits(more_fetches=0)) == []


def test_an_operation_that_becomes_invalid_is_the_matter_of_another_step() -> None:
    assert findings(TOGETHER, {"books": ONE}, "{ now }", PlanCostLimits()) == []
