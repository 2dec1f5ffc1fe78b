"""Root fields below the root are fetched once, for all objects at their path (execution §3.4, §3.6)."""

from __future__ import annotations

import pytest

from tests.router.executor.compiled.federation import Data, run_both
from tests.router.planner.federation import composed

GRAPH = composed(
    shelves="type Query { shelves: [Shelf] } type Shelf { name: String  root: Query }",
    books="type Query { book: Book } type Book { title: String }",
)
QUERY = "{ shelves { name root { book { title } } } }"


@pytest.mark.parametrize(
    ("shelves", "requests"),
    [
        ([{"name": "a", "root": {"__typename": "Query"}}, None, {"name": "b", "root": {"__typename": "Query"}}], 2),
        ([{"name": "a", "root": None}], 1),
        ([], 1),
    ],
)
async def test_root_fields_below_the_root_are_fetched_once(shelves: list[object], requests: int) -> None:
    data: dict[str, Data] = {"shelves": {"shelves": shelves}, "books": {"book": {"title": "t"}}}
    results = await run_both(GRAPH, QUERY, data)
    assert results.misfit is None
    assert results.requests == requests
    assert results.compiled == results.interpreted
