"""The index returns all override labels that a plan can depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import parse, validate

from router.errors import RequestError
from router.get_operation import get_operation
from router.planner import Planner, PlanOptions
from router.planner.graph.override_labels_of_operation import OverrideLabelIndex
from router.supergraph import load
from tests.router.oracle.cases import cases
from tests.router.policies.test_active_override_labels import SDL, composed, on_the_move

if TYPE_CHECKING:
    from router.get_operation import PreparedOperation
    from router.supergraph import Supergraph


@pytest.fixture(scope="module")
def graph() -> Supergraph:
    return load(SDL)


@pytest.mark.parametrize(
    ("query", "reported"),
    [
        ("{ shop { name } }", {"rename"}),
        ("{ shop { n: name ...More } } fragment More on Shop { motto }", {"rename", "percent(25)"}),
        ("{ shop { open ... on Shop { id __typename } } }", set()),
        ("{ __schema { types { name } } }", set()),
        ("query A { shop { ...More } } query B { shop { name } } fragment More on Shop { motto }", {"percent(25)"}),
        ("{ goods { price } }", {"prices"}),
        ("{ goods { ... on Disc { price } } }", set()),
        ("{ goods { ... on Book { postage } } }", {"weights"}),
    ],
    ids=[
        "a field",
        "a fragment and an alias",
        "none",
        "introspection",
        "one of two operations",
        "a field of an interface",
        "another type's field",
        "what a field requires",
    ],
)
def test_labels_are_reported_where_a_plan_can_depend_on_them(graph: Supergraph, query: str, reported: set[str]) -> None:
    name = "A" if "query A" in query else None
    operation = get_operation(graph.api_schema, parse(query), name)
    assert OverrideLabelIndex(graph).labels_for(operation) == reported


def test_labels_of_key_and_context_fields_are_reported_too() -> None:
    old = """
      type Query { cart: Cart }
      type Cart @key(fields: "id") { id: ID!  currency: String  owner: Owner  line: Line }
      type Owner { name: String }
      type Line @key(fields: "id") { id: ID! }
    """
    new = """
      type Cart @key(fields: "id") @context(name: "cart") {
        id: ID!  currency: String @override(from: "old")
      }
      type Line @key(fields: "id") { id: ID!  total(in: String @fromContext(field: "$cart { currency }")): Int }
    """
    graph = load(on_the_move(composed(old=old, new=new), "old", "new", "money"))
    operation = get_operation(graph.api_schema, parse("{ cart { line { total } } }"))
    assert OverrideLabelIndex(graph).labels_for(operation) == {"money"}
    start = 'type Query { a: A } type A @key(fields: "id") { id: ID! }'
    left = 'type A @key(fields: "id") { id: ID!  sku: ID! }'
    right = 'type A @key(fields: "id") { id: ID!  sku: ID! @shareable @override(from: "left") }'
    end = 'type A @key(fields: "sku") { sku: ID!  rest: Int }'
    sdl = composed(start=start, left=left, right=right, end=end)
    graph = load(on_the_move(sdl, "left", "right", "skus"))
    operation = get_operation(graph.api_schema, parse("{ a { rest } }"))
    assert OverrideLabelIndex(graph).labels_for(operation) == {"skus"}


class Recording(frozenset[str]):
    """A set of labels that records which labels a query graph reads."""

    asked: set[str]

    def __contains__(self, label: object) -> bool:
        self.asked.add(str(label))
        return super().__contains__(label)


def consulted(graph: Supergraph, operation: PreparedOperation, holding: frozenset[str]) -> set[str]:
    """Return the labels that planning reads while some of them are active."""
    labels = Recording(holding)
    labels.asked = set()
    Planner(graph).plan(operation, PlanOptions(labels))
    return labels.asked


@pytest.mark.parametrize("every", [False, True], ids=["none holds", "all hold"])
def test_planning_asks_for_no_other_labels(*, every: bool) -> None:
    count = 0
    for case in cases("federation"):
        graph = case.supergraph()
        known = graph.override_labels
        document = parse(case.operation.query)
        if not known or validate(graph.api_schema, document):
            continue
        operation = get_operation(graph.api_schema, document)
        try:
            asked = consulted(graph, operation, known if every else frozenset())
        except RequestError:
            continue
        assert asked <= OverrideLabelIndex(graph).labels_for(operation), case.name
        count += len(asked)
    assert count > 0
