"""What a fetch for all types of an interface object returns is not fetched again for one type."""

from __future__ import annotations

import pytest

from router.planner import PlanOptions, explain, plan
from tests.peers.fuzz_plans import FederationSample
from tests.peers.plan_difference import PlanMeasure, measure
from tests.router.planner.federation import composed

SUBGRAPHS = {
    "library": """
      interface Media @key(fields: "id") { id: ID! }
      type Book implements Media @key(fields: "id") { id: ID! }
      type Film implements Media @key(fields: "id") { id: ID! }
    """,
    "reviews": """
      type Query { media: [Media] }
      type Media @interfaceObject @key(fields: "id") { id: ID! stars: Int best(of: Int): Review next: Media }
      type Review @key(fields: "id") { id: ID! }
    """,
    "critics": 'type Review @key(fields: "id") { id: ID! text: String score: Int! }',
    "shop": """
      type Media @interfaceObject @key(fields: "id") {
        id: ID! stars: Int @external price: Int @requires(fields: "stars")
      }
    """,
}
UNBATCHED = PlanOptions(batch_entity_fetches=False)


@pytest.mark.parametrize(
    ("query", "fetches"),
    [
        # The types of the objects are needed in any case.
        ("{ media { price ... on Film { stars } } }", ["library", "reviews", "shop"]),
        ("{ media { best { score } ... on Film { best { text } } } }", ["critics", "library", "reviews"]),
        # `score` is non-null: it is fetched for films only.
        ("{ media { best { text } ... on Film { best { score } } } }", ["critics", "critics", "library", "reviews"]),
        ("{ media { best { id } ... on Film { best { __typename } } } }", ["library", "reviews"]),
        # The first fetch does not return the field, or not whenever it is selected.
        ("{ media { stars ... on Film { best { id } } } }", ["library", "reviews", "reviews"]),
        ("{ media { best { id } ... on Film { second: best(of: 2) { id } } } }", ["library", "reviews", "reviews"]),
        (
            "query ($x: Boolean!) { media { best @skip(if: $x) { id } ... on Film { best { id } } } }",
            ["library", "reviews", "reviews"],
        ),
        ("{ media { ... on Book { best { id } } ... on Film { best { id } } } }", ["library", "reviews", "reviews"]),
        # The first fetch returns it only for another object.
        ("{ media { next { best { id } } ... on Film { best { id } } } }", ["library", "reviews", "reviews"]),
    ],
)
def test_a_value_that_an_earlier_fetch_returns_for_all_types_is_not_fetched_again(
    query: str, fetches: list[str]
) -> None:
    planned = plan(composed(**SUBGRAPHS), query, options=UNBATCHED)
    assert sorted(fetch.service_name for fetch in planned.fetches()) == fetches


def test_the_fetch_that_is_used_is_explained() -> None:
    query = "{ media { best { text } ... on Film { best { score } } } }"
    (score,) = [one for one in explain(composed(**SUBGRAPHS), query).fields if one.coordinate == "Review.score"]
    assert score.chosen.route == "entity at media.best, given id from reviews, __typename from library"
    assert score.chosen.fetches == 4


def test_a_fetch_with_a_type_condition_in_its_path_waits_for_the_type() -> None:
    query = "{ media { best { text } ... on Film { best { score } } } }"
    text = plan(composed(**SUBGRAPHS), query, options=UNBATCHED).to_text()
    assert text.index('service: "library"') < text.index('Flatten(path: "media.@|[Film].best")')


@pytest.mark.parametrize(
    ("number", "start", "most"),
    [
        (626_000_152, "{ q0 { __typename __typename } qp", PlanMeasure(7, 4)),
        (628_000_163, "{ qo { o1 { a1: f1 a2", PlanMeasure(9, 7)),
    ],
)
def test_federations_in_which_a_fetch_was_repeated(number: int, start: str, most: PlanMeasure) -> None:
    sample = FederationSample.of(number)
    (operation,) = [one for one in sample.operations if start in one.query]
    assert not measure(plan(sample.federation.supergraph, operation.query, options=UNBATCHED)).is_worse_than(most)
