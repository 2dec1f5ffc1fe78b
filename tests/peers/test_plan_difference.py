"""Our plans have no more fetches than Apollo's, nor more in a row (`make fuzz-plans` compares many more)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.planner import PlanOptions, plan
from tests.peers.apollo_plan import UnknownNode, read_plan
from tests.peers.fuzz_plans import FLOOR, run
from tests.peers.plan_difference import Measure, is_comparable, measure, measure_json
from tests.router.oracle.comparison import composed
from tests.router.planner import test_conflicting_requirements

if TYPE_CHECKING:
    from tests.peers.peers import Peers

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
LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key"])'
QUERY = "query ($x: Boolean!) { top { name price inStock @include(if: $x) } }"


@pytest.mark.parametrize("shard", range(SHARDS))
def test_generated_operations_need_no_more_than_apollos_plan(peers: Peers, shard: int) -> None:
    tally = run(peers, FIRST + shard * COUNT, COUNT)
    worse = {seed: [str(one) for one in comparisons] for seed, comparisons in tally.worse.items()}
    assert tally.share_not_worse >= FLOOR, worse
    assert tally.compared > COUNT, tally
    assert len(tally.explained) < tally.compared / 5, tally


def test_a_plan_of_apollos_is_measured_and_read(peers: Peers) -> None:
    supergraph = composed({name: LINK + sdl for name, sdl in SUBGRAPHS.items()})
    (theirs,) = peers.plans(supergraph.sdl, [QUERY], "apollo")
    assert theirs.plan is not None
    assert (
        measure_json(theirs.plan)
        == Measure(3, 2)
        == measure(plan(supergraph, QUERY, options=PlanOptions(batch_entity_fetches=False)))
    )
    read = read_plan(theirs.plan)
    assert measure(read) == Measure(3, 2)
    assert {fetch.service_name for fetch in read.fetches()} == set(SUBGRAPHS)
    assert "Include(if: $x)" in read.to_text()


def test_apollos_plan_for_conflicting_requirements_is_the_one_that_is_known_to_be_wrong(peers: Peers) -> None:
    supergraph = composed(test_conflicting_requirements.SUBGRAPHS)
    (theirs,) = peers.plans(supergraph.sdl, [test_conflicting_requirements.QUERY], "apollo")
    assert theirs.plan is not None
    assert read_plan(theirs.plan) == read_plan(test_conflicting_requirements.APOLLOS)


def test_a_planner_that_throws_says_so_for_that_operation_only(peers: Peers) -> None:
    supergraph = composed({name: LINK + sdl for name, sdl in SUBGRAPHS.items()})
    refused, planned = peers.plans(supergraph.sdl, ["{ nobody }", "{ top { name } }"], "apollo", rounds=2)
    assert refused.plan is None
    assert "nobody" in refused.crash
    assert planned.plan is not None
    assert len(planned.seconds) == 2


@pytest.mark.parametrize(
    ("query", "comparable"),
    [("mutation { a { name } }", True), ("mutation { a { name } b { name } }", False), ("{ top { name } }", True)],
)
def test_mutations_of_several_fields_are_not_compared(query: str, *, comparable: bool) -> None:
    assert is_comparable(query) is comparable


def test_a_worse_plan_is_one_with_more_fetches_or_more_in_a_row() -> None:
    assert Measure(3, 2).is_worse_than(Measure(2, 2))
    assert Measure(2, 3).is_worse_than(Measure(2, 2))
    assert not Measure(2, 2).is_worse_than(Measure(2, 2))


def test_a_node_that_is_not_known_is_an_error() -> None:
    with pytest.raises(UnknownNode):
        read_plan({"kind": "QueryPlan", "node": {"kind": "Retry"}})
