"""Covers `router/planner/fetch/operation_writer.py` and `router/planner/fetch/selection_writer.py`.

A fetch's text and its structured selections say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import (
    ArgumentNode,
    NameNode,
    OperationDefinitionNode,
    StringValueNode,
    parse,
    print_ast,
    strip_ignored_characters,
    validate,
)

from router.errors import RequestError
from router.plan import BatchFetch, OutputField, OutputFragment, iter_fetches
from router.plan.nodes import iter_requests
from router.planner import plan
from router.planner.fetch.operation_writer import _definition_text
from tests.router.oracle.cases import Case, cases
from tests.router.plan.fetches import with_selections
from tests.router.planner.federation import composed

if TYPE_CHECKING:
    from router.plan import PlanNode

SHOP = composed(
    pets="""
        type Query { pets: [Pet] }
        interface Pet { id: ID! name: String }
        type Cat implements Pet @key(fields: "id") { id: ID! name: String }
        type Dog implements Pet @key(fields: "id") { id: ID! name: String }
    """,
    teeth="""
        type Cat @key(fields: "id") { id: ID! teeth(jaw: String): Int }
        type Dog @key(fields: "id") { id: ID! teeth(jaw: String): Int }
    """,
)


def planned(case: Case) -> PlanNode | None:
    """None for a case that is about a refusal."""
    graph, document = case.supergraph(), parse(case.operation.query)
    if validate(graph.api_schema, document):
        return None
    try:
        return plan(graph, document).node
    except RequestError:
        return None


def test_the_selections_of_a_fetch_are_those_of_its_text() -> None:
    fetches = [fetch for case in cases("federation") for fetch in iter_fetches(planned(case))]
    assert len(fetches) > 100
    for fetch in fetches:
        assert fetch.selections == with_selections(fetch).selections, fetch.operation


def test_an_entity_fetch_has_the_selections_of_its_entities() -> None:
    query = 'query ($a: Boolean!) { pets { beast: name ... on Cat { upper: teeth(jaw: "u") @include(if: $a) } } }'
    root, entities = iter_fetches(plan(SHOP, query).node)
    (pets,) = root.selections
    assert isinstance(pets, OutputField)
    assert (pets.key, pets.name, pets.conditions) == ("pets", "pets", ())
    assert OutputField("beast", "name") in pets.selections
    # The guard is on the whole fetch: a condition node tests it, the text does not.
    jaw = ArgumentNode(name=NameNode(value="jaw"), value=StringValueNode(value="u", block=False))
    assert entities.selections == (OutputFragment("Cat", (OutputField("upper", "teeth", (), (), (jaw,)),)),)


def test_guards_are_conditions_of_what_they_guard() -> None:
    query = "query ($a: Boolean!, $b: Boolean!) { pets { id name @include(if: $a) @skip(if: $b) } }"
    (root,) = iter_fetches(plan(SHOP, query).node)
    (pets,) = root.selections
    assert isinstance(pets, OutputField)
    assert pets.selections == (
        OutputField("__typename", "__typename"),
        OutputField("id", "id"),
        OutputField("name", "name", (), (("b", False), ("a", True))),
    )


def test_a_batch_has_the_selection_sets_of_its_parts() -> None:
    query = "{ one: pets { ... on Cat { teeth } } two: pets { ... on Dog { teeth } } }"
    requests = list(iter_requests(plan(SHOP, query).node))
    (batch,) = (request for request in requests if isinstance(request, BatchFetch))
    assert [part.selection_set for part in batch.parts] == ["{...on Cat{teeth}}", "{...on Dog{teeth}}"]


@pytest.mark.parametrize(
    "definition",
    [
        "$a: Int",
        "$a: [Int!]!",
        "$a: [[String]] = [[], [null]]",
        r'$a: String = "x \" \u00e9"',
        '$a: String = """\n  block\n"""',
        "$a: Input! = {list: [1, 2], name: null}",
        '$a: Int = 1 @first @second(reason: "x")',
    ],
)
def test_a_variable_definition_is_written_without_what_is_ignored(definition: str) -> None:
    operation = parse(f"query ({definition}) {{ a }}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    (node,) = operation.variable_definitions or ()
    assert _definition_text(node) == strip_ignored_characters(print_ast(node))
