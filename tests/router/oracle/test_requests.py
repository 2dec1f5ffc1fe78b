"""How many requests an answer takes, counted at strict subgraphs."""

from __future__ import annotations

import json

import pytest

from router.json_codec import encode
from router.planner import PlanOptions, plan
from tests.router.oracle.cases import ROOT, Case
from tests.router.oracle.comparison import answer
from tests.router.oracle.rules import Federation
from tests.router.oracle.services import InProcess, Monolith

# The shape of the public benchmark of gateways: of the routers measured there, the best sends 7 requests, another 16.
NESTED_LISTS = Case(ROOT / "execution" / "nested-lists-of-four-subgraphs")


@pytest.mark.parametrize(("batch", "requests"), [(True, 7), (False, 13)])
async def test_nested_lists_of_four_subgraphs_take_few_requests(
    batch: bool,  # noqa: FBT001 - a table's column
    requests: int,
) -> None:
    case, federation = NESTED_LISTS, Federation.of(NESTED_LISTS.subgraphs)
    supergraph, operation = case.supergraph(), case.operation
    planned = plan(supergraph, operation.query, options=PlanOptions(batch_entity_fetches=batch))
    transport = InProcess.over(federation, case.store())
    got = await answer(supergraph, transport, operation, planned)
    monolith = Monolith(supergraph.api_schema, federation)
    expected = monolith.execute(case.store(), operation.query, operation.variables)
    assert got.errors == ()
    assert expected.errors is None
    assert json.loads(encode(got.data)) == json.loads(json.dumps(expected.data))
    assert len(transport.requests) == len(list(planned.requests())) == requests
