"""Objects that several fetches return are merged (execution §3.6).

Covers `router/executor/compiled/generate_merge_functions.py`, `router/executor/compiled/generate_assignments.py` and
`router/executor/compiled/generate_representations.py`.
"""

from __future__ import annotations

import pytest

from tests.router.executor.compiled.federation import Data, run_both
from tests.router.planner.federation import composed

SHELF = """
type Query {{ shelf: Shelf @shareable }}
type Shelf {{ {own}: Int  books: [Book] @shareable }}
type Book {{ {own}: Int }}
"""
SHELVES = composed(left=SHELF.format(own="left"), right=SHELF.format(own="right"))
QUERY = "{ shelf { right left books { left right } } }"
ORDERS = [("left", "right"), ("right", "left")]


def shelf(own: str, *values: int | None) -> Data:
    """The response of a subgraph: a shelf, and a book (or null) for each value."""
    return {"shelf": {own: 7, "books": [None if value is None else {own: value} for value in values]}}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (
            shelf("left", 1, 2),
            shelf("right", 3, 4),
            b'{"shelf":{"right":7,"left":7,"books":[{"left":1,"right":3},{"left":2,"right":4}]}}',
        ),
        (
            shelf("left", 1, None),
            shelf("right", 3, None),
            b'{"shelf":{"right":7,"left":7,"books":[{"left":1,"right":3},null]}}',
        ),
        ({"shelf": None}, {"shelf": None}, b'{"shelf":null}'),
    ],
)
async def test_objects_and_lists_of_parallel_fetches_are_merged(
    left: Data, right: Data, expected: bytes, order: tuple[str, str]
) -> None:
    results = await run_both(SHELVES, QUERY, {"left": left, "right": right}, order)
    assert results.misfit is None
    assert results.compiled == results.interpreted == expected


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (shelf("left", 1, None), shelf("right", None, 4)),
        ({"shelf": None}, shelf("right", 3)),
        ({"shelf": {"left": 7, "books": None}}, shelf("right")),
    ],
)
async def test_null_from_one_of_two_fetches_is_left_to_the_interpreter(
    left: Data, right: Data, order: tuple[str, str]
) -> None:
    results = await run_both(SHELVES, QUERY, {"left": left, "right": right}, order)
    assert "returns null" in str(results.misfit)
    assert results.compiled == results.interpreted


@pytest.mark.parametrize("order", ORDERS)
async def test_lists_of_different_lengths_are_left_to_the_interpreter(order: tuple[str, str]) -> None:
    data = {"left": shelf("left", 1), "right": shelf("right", 3, 4)}
    results = await run_both(SHELVES, QUERY, data, order)
    assert "different lengths" in str(results.misfit)
    assert results.compiled == results.interpreted


async def test_objects_with_one_representation_do_not_share_merged_objects() -> None:
    graph = composed(
        catalog="""
        type Query { products: [Product!] }
        type Product @key(fields: "id") @key(fields: "code") { id: ID!  code: ID! }
        """,
        sizes="""
        type Product @key(fields: "id") { id: ID!  size: Size @shareable }
        type Size { width: Int! }
        """,
        heights="""
        type Product @key(fields: "code") { code: ID!  size: Size @shareable }
        type Size { height: Int! }
        """,
    )
    data: dict[str, Data] = {
        "catalog": {
            "products": [
                {"__typename": "Product", "id": "1", "code": "a"},
                {"__typename": "Product", "id": "1", "code": "b"},
            ]
        },
        "sizes": {"_entities": [{"size": {"width": 5}}]},
        "heights": {"_entities": [{"size": {"height": 1}}, {"size": {"height": 2}}]},
    }
    for order in (("sizes", "heights"), ("heights", "sizes")):
        results = await run_both(graph, "{ products { size { width height } } }", data, order)
        assert results.misfit is None
        assert results.compiled == results.interpreted
        assert results.compiled == (b'{"products":[{"size":{"width":5,"height":1}},{"size":{"width":5,"height":2}}]}')


WEIGHTS = composed(
    catalog="""
    type Query { product: Product }
    type Product @key(fields: "id") { id: ID!  size: Size }
    type Size @shareable { width: Float!  unit: Unit }
    type Unit @shareable { name: String! }
    """,
    shipping="""
    type Product @key(fields: "id") {
      id: ID!  size: Size @external  cost: Int @requires(fields: "size { width unit { name } }")
    }
    type Size @shareable { width: Float!  unit: Unit }
    type Unit @shareable { name: String! }
    """,
)


@pytest.mark.parametrize("width", [1.5, "1.5"])
async def test_values_inside_a_representation_are_checked(width: object) -> None:
    product = {"__typename": "Product", "id": "1", "size": {"width": width, "unit": {"name": "m"}}}
    data: dict[str, Data] = {"catalog": {"product": product}, "shipping": {"_entities": [{"cost": 3}]}}
    results = await run_both(WEIGHTS, "{ product { cost } }", data)
    assert (results.misfit is None) == isinstance(width, float)
    assert results.compiled == results.interpreted == b'{"product":{"cost":3}}'
