"""A subgraph with an interface object sends the name of the interface as `__typename` (execution §3.6)."""

from __future__ import annotations

from router.executor.compiled.interfaces_in_typename import interface_object_names, subtypes_of
from tests.router.executor.compiled.federation import Data, run_both
from tests.router.planner.federation import composed

GRAPH = composed(
    library="""
    type Query { newest: Media }
    interface Media @key(fields: "id") { id: ID! }
    type Book implements Media @key(fields: "id") { id: ID!  pages: Int! }
    type Film implements Media @key(fields: "id") { id: ID!  minutes: Int }
    """,
    ratings="""
    type Query { best: [Media!] }
    type Media @interfaceObject @key(fields: "id") { id: ID!  stars: Int }
    """,
)
BEST: Data = {"best": [{"__typename": "Media", "id": "1", "stars": 5}, {"__typename": "Media", "id": "2", "stars": 4}]}


def test_the_interfaces_are_those_with_an_interface_object() -> None:
    assert interface_object_names(GRAPH.schema, "Media") == ("Media",)
    assert interface_object_names(GRAPH.schema, "Book") == ()
    assert subtypes_of(GRAPH.schema, ["Media"], ["Book", "Film", "Media"]) == {"Media": ("Book", "Film")}


async def test_the_name_of_the_interface_fits_if_no_object_type_is_needed() -> None:
    best: Data = {"best": [{"__typename": "Media", "stars": 5}, {"__typename": "Media", "stars": 4}]}
    results = await run_both(GRAPH, "{ best { stars } }", {"ratings": best})
    assert results.misfit is None
    assert results.compiled == results.interpreted == b'{"best":[{"stars":5},{"stars":4}]}'


async def test_a_later_fetch_sends_the_name_of_the_object_type() -> None:
    entities: Data = {"_entities": [{"__typename": "Book", "pages": 9}, {"__typename": "Film"}]}
    data: dict[str, Data] = {"ratings": BEST, "library": entities}
    results = await run_both(GRAPH, "{ best { __typename stars ... on Book { pages } } }", data)
    assert results.misfit is None
    assert results.compiled == results.interpreted
    assert results.compiled == (b'{"best":[{"__typename":"Book","stars":5,"pages":9},{"__typename":"Film","stars":4}]}')


async def test_an_object_without_an_object_type_is_left_to_the_interpreter() -> None:
    data: dict[str, Data] = {"ratings": BEST, "library": {"_entities": [None, None]}}
    results = await run_both(GRAPH, "{ best { __typename stars } }", data)
    assert results.misfit is not None
    assert results.compiled == results.interpreted == b'{"best":null}'


async def test_an_object_without_typename_gets_the_name_of_the_interface() -> None:
    """The fetch of `score` needs `stars` of an interface object, and selects `__typename` too."""
    graph = composed(
        library="""
        type Query { books: [Book] }
        interface Media @key(fields: "id") { id: ID! }
        type Book implements Media @key(fields: "id") { id: ID! }
        """,
        ratings="""
        type Media @interfaceObject @key(fields: "id") { id: ID!  stars: Int }
        """,
        scores="""
        type Media @interfaceObject @key(fields: "id") {
          id: ID!  stars: Int @external  score: Int @requires(fields: "stars")
        }
        """,
    )
    data: dict[str, Data] = {
        "library": {"books": [{"id": "1", "__typename": "Book"}, {"id": "1"}]},
        "ratings": {"_entities": [{"stars": 4, "__typename": "Media"}]},
        "scores": {"_entities": [{"score": 2}]},
    }
    results = await run_both(graph, "{ books { score } }", data)
    assert results.misfit is not None
    assert results.compiled == results.interpreted


async def test_an_interface_object_gets_objects_of_a_known_type() -> None:
    data: dict[str, Data] = {
        "library": {"newest": {"__typename": "Book", "id": "3", "pages": 1}},
        "ratings": {"_entities": [{"stars": 2}]},
    }
    results = await run_both(GRAPH, "{ newest { id stars ... on Book { pages } } }", data)
    assert results.misfit is None
    assert results.compiled == results.interpreted == b'{"newest":{"id":"3","stars":2,"pages":1}}'
