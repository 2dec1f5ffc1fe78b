"""Our composition has the results of Apollo's on generated sets; `make fuzz-composition` compares many more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.composition import Subgraph
from router.composition.report import CompositionError
from tests.peers.composition_difference import DEVIATIONS, compare, is_unplannable
from tests.peers.fuzz import run
from tests.router.composition.test_cases import CASES, subgraphs_of

if TYPE_CHECKING:
    from tests.peers.peers import Peers

SEED = 100
SHARDS = 4
COUNT = 100


@pytest.mark.parametrize("shard", range(SHARDS))
def test_generated_sets_of_subgraphs_have_apollos_result(peers: Peers, shard: int) -> None:
    tally = run(peers, SEED + shard, COUNT)
    unexplained = {seed: str(one) for seed, one in tally.differences.items() if seed not in tally.deviations}
    assert unexplained == {}
    assert tally.slow == []
    assert tally.compared > COUNT / 2, tally
    assert tally.composed > COUNT / 10, tally


@pytest.mark.parametrize("case", [row.case for row in DEVIATIONS if row.kinds == ("unplannable",)])
def test_a_set_that_only_apollo_composes_cannot_be_planned(peers: Peers, case: str) -> None:
    comparison = compare(peers, subgraphs_of(CASES / case))
    assert comparison.apollo.ok
    row = comparison.deviation()
    assert row is not None
    assert row.kinds == ("unplannable",)


@pytest.mark.parametrize("query", ["query {\n    a\n  }", "query {\n    unknown\n  }", "nothing"])
def test_a_query_that_is_planned_or_not_valid_does_not_explain_an_error(peers: Peers, query: str) -> None:
    verdict = peers.compose([Subgraph("one", "http://one.test", "type Query { a: Int }")])
    error = CompositionError("SATISFIABILITY_ERROR", f"This cannot be resolved:\n  {query}\nbecause")
    assert not is_unplannable(peers, verdict.supergraph or "", [error])
