"""Two fields of an object that require the same field with different arguments cannot share a representation.

Apollo's planner (2.14.1) makes them share one, with a fetch less than ours: `APOLLOS` is its plan. Run on data it gives
one of the fields what the other requires, so the plan saves nothing that could be saved.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from graphql import build_schema

from router.planner import plan
from tests.peers.apollo_plan import read_plan
from tests.router.oracle.comparison import ComposedFederation, ResponseDifference, composed
from tests.router.oracle.operation_generator import Operation
from tests.router.oracle.subgraph_rules import FederationRules

if TYPE_CHECKING:
    from router.plan import QueryPlan

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key", "@external", "@requires"])'
)
SUBGRAPHS = {
    "a": f"""
      {LINK}
      type Query {{ test: Test }}
      type Test @key(fields: "id") {{
        id: ID!
        two: String! @requires(fields: "other(arg: 2)")
        three: String! @requires(fields: "other(arg: 3)")
        other(arg: Int!): String! @external
      }}
    """,
    "b": f"""
      {LINK}
      type Test @key(fields: "id") {{ id: ID! other(arg: Int!): String! }}
    """,
}
MERGED = """
  type Query { test: Test }
  type Test { id: ID! two: String! three: String! other(arg: Int!): String! }
"""
QUERY = "{test{two three}}"


def entity_fetch(service: str, selections: str, *keys: str) -> dict[str, object]:
    names = ("__typename", *keys)
    needs = {
        "kind": "InlineFragment",
        "typeCondition": "Test",
        "selections": [{"kind": "Field", "name": n} for n in names],
    }
    operation = (
        f"query($representations:[_Any!]!){{_entities(representations:$representations){{...on Test{selections}}}}}"
    )
    fetch = {"kind": "Fetch", "serviceName": service, "requires": [needs], "operation": operation}
    return {"kind": "Flatten", "path": ["test"], "node": fetch | {"variableUsages": [], "operationKind": "query"}}


ROOT = {"kind": "Fetch", "serviceName": "a", "operation": "{test{__typename id}}"}
APOLLOS: dict[str, object] = {
    "kind": "QueryPlan",
    "node": {
        "kind": "Sequence",
        "nodes": [
            ROOT | {"variableUsages": [], "operationKind": "query"},
            entity_fetch("b", "{other(arg:3)}", "id"),
            entity_fetch("a", "{three two}", "other", "id"),
        ],
    },
}


@pytest.fixture
def subject() -> ComposedFederation:
    data: dict[str, dict[str, object]] = {
        "Query": {"test": "@Test:1"},
        "Test:1": {"id": "1", "two": "two", "three": "three", "other": "other"},
    }
    return ComposedFederation(build_schema(MERGED), FederationRules.of(SUBGRAPHS), composed(SUBGRAPHS), data)


def requests(planned: QueryPlan) -> int:
    return len(list(planned.requests()))


async def test_our_response_is_that_of_one_server_with_as_many_requests_as_apollos_plan(
    subject: ComposedFederation,
) -> None:
    ours = plan(subject.supergraph, QUERY)
    assert requests(ours) == requests(read_plan(APOLLOS)) == 3
    await subject.check(Operation(QUERY, {}), ours)


async def test_apollos_gives_one_field_what_the_other_requires(subject: ComposedFederation) -> None:
    with pytest.raises(ResponseDifference) as wrong:
        await subject.check(Operation(QUERY, {}), read_plan(APOLLOS))
    expected, got = (set(re.findall(r"arg[^0-9]*(\d)", line)) for line in str(wrong.value).splitlines()[1:])
    assert (expected, got) == ({"2", "3"}, {"3"})
