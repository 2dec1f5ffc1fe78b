"""The number of subgraph requests for a response, counted at the strict subgraphs."""

from __future__ import annotations

import json

import pytest

from router.json_codec import encode
from router.planner import PlanOptions, plan
from tests.router.oracle.cases import ROOT, Case
from tests.router.oracle.comparison import run_operation
from tests.router.oracle.monolith import Monolith
from tests.router.oracle.strict_subgraphs import InProcessSubgraphs
from tests.router.oracle.subgraph_rules import FederationRules

# The operation of a public benchmark of gateways. The best router in it sends 7 requests, another one 16.
NESTED_LISTS = Case(ROOT / "execution" / "nested-lists-of-four-subgraphs")


@pytest.mark.parametrize(("batch", "requests"), [(True, 7), (False, 13)])
async def test_nested_lists_of_four_subgraphs_take_few_requests(
    batch: bool,  # noqa: FBT001 - a table's column
    requests: int,
) -> None:
    case, rules = NESTED_LISTS, FederationRules.of(NESTED_LISTS.subgraphs)
    supergraph, operation = case.supergraph(), case.operation
    planned = plan(supergraph, operation.query, options=PlanOptions(batch_entity_fetches=batch))
    transport = InProcessSubgraphs.over(rules, case.store())
    result = await run_operation(supergraph, transport, operation, planned)
    monolith = Monolith(supergraph.api_schema, rules)
    expected = monolith.execute(case.store(), operation.query, operation.variables)
    assert result.errors == ()
    assert expected.errors is None
    assert json.loads(encode(result.data)) == json.loads(json.dumps(expected.data))
    assert len(transport.requests) == len(list(planned.requests())) == requests
