from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from graphql import parse

from router.schema_check.operations_from_usage_store import UsageSource
from router.schema_check.policy.check_settings import CheckSettings, PlanCostLimits, UsageRules
from router.schema_check.step_findings import Level
from router.schema_check.steps.run_check import run_check
from router.usage.usage_data import MINUTE, Client, RecordedOperation, hash_of, operation_id
from router.usage.used_coordinates import used_coordinates
from tests.router.schema_check.steps.versions import compared, version
from tests.router.usage.recording import batch, opened

if TYPE_CHECKING:
    from pathlib import Path

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


def recorded(text: str) -> RecordedOperation:
    schema = version("base", **TOGETHER).schema
    return RecordedOperation(operation_id(text), "", "query", text, used_coordinates(schema, parse(text), frozenset()))


MOVED, KEPT = recorded("{ book { title author } }"), recorded("{ now }")


def with_usage(
    folder: Path, before: dict[str, str], after: dict[str, str], limits: PlanCostLimits, below: str = "0%"
) -> list[tuple[str, Level, str]]:
    """The findings if clients sent `MOVED` 10 times and `KEPT` 30 times."""
    store = str(folder / "usage.sqlite")

    async def write() -> None:
        async with opened(store) as usage:
            client = Client("web", "1")
            await usage.write(batch(int(time.time()) // MINUTE, (MOVED, client, 10), (KEPT, client, 30)), 100)

    asyncio.run(write())
    usage = UsageSource.of(UsageRules(store=store, below=below))
    given = replace(compared(version("base", **before), version("new", **after)), usage=usage)
    result = run_check(given, CheckSettings(plan_cost=limits))
    return [(each.code, each.level, each.message) for each in result.step_findings]


def test_requests_weigh_what_plans_cost(tmp_path: Path) -> None:
    first, second = with_usage(tmp_path, TOGETHER, APART, PlanCostLimits())
    assert first[0] == "PLAN_COST_GREW"
    assert first[2].startswith(f"(anonymous) (usage/{hash_of(MOVED.id)}, 10 requests: web 1: 10) takes 2 fetches")
    message = "A request takes 1.25 fetches on average; it took 1.00. Known are 40 requests of 2 operations."
    assert second == ("REQUEST_COST_GREW", Level.WARNING, message)


def test_requests_that_need_fewer_fetches_are_noted(tmp_path: Path) -> None:
    found = with_usage(tmp_path, APART, TOGETHER, PlanCostLimits())
    assert [each[:2] for each in found] == [("PLAN_COST_FELL", Level.INFO), ("REQUEST_COST_FELL", Level.INFO)]


@pytest.mark.parametrize(
    ("limits", "below", "failing"),
    [
        (PlanCostLimits(more_fetches_per_request=0.2), "0%", ["REQUEST_COST_GREW"]),
        (PlanCostLimits(more_fetches_per_request=0.3), "0%", []),
        (PlanCostLimits(more_fetches=0), "0%", ["PLAN_COST_GREW"]),
        (PlanCostLimits(more_fetches=0), "20%", ["PLAN_COST_GREW"]),
        (PlanCostLimits(more_fetches=0), "30%", []),
        (PlanCostLimits(more_fetches_per_request=0.2, most_operations=1), "0%", []),
    ],
)
def test_limits_for_requests(tmp_path: Path, limits: PlanCostLimits, below: str, failing: list[str]) -> None:
    found = with_usage(tmp_path, TOGETHER, APART, limits, below)
    assert [code for code, level, _ in found if level is Level.ERROR] == failing
