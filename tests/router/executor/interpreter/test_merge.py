from __future__ import annotations

import pytest
from graphql import build_schema

from router.executor.interpreter.merge import merge

SCHEMA = build_schema("""
  type Query { node: Node }
  interface Node { id: ID }
  type Book implements Node { id: ID }
  type Film { id: ID }
""")


@pytest.mark.parametrize(
    ("present", "incoming", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": None}, {"a": 1}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": {"b": 1}}, {"a": None}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": {"b": 1}}),
        ({"a": [1]}, {"a": {"b": 1}}, {"a": [1]}),
        ({"a": {"b": 1}}, {"a": 3}, {"a": {"b": 1}}),
        ({"a": [{"b": 1}, None]}, {"a": [{"c": 2}, {"c": 3}]}, {"a": [{"b": 1, "c": 2}, {"c": 3}]}),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"c": 3}]}, {"a": [{"b": 1, "c": 3}, {"b": 2}]}),
        ({"a": [1]}, {"a": [2, 3]}, {"a": [2, 3]}),
        ({"__typename": "Book"}, {"__typename": "Node"}, {"__typename": "Book"}),
        ({"__typename": "Node"}, {"__typename": "Book"}, {"__typename": "Book"}),
        ({"__typename": "Book"}, {"__typename": "Film"}, {"__typename": "Film"}),
    ],
)
def test_a_result_is_merged_into_the_tree(
    present: dict[str, object], incoming: dict[str, object], merged: dict[str, object]
) -> None:
    merge(SCHEMA, present, incoming)
    assert present == merged


def test_places_do_not_share_objects_or_lists() -> None:
    incoming: dict[str, object] = {"a": {"b": [{"c": 1}]}}
    first: dict[str, object] = {}
    second: dict[str, object] = {}
    merge(SCHEMA, first, incoming)
    merge(SCHEMA, second, incoming)
    merge(SCHEMA, first, {"a": {"b": [{"d": 2}]}})
    assert second == incoming == {"a": {"b": [{"c": 1}]}}
