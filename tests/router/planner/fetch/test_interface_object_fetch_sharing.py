"""Objects of several types behind one interface object: what one fetch can select for all of these objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.planner import plan
from router.planner.fetch.interface_object_fetch_sharing import HarmfulField, InterfaceObjectSelection, can_select_all
from router.planner.normalise.skip_and_include_guards import ALWAYS
from tests.router.planner.federation import composed

if TYPE_CHECKING:
    from router.supergraph import Supergraph

LIBRARY = """
type Query { titles: [Title] found: [Media] }
interface Title { id: ID! }
interface Media @key(fields: "id") { id: ID! name: String }
type Book implements Media & Title @key(fields: "id") { id: ID! name: String }
type Film implements Media & Title @key(fields: "id") { id: ID! name: String }
"""
REVIEWS = """
type Media @interfaceObject @key(fields: "id") {
  id: ID! stars: Int rating: String! best: Review top: Review!
  name: String @external slogan: String @requires(fields: "name")
}
type Review { text: String author: String! }
"""


@pytest.fixture(scope="module")
def media() -> Supergraph:
    return composed(library=LIBRARY, reviews=REVIEWS)


def fetches(supergraph: Supergraph, query: str) -> int:
    """How many fetches the plan has from the subgraph with the interface object."""
    return sum(fetch.service_name == "reviews" for fetch in plan(supergraph, query).fetches())


@pytest.mark.parametrize(
    "query",
    [
        "{ titles { ... on Book { stars } ... on Film { stars } } }",
        "{ titles { ... on Book { stars rating } ... on Film { rating } } }",
        "{ titles { ... on Book { stars } ... on Film { best { author } } } }",
        "{ titles { ... on Book { best { text author } } ... on Film { best { author } } } }",
        "{ titles { ... on Book { rating } ... on Film { same: rating } } }",
        "query($x: Boolean!) { titles { ... on Book { rating @skip(if: $x) } ... on Film { rating @skip(if: $x) } } }",
        "{ found { rating ... on Film { stars } } }",
        "{ titles { ... on Book { slogan stars } ... on Film { slogan } } }",
    ],
)
def test_types_share_a_fetch_if_each_wants_every_harmful_field_in_it(media: Supergraph, query: str) -> None:
    assert fetches(media, query) == 1


@pytest.mark.parametrize(
    "query",
    [
        "{ titles { ... on Book { stars } ... on Film { rating } } }",
        "{ titles { ... on Book { best { text } } ... on Film { best { author } } } }",
        "{ titles { ... on Book { top { text } } ... on Film { same: top { author } } } }",
        "query($x: Boolean!) { titles { ... on Book { rating } ... on Film { rating @skip(if: $x) stars } } }",
        "{ found { stars ... on Film { rating } } }",
        "{ titles { ... on Book { stars } ... on Film { slogan } } }",
        "query($x: Boolean!) { titles { ... on Book { slogan } ... on Film { slogan @skip(if: $x) stars } } }",
    ],
)
def test_no_harmful_field_is_fetched_for_a_type_that_does_not_select_it(media: Supergraph, query: str) -> None:
    assert fetches(media, query) == 2


def test_types_that_want_the_same_share_a_fetch_beside_one_that_does_not() -> None:
    supergraph = composed(
        library=f'{LIBRARY} type Song implements Media & Title @key(fields: "id") {{ id: ID! name: String }}',
        reviews=REVIEWS,
    )
    query = "{ titles { ... on Book { stars } ... on Film { stars rating } ... on Song { stars } } }"
    requires = [
        [fragment.type_condition for fragment in fetch.requires]
        for fetch in plan(supergraph, query).fetches()
        if fetch.service_name == "reviews"
    ]
    assert requires == [["Book", "Song"], ["Film"]]


def asked(*types: str, given: str = "id", harmful: tuple[str, ...] = ()) -> InterfaceObjectSelection:
    fields = frozenset(HarmfulField((), (), name, ALWAYS) for name in harmful)
    return InterfaceObjectSelection("Media", frozenset(types), frozenset({given}), frozenset({()}), fields)


def test_a_field_that_its_representation_brings_does_no_harm() -> None:
    assert can_select_all([asked("Book"), asked("Film", harmful=("id",))])
    assert not can_select_all([asked("Book", given="sku"), asked("Film", harmful=("id",))])


def test_a_type_selects_its_own_fields_and_those_of_its_interface() -> None:
    assert can_select_all(
        [asked("Book", "Film"), asked("Book", harmful=("rating",)), asked("Film", harmful=("rating",))]
    )
