"""Entities of several types, or below objects of several types: what one fetch can select for all of them.

Covers `router/planner/fetch/entity_fetch_sharing.py`, `router/planner/fetch/group_drafts.py`,
`router/planner/fetch/non_null_fields_of_client.py` and `router/planner/fetch/type_conditions_in_paths.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from router.plan import Each, Key, TypeIs
from router.planner import PlanOptions, plan
from router.planner.fetch.entity_fetch_sharing import (
    MAX_SELECTIONS,
    EntitySelection,
    HarmfulField,
    NonNullSelection,
    can_select_all,
)
from router.planner.fetch.type_conditions_in_paths import common_path
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


SEARCH = """
type Query { found: [Media] }
interface Media { author: Person }
type Book implements Media { author: Person pages: [Media] }
type Film implements Media { author: Person pages: [Media] }
type Song implements Media { author: Person }
type Person @key(fields: "id") { id: ID! born: Int }
"""
PEOPLE = """
type Person @key(fields: "id") {
  id: ID! name: String age: Int! home: Home place: Home! born: Int @external sign: String @requires(fields: "born")
}
type Home { town: String street: String! }
"""


@pytest.fixture(scope="module")
def search() -> Supergraph:
    return composed(search=SEARCH, people=PEOPLE)


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ("{ found { author { name } ... on Film { author { sign } } } }", ["found.@.author", "found.@|[Film].author"]),
        ("{ found { author { name } ... on Film { author { age } } } }", ["found.@.author", "found.@|[Film].author"]),
        (
            """{ found { ... on Book { author { age } } ... on Film { author { name } }
                         ... on Song { author { name } } } }""",
            ["found.@|[Book].author", "found.@|[Film,Song].author"],
        ),
        ("{ found { author { name } ... on Film { author { home { street } } } } }", ["found.@.author"]),
        (
            "{ found { author { home { town } } ... on Film { author { home { street } } } } }",
            ["found.@.author", "found.@|[Film].author"],
        ),
        (
            "{ found { author { name } ... on Film { author { place { street } } } } }",
            ["found.@.author", "found.@|[Film].author"],
        ),
        ("{ found { author { name } ... on Film { author { id } } } }", ["found.@.author"]),
        ("{ found { author { age } ... on Film { author { name } } } }", ["found.@.author"]),
        (
            "{ found { ... on Film { author { age } } ... on Book { author { age name } } } }",
            ["found.@|[Book,Film].author"],
        ),
        (
            """{ found { author { name } ... on Film { pages { author { age } } }
                         ... on Book { pages { author { name } } } } }""",
            ["found.@.author", "found.@|[Book].pages.@.author", "found.@|[Film].pages.@.author"],
        ),
    ],
)
def test_the_path_of_a_fetch_has_a_type_condition_where_another_type_would_be_harmed(
    search: Supergraph, query: str, paths: list[str]
) -> None:
    planned = plan(search, query, options=PlanOptions(batch_entity_fetches=False)).to_text()
    assert sorted(re.findall(r'Flatten\(path: "(.*)"\)', planned)) == sorted(paths)


FOUND = """
type Query { found: [Media] }
interface Media { id: ID! }
type Book implements Media @key(fields: "id") { id: ID! }
type Film implements Media { id: ID! author: Person }
type Play implements Media { id: ID! author: Person }
type Person @key(fields: "id") {
  id: ID! age: Int! name: String! @shareable home: Home! pet: Pet!
  born: Int @external sign: String @requires(fields: "born")
}
type Home { town: String street: String! place: Place! }
type Place { zip: String! name: String }
interface Pet { toy: Toy! }
type Cat implements Pet { toy: Toy! }
type Dog implements Pet { toy: Toy! }
type Toy { label: String! name: String }
"""
BOOKS = """
type Book @key(fields: "id") { id: ID! author: Person }
type Person @key(fields: "id", resolvable: false) { id: ID! }
"""
REGISTRY = 'type Person @key(fields: "id") { id: ID! born: Int }'
# Here `name` is nullable, so it is nullable in the response.
NAMES = 'type Person @key(fields: "id") { id: ID! name: String @shareable }'


@pytest.fixture(scope="module")
def found() -> Supergraph:
    return composed(found=FOUND, books=BOOKS, registry=REGISTRY, names=NAMES)


# The fetch of `sign` waits for `born`, and the first fetch returns the other fields of authors of films.
@pytest.mark.parametrize(
    ("of_book", "of_film", "count"),
    [
        ("age", "age", 4),
        ("age", "same: age", 4),
        ("age @include(if: $x)", "age", 4),
        ("age @include(if: $x)", "age @include(if: $x)", 4),
        ("home { street }", "home { street }", 4),
        ("home { place { zip } street }", "home { place { zip name } street town }", 4),
        ("home { street }", "home { street @include(if: $x) town }", 6),
        ("home { place { zip } }", "home { place { name } }", 6),
        ("home { place { zip } }", "home { town }", 6),
        ("home { street }", "home { town }", 6),
        ("age", "home { town }", 6),
        ("name", "name", 6),
        ("pet { toy { label } }", "pet { toy { label name } }", 4),
        ("pet { toy { label } }", "pet { ... on Cat { toy { label } } ... on Dog { toy { name } } }", 6),
        ("age", "age @include(if: $x)", 6),
        ("age @include(if: $x)", "age @include(if: $y)", 6),
    ],
)
def test_a_field_that_the_client_selects_in_another_fetch_does_no_harm(
    found: Supergraph, of_book: str, of_film: str, count: int
) -> None:
    query = f"""query($x: Boolean!, $y: Boolean!) {{
      found {{ ... on Book {{ author {{ sign {of_book} }} }} ... on Film {{ author {{ sign {of_film} }} }} }}
      unused: __typename @include(if: $x) other: __typename @include(if: $y)
    }}"""
    planned = plan(found, query, options=PlanOptions(batch_entity_fetches=False))
    assert len(list(planned.fetches())) == count


def test_a_field_does_harm_to_types_for_which_the_client_selects_it_in_no_fetch(found: Supergraph) -> None:
    query = """{ found {
      ... on Book { author { sign age } } ... on Film { author { sign age } } ... on Play { author { sign } }
    } }"""
    planned = plan(found, query, options=PlanOptions(batch_entity_fetches=False)).to_text()
    paths = re.findall(r'Flatten\(path: "([^"]*)"\) {\s*Fetch\(service: "found"\)', planned)
    assert sorted(paths) == ["found.@|[Book].author", "found.@|[Film,Play].author"]


def test_a_field_with_contextual_arguments_is_fetched_for_the_types_that_select_it() -> None:
    supergraph = composed(
        search="""
          type Query { found: [Media] }
          interface Media { author: Person }
          type Book implements Media { author: Person }
          type Film implements Media { author: Person }
          type Person @key(fields: "id") @federation__context(name: "person") { id: ID! born: Int pet: Pet @shareable }
          type Pet @key(fields: "id") { id: ID! }
        """,
        pets="""
          type Person @federation__context(name: "person") @key(fields: "id") {
            id: ID! born: Int @external pet: Pet @shareable
          }
          type Pet @key(fields: "id") {
            id: ID! name: String age(of: Int @federation__fromContext(field: "$person { born }")): Int
          }
        """,
    )
    query = "{ found { author { pet { name } } ... on Film { author { pet { age } } } } }"
    planned = plan(supergraph, query, options=PlanOptions(batch_entity_fetches=False)).to_text()
    (path,) = re.findall(r'Flatten\(path: "(.*)"\)[^"]*"pets"[^"]* age', planned)
    assert path == "found.@|[Film].author.pet"
    assert re.findall(r'Flatten\(path: "(.*)"\)[^"]*"pets"[^"]* name', planned) == ["found.@.author.pet"]


def test_two_fetches_that_merge_have_the_common_path() -> None:
    films = (Key("found"), Each(), TypeIs(("Film",)), Key("author"))
    books = (Key("found"), Each(), TypeIs(("Book",)), Key("author"))
    all_types = (Key("found"), Each(), Key("author"))
    assert common_path(films, films) == films
    assert common_path(films, books) == (Key("found"), Each(), TypeIs(("Book", "Film")), Key("author"))
    assert common_path(films, all_types) == common_path(all_types, films) == all_types


def test_more_combinations_of_types_than_can_be_compared_do_not_share_a_fetch() -> None:
    types = [f"T{number}" for number in range(20)]
    every, person = frozenset(types), frozenset({"Person"})
    age = frozenset({HarmfulField((), (), "age", ALWAYS)})
    nobody = EntitySelection("Person", False, frozenset(), person, frozenset(), frozenset({()}), age)
    pairs = [replace(nobody, entities=frozenset({(here, every, here, person)})) for here in map(frozenset, zip(types))]
    everywhere = replace(pairs[0], entities=frozenset({(every, every, every, person)}))
    assert can_select_all([*pairs[:2], everywhere])
    assert not can_select_all([*pairs, everywhere])
    assert can_select_all([replace(one, harmful=frozenset()) for one in (*pairs, everywhere)])


def test_more_different_selections_than_can_be_compared_do_not_share_a_fetch() -> None:
    several = [asked("Book", given=f"field{number}", harmful=("rating",)) for number in range(MAX_SELECTIONS + 1)]
    assert can_select_all(several[:-1])
    assert not can_select_all(several)


def asked(*types: str, given: str = "id", harmful: tuple[str, ...] = ()) -> EntitySelection:
    fields = frozenset(HarmfulField((), (), name, ALWAYS) for name in harmful)
    media = frozenset({"Book", "Film", "Song"})
    entities = frozenset({(frozenset(types),)})
    return EntitySelection("Media", True, entities, media, frozenset({given}), frozenset({()}), fields)


def test_a_field_that_its_representation_brings_does_no_harm() -> None:
    assert can_select_all([asked("Book"), asked("Film", harmful=("id",))])
    assert not can_select_all([asked("Book", given="sku"), asked("Film", harmful=("id",))])


def test_a_type_selects_its_own_fields_and_those_of_its_interface() -> None:
    assert can_select_all(
        [asked("Book", "Film"), asked("Book", harmful=("rating",)), asked("Film", harmful=("rating",))]
    )


@pytest.mark.parametrize(
    ("elsewhere", "is_only_non_null", "together"),
    [(("Film", "Song"), True, True), (("Film",), True, False), (("Film", "Song"), False, False)],
)
def test_a_field_is_shared_if_the_client_selects_it_elsewhere_for_all_other_types(
    *, elsewhere: tuple[str, ...], is_only_non_null: bool, together: bool
) -> None:
    rating = HarmfulField((), (), "rating", ALWAYS, is_only_non_null=is_only_non_null)
    types = frozenset(elsewhere)
    rated = replace(
        asked("Book"),
        harmful=frozenset({rating}),
        client=frozenset({NonNullSelection((), "rating", ALWAYS, (types,), types)}),
    )
    assert can_select_all([asked("Film", "Song"), rated]) is together
