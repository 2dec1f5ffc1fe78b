"""Our plans have no more fetches and no greater depth than Apollo's; `make fuzz-plans` compares many more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from router.planner import PlanOptions, plan
from tests.peers.apollo_plan import UnknownPlanNode, read_plan
from tests.peers.fuzz_plans import FLOOR, TIMEOUT_SECONDS, FederationSample, run
from tests.peers.plan_difference import (
    PlanComparison,
    PlanMeasure,
    compare_plans,
    is_apollos_plan_right,
    is_comparable,
    measure,
    measure_json,
)
from tests.router.oracle.cases import ROOT, Case
from tests.router.oracle.comparison import ComposedFederation, composed
from tests.router.oracle.monolith import MAX_FIELDS
from tests.router.oracle.operation_generator import Operation
from tests.router.oracle.subgraph_rules import FederationRules
from tests.router.planner import test_conflicting_requirements

if TYPE_CHECKING:
    from tests.peers.peers import Peers
    from tests.router.oracle.data_store import Data

FIRST = 500_000
SHARDS = 2
COUNT = 30

SUBGRAPHS = {
    "shop": """
      type Query { top: [Product] }
      type Mutation { a: Product b: Product }
      type Product @key(fields: "id") { id: ID! name: String }
    """,
    "stock": 'type Product @key(fields: "id") { id: ID! inStock: Boolean }',
    "price": 'type Product @key(fields: "id") { id: ID! price: Int }',
}
FIELD_OF_ONE_TYPE = Case(ROOT / "execution" / "interface-object-with-a-field-of-one-type")
NON_NULL_BELOW_ONE_TYPE = Case(ROOT / "execution" / "non-null-field-below-one-of-two-types")
REQUIREMENT_BELOW_ONE_TYPE = Case(ROOT / "execution" / "requirement-below-one-of-two-types")
LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key"])'
QUERY = "query ($x: Boolean!) { top { name price inStock @include(if: $x) } }"

CONTEXT_LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.8",'
    ' import: ["@key", "@external", "@context", "@fromContext"])'
)
# `currency` is a field of the subgraph that reads it, or of the other one.
CONTEXTS = {
    "shops": """
      type Query { shop: Shop }
      type Mutation { open: Shop }
      type Shop @key(fields: "id") @context(name: "shop") { id: ID! currency: String%s item: Item }
      type Item @key(fields: "id") { id: ID! price(in: String @fromContext(field: "$shop { currency }")): Int }
    """,
    "banks": """
      type Query { bank: Shop }
      type Mutation { choose: Shop }
      type Shop @key(fields: "id") { id: ID!%s }
    """,
}


@pytest.mark.parametrize("shard", range(SHARDS))
def test_plans_of_generated_operations_are_no_worse_than_apollos(peers: Peers, shard: int) -> None:
    tally = run(peers, FIRST + shard * COUNT, COUNT)
    worse = {seed: [str(one) for one in comparisons] for seed, comparisons in tally.worse.items()}
    assert tally.share_not_worse >= FLOOR, worse
    assert tally.compared > COUNT, tally
    assert len(tally.explained) < tally.compared / 5, tally


def test_apollos_plan_is_measured_and_read(peers: Peers) -> None:
    supergraph = composed({name: LINK + sdl for name, sdl in SUBGRAPHS.items()})
    (theirs,) = peers.plans(supergraph.sdl, [QUERY], "apollo")
    assert theirs.plan is not None
    assert (
        measure_json(theirs.plan)
        == PlanMeasure(3, 2)
        == measure(plan(supergraph, QUERY, options=PlanOptions(batch_entity_fetches=False)))
    )
    read = read_plan(theirs.plan)
    assert measure(read) == PlanMeasure(3, 2)
    assert {fetch.service_name for fetch in read.fetches()} == set(SUBGRAPHS)
    assert "Include(if: $x)" in read.to_text()


def test_apollos_plan_for_conflicting_requirements_is_the_recorded_wrong_one(peers: Peers) -> None:
    supergraph = composed(test_conflicting_requirements.SUBGRAPHS)
    (theirs,) = peers.plans(supergraph.sdl, [test_conflicting_requirements.QUERY], "apollo")
    assert theirs.plan is not None
    assert read_plan(theirs.plan) == read_plan(test_conflicting_requirements.APOLLOS)


@pytest.mark.parametrize(
    ("owners", "operation"),
    [
        (("", ""), "mutation { open"),
        (("", ""), "{ shop"),
        ((" @external", " currency: String"), "mutation { choose"),
        ((" @external", " currency: String"), "{ bank"),
    ],
)
def test_a_mutation_with_a_contextual_argument_takes_two_fetches_as_apollos(
    peers: Peers, owners: tuple[str, str], operation: str
) -> None:
    """The first fetch brings the value, the second the field with the argument, wherever the value comes from."""
    ours, theirs = contextual_plans(peers, owners, f"{operation} {{ item {{ price }} }} }}")
    assert ours == theirs == PlanMeasure(2, 2)


def contextual_plans(peers: Peers, owners: tuple[str, str], query: str) -> tuple[PlanMeasure, PlanMeasure]:
    """The measures of our plan and of Apollo's. `owners` completes the SDL of the subgraphs."""
    sdl = {name: CONTEXT_LINK + text % each for (name, text), each in zip(CONTEXTS.items(), owners, strict=True)}
    supergraph = composed(sdl)
    (theirs,) = peers.plans(supergraph.sdl, [query], "apollo")
    assert theirs.plan is not None
    ours = measure(plan(supergraph, query, options=PlanOptions(batch_entity_fetches=False)))
    return ours, measure_json(theirs.plan)


def plan_for_interface_object(*, together: bool) -> dict[str, Any]:
    """A plan in Apollo's format for `titles` of `FIELD_OF_ONE_TYPE`: one fetch from `reviews`, or one for each type."""
    key = [{"kind": "Field", "name": "__typename"}, {"kind": "Field", "name": "id"}]

    def fetch(types: list[str], selections: str) -> dict[str, Any]:
        entities = f"{{_entities(representations:$representations){{...on Media{{{selections}}}}}}}"
        return {
            "kind": "Flatten",
            "path": ["titles", "@"],
            "node": {
                "kind": "Fetch",
                "serviceName": "reviews",
                "requires": [{"kind": "InlineFragment", "typeCondition": name, "selections": key} for name in types],
                "variableUsages": [],
                "operation": f"query($representations:[_Any!]!){entities}",
                "operationKind": "query",
                "inputRewrites": [
                    {"kind": "ValueSetter", "path": [f"... on {name}", "__typename"], "setValueTo": "Media"}
                    for name in types
                ],
            },
        }

    titles = {
        "kind": "Fetch",
        "serviceName": "library",
        "variableUsages": [],
        "operation": "{titles{__typename ...on Book{id}...on Film{id}}}",
        "operationKind": "query",
    }
    apart = {"kind": "Parallel", "nodes": [fetch(["Book"], "stars"), fetch(["Film"], "stars rating")]}
    after = fetch(["Book", "Film"], "stars rating") if together else apart
    return {"kind": "QueryPlan", "node": {"kind": "Sequence", "nodes": [titles, after]}}


@pytest.mark.parametrize(
    ("together", "fails", "right"), [(True, True, False), (False, True, True), (True, False, True)]
)
def test_a_plan_that_selects_a_non_null_field_for_further_types_is_wrong(
    *, together: bool, fails: bool, right: bool
) -> None:
    """The rating of a book, which the client does not select, fails; null propagates to the `stars` of the book."""
    supergraph, rules = FIELD_OF_ONE_TYPE.supergraph(), FederationRules.of(FIELD_OF_ONE_TYPE.subgraphs)
    data: Data = json.loads((FIELD_OF_ONE_TYPE.folder / "data.json").read_text())
    data["Book:1"]["rating"] = "!broken" if fails else "PG"
    operation = Operation("{ titles { ... on Book { stars } ... on Film { stars rating } } }", {})
    theirs = plan_for_interface_object(together=together)
    measured = measure_json(theirs)
    comparison = PlanComparison(operation, measured, measured, theirs)
    federation = ComposedFederation(supergraph.api_schema, rules, supergraph, data)
    assert is_apollos_plan_right(federation, [data], comparison) is right


def test_data_with_a_too_large_response_says_nothing_about_a_plan() -> None:
    supergraph, rules = FIELD_OF_ONE_TYPE.supergraph(), FederationRules.of(FIELD_OF_ONE_TYPE.subgraphs)
    data: Data = json.loads((FIELD_OF_ONE_TYPE.folder / "data.json").read_text())
    too_large: Data = data | {"Query": data["Query"] | {"titles": ["@Book:1"] * MAX_FIELDS}}
    theirs = plan_for_interface_object(together=True)
    measured = measure_json(theirs)
    operation = Operation("{ titles { ... on Book { stars } ... on Film { stars rating } } }", {})
    comparison = PlanComparison(operation, measured, measured, theirs)
    federation = ComposedFederation(supergraph.api_schema, rules, supergraph, data)
    assert is_apollos_plan_right(federation, [too_large], comparison)
    assert not is_apollos_plan_right(federation, [too_large, data], comparison)


@pytest.mark.parametrize("case", [NON_NULL_BELOW_ONE_TYPE, REQUIREMENT_BELOW_ONE_TYPE], ids=lambda case: case.name)
def test_apollos_plan_is_wrong_that_selects_a_field_below_objects_of_further_types(peers: Peers, case: Case) -> None:
    """Below another type, the field fails, or its required field is missing: the name of the person is lost."""
    supergraph = case.supergraph()
    data: Data = json.loads((case.folder / "data.json").read_text())
    federation = ComposedFederation(supergraph.api_schema, FederationRules.of(case.subgraphs), supergraph, data)
    (comparison,) = compare_plans(peers, supergraph, [case.operation], TIMEOUT_SECONDS)
    assert comparison.is_worse
    assert not is_apollos_plan_right(federation, [data], comparison)


def test_apollos_plan_is_wrong_that_resolves_a_field_with_wrong_required_values(peers: Peers) -> None:
    """Below a book, `age` is resolved without the `born` that it requires. The client selects it below films only."""
    sdl = {name: text.replace("born: Int!", "born: Int") for name, text in REQUIREMENT_BELOW_ONE_TYPE.subgraphs.items()}
    data: Data = json.loads((REQUIREMENT_BELOW_ONE_TYPE.folder / "data.json").read_text())
    supergraph = composed(sdl)
    federation = ComposedFederation(supergraph.api_schema, FederationRules.of(sdl), supergraph, data)
    (comparison,) = compare_plans(peers, supergraph, [REQUIREMENT_BELOW_ONE_TYPE.operation], TIMEOUT_SECONDS)
    assert comparison.is_worse
    assert not is_apollos_plan_right(federation, [data], comparison)


def test_apollos_plan_is_wrong_that_drops_an_object_whose_selections_are_all_skipped(peers: Peers) -> None:
    """The conditions exclude each other: the response has the object, without fields."""
    sdl = {
        "shop": LINK + 'type Query { item: Item } type Item @key(fields: "id") { id: ID! }',
        "parts": LINK + 'type Item @key(fields: "id") { id: ID! part: Part } type Part { name: String }',
    }
    data: Data = {
        "Query": {"item": "@Item:1"},
        "Item:1": {"id": "1", "part": "@Part:1"},
        "Part:1": {"name": "Wheel"},
    }
    supergraph = composed(sdl)
    operation = Operation(
        "query ($x: Boolean!) { item { id part @include(if: $x) { name @skip(if: $x) } } }", {"x": True}
    )
    federation = ComposedFederation(supergraph.api_schema, FederationRules.of(sdl), supergraph, data)
    (comparison,) = compare_plans(peers, supergraph, [operation], TIMEOUT_SECONDS)
    assert (comparison.ours, comparison.theirs) == (PlanMeasure(2, 2), PlanMeasure(1, 1))
    assert not is_apollos_plan_right(federation, [data], comparison)


def test_generated_data_has_each_field_of_an_interface_object_fail_for_one_object() -> None:
    """The field is non-null. The number is that of a federation with such fields."""
    sample = FederationSample.of(656_000_152)
    failing = [
        frozenset(name for name, fields in data.items() if name.startswith("E1:") and fields["o0"] == "!broken")
        for data in sample.datasets({"operation": "{ o0 }"})
    ]
    assert frozenset({"E1:0"}) in failing
    assert any(len(names) > 1 for names in failing)


def test_a_planner_that_fails_for_one_operation_plans_the_others(peers: Peers) -> None:
    supergraph = composed({name: LINK + sdl for name, sdl in SUBGRAPHS.items()})
    failed, planned = peers.plans(supergraph.sdl, ["{ nobody }", "{ top { name } }"], "apollo", rounds=2)
    assert failed.plan is None
    assert "nobody" in failed.crash
    assert planned.plan is not None
    assert len(planned.seconds) == 2


@pytest.mark.parametrize(
    ("query", "comparable"),
    [("mutation { a { name } }", True), ("mutation { a { name } b { name } }", False), ("{ top { name } }", True)],
)
def test_mutations_of_several_fields_are_not_compared(query: str, *, comparable: bool) -> None:
    assert is_comparable(query) is comparable


def test_a_plan_is_worse_with_more_fetches_or_a_greater_depth() -> None:
    assert PlanMeasure(3, 2).is_worse_than(PlanMeasure(2, 2))
    assert PlanMeasure(2, 3).is_worse_than(PlanMeasure(2, 2))
    assert not PlanMeasure(2, 2).is_worse_than(PlanMeasure(2, 2))


def test_an_unknown_node_is_an_error() -> None:
    with pytest.raises(UnknownPlanNode):
        read_plan({"kind": "QueryPlan", "node": {"kind": "Retry"}})
