"""Operations are estimated before anything is fetched, and measured afterwards.

Covers `router/policies/demand_control/schema_weights.py`, `router/policies/demand_control/priced_selections.py`,
`router/policies/demand_control/estimate.py`, `router/policies/demand_control/actual_cost.py` and
`router/policies/read_conditions_and_list_sizes.py` too.
"""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from router.gateway import Gateway
from router.policies.demand_control.demand_control_stage import DemandControl
from router.policies.estimates_by_variables import MAX_ESTIMATES
from router.request.request_and_response import GraphQLRequest, GraphQLResponse
from router.settings import InvalidSettings, read
from tests.router.policies.authorization.clinic import Clinic
from tests.router.policies.demand_control.library import SDL, Library

MEASURED = "demand_control: {mode: measure}\nlimits: {list_items: null}"


def gateway(settings: str = MEASURED, sdl: str = SDL) -> Gateway:
    return Gateway.from_supergraph(sdl, read(settings, {}), send=Library())


async def run(query: str, variables: dict[str, Any] | None = None, settings: str = MEASURED) -> GraphQLResponse:
    return await gateway(settings).execute(GraphQLRequest(query=query, variables=variables or {}))


COSTS: list[tuple[str, dict[str, Any], int, int]] = [
    ("{ title }", {}, 0, 0),
    ("{ __typename book { __typename } }", {}, 1, 1),
    ("{ report }", {}, 7, 7),
    ("{ book { id title } }", {}, 1, 1),
    ("{ book { author { name } } }", {}, 1 + 3, 1 + 3),
    ("{ book { author { name born } } }", {}, 1 + 3 + 2, 1 + 3 + 2),
    ("{ book { authors { name } } }", {}, 1 + 10 * 3, 1 + 3),
    ("{ books(first: 3) { id } }", {}, 3, 2),
    ("{ books(last: 6) { author { name } } }", {}, 6 * (1 + 3), 2 * (1 + 3)),
    ("{ books(first: 3, last: null) { id } }", {}, 3, 2),
    ("{ plain { id } }", {}, 10, 2),
    ("{ page { nodes { id } total } }", {}, 1 + 3, 1 + 2),
    ("{ page(first: 8) { a: nodes { id } b: nodes { id } } }", {}, 1 + 16, 1 + 4),
    ("{ page(first: 8) { ...p } } fragment p on Page { nodes { id } }", {}, 1 + 8, 1 + 2),
    ("{ search { id } }", {}, 5, 2),
    ("{ search(input: {paging: {first: 9}}) { id } }", {}, 2 + 9, 2 + 2),
    ("query($i: Search) { search(input: $i) { id } }", {"i": {"paging": {"first": 6}}}, 2 + 6, 2 + 2),
    ("query($n: Int) { search(input: {paging: {first: $n}}) { id } }", {"n": 6}, 2 + 6, 2 + 2),
    ('{ search(input: {word: "a", others: [{}, {word: "b"}]}) { id } }', {}, 1 + 5 + 1 + 1 + 5 + 5, 13 + 2),
    ('{ search(words: ["a", "b"]) { id } }', {}, 5 + 4, 2 + 4),
    ("query($w: [String!]) { search(words: $w) { id } }", {}, 5, 2),
    ("mutation { add(input: {}) { id } }", {}, 10 + 1 + 1, 10 + 1 + 1),
    ("{ thing { id ... on Book { author { name } } } }", {}, 1 + 3, 1 + 3),
    ("{ cover { ... on Author { name } } }", {}, 1, 0),
    ("{ book { reviews(first: 5) { text } } }", {}, 1 + 5, 1 + 3),
    ("query($n: Int = 7) { books(first: $n) { id } }", {}, 7, 2),
    ("query($s: Boolean!) { book @skip(if: $s) { id } report }", {"s": True}, 7, 7),
    ("query($s: Boolean!) { book @include(if: $s) { id } report }", {"s": True}, 8, 8),
    ("{ book { author { name } } ... { book { author { born } } } }", {}, 4 + 6, 6),
]


@pytest.mark.parametrize(("query", "variables", "estimated", "actual"), COSTS)
async def test_costs_follow_the_weights_and_sizes_of_the_schema(
    query: str, variables: dict[str, Any], estimated: int, actual: int
) -> None:
    response = await run(query, variables)
    assert "errors" not in response.body, response.body
    assert (response.record.cost_estimated, response.record.cost_actual) == (estimated, actual)


@pytest.mark.parametrize("arguments", ["", "(first: 1, last: 2)", "(first: null)"])
async def test_a_list_needs_exactly_one_slicing_argument_where_the_schema_says_so(arguments: str) -> None:
    query = f"{{ books{arguments} {{ id }} }}"
    response = await run(query, settings="demand_control: {mode: enforce, max_cost: 100}")
    errors: Any = response.body["errors"]
    assert errors[0]["extensions"] == {"code": "COST_QUERY_PARSE_FAILURE", "field": "books"}
    measured = await run(query)
    assert "errors" not in measured.body
    assert measured.record.cost_estimated is None


async def test_an_operation_above_the_limit_is_refused_or_only_reported() -> None:
    query = "{ plain { author { name } } }"
    assert "errors" not in (await run(query, settings="demand_control: {mode: enforce, max_cost: 40}")).body
    router = gateway("demand_control: {mode: enforce, max_cost: 39}")
    with capture_logs() as lines:
        response = await router.execute(GraphQLRequest(query=query))
    errors: Any = response.body["errors"]
    assert "data" not in response.body
    assert errors[0]["message"] == "The operation can cost 40, more than 39; most of it at 'plain.author'."
    assert errors[0]["extensions"] == {"code": "COST_ESTIMATED_TOO_EXPENSIVE", "estimate": 40, "limit": 39}
    assert [line["event"] for line in lines] == ["cost exceeded"]
    assert router.stages.status() == {"demand_control": {"refused": 1}}
    router = gateway("demand_control: {mode: measure, max_cost: 39}")
    with capture_logs() as lines:
        assert "errors" not in (await router.execute(GraphQLRequest(query=query))).body
    assert [(line["event"], line["refused"]) for line in lines] == [("cost exceeded", False)]
    assert router.stages.status() == {"demand_control": {"exceeding": 1}}


async def test_lists_without_a_size_have_that_of_the_settings() -> None:
    response = await run("{ plain { id } }", settings="demand_control: {mode: measure, list_size: 25}")
    assert response.record.cost_estimated == 25


async def test_responses_are_measured_unless_the_settings_say_no() -> None:
    response = await run("{ plain { id } }", settings="demand_control: {mode: measure, measure_responses: false}")
    assert (response.record.cost_estimated, response.record.cost_actual) == (10, None)


async def test_clients_see_costs_if_the_settings_say_so() -> None:
    request = GraphQLRequest(query="{ plain { id } }", headers={"cost": "include"})
    shown = await gateway("demand_control: {mode: measure, max_cost: 50, in_responses: true}").execute(request)
    assert shown.body["extensions"] == {"cost": {"estimated": 10, "actual": 2, "max": 50}}
    assert "extensions" not in (await gateway().execute(request)).body


async def test_enforcing_needs_a_limit() -> None:
    with pytest.raises(InvalidSettings, match="needs `max_cost`"):
        read("demand_control: {mode: enforce}", {})


async def test_estimates_are_remembered_for_equal_variables_only() -> None:
    router = gateway()
    query = "query($n: Int, $s: Boolean = true) { books(first: $n) @include(if: $s) { id } }"
    for n in (*range(1, MAX_ESTIMATES + 9), 5):
        response = await router.execute(GraphQLRequest(query=query, variables={"n": n}))
        assert response.record.cost_estimated == n
    response = await router.execute(GraphQLRequest(query=query, variables={"n": 5, "s": False}))
    assert response.record.cost_estimated == 0


async def test_costs_beyond_measure_are_bounded() -> None:
    query = "{ page(first: 2147483647) { nodes {" + "authors { name } " + "} } }"
    response = await run(query.replace("authors", "reviews(first: 2147483647) { text } a: authors"))
    assert response.record.cost_estimated == 10**15


async def test_refused_fields_cost_nothing() -> None:
    response = await Clinic(MEASURED).gateway.execute(GraphQLRequest(query="{ me { name record { text } } }"))
    assert response.record.cost_estimated == 1


async def test_a_reload_keeps_the_counters() -> None:
    old, new = gateway(), gateway()
    await old.execute(GraphQLRequest(query="{ title }"))
    new.inherit(old)
    assert new.stages.status() == {"demand_control": {"within": 1}}
    assert new.stages.find(DemandControl) is not old.stages.find(DemandControl)
