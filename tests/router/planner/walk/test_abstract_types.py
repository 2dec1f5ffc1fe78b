"""Selections on interfaces and unions stay there or become branches for object types."""

from __future__ import annotations

import pytest

from tests.router.planner.walk.walking import Walk

BOTH = """
  type Query { media: Media @shareable }
  interface Media { id: ID! title: String }
  type Book implements Media @key(fields: "id") { id: ID! title: String @shareable }
  type Film implements Media @key(fields: "id") { id: ID! title: String @shareable }
"""


def test_a_field_that_is_resolved_for_all_types_stays_on_the_interface() -> None:
    walk = Walk.over("{ media { title } }", a=BOTH)
    assert walk.paths() == ["media.title"]


def test_a_fragment_is_a_branch_of_its_type() -> None:
    walk = Walk.over("{ media { id ... on Book { title } } }", a=BOTH)
    assert walk.paths() == ["media.id", "media.title|Book"]
    assert walk.options("media.title|Book") == {"a.media|Book"}


def test_a_field_that_is_resolved_for_some_types_is_expanded() -> None:
    a = """
      type Query { media: Media }
      interface Media { id: ID! title: String }
      type Book implements Media @key(fields: "id") { id: ID! title: String }
      type Film implements Media @key(fields: "id") { id: ID! title: String @external }
    """
    b = 'type Film @key(fields: "id") { id: ID! title: String }'
    walk = Walk.over("{ media { title } }", a=a, b=b)
    assert walk.paths() == ["media.title|Book", "media.title|Film"]
    assert walk.options("media.title|Book") == {"a.media|Book"}
    assert walk.options("media.title|Film") == {"->b(media.id|Film)"}


def test_a_type_that_one_of_the_subgraphs_does_not_return_is_left_out() -> None:
    one = """
      type Query { media: Media @shareable }
      interface Media { id: ID! title: String }
      type Book implements Media @key(fields: "id") { id: ID! title: String @shareable }
    """
    walk = Walk.over("{ media { id ... on Film { title } } }", a=BOTH, b=one)
    assert walk.paths() == ["media.id"]


def test_equal_fields_of_all_types_become_one_on_the_interface() -> None:
    walk = Walk.over("{ media { ... on Book { title } ... on Film { title } } }", a=BOTH)
    assert walk.paths() == ["media.title"]


@pytest.mark.parametrize(
    "query", ["{ media { title ... on Book { title } } }", "{ media { ... on Book { title } title } }"]
)
def test_a_leaf_that_repeats_one_of_all_types_is_left_out(query: str) -> None:
    assert Walk.over(query, a=BOTH).paths() == ["media.title"]


def test_an_interface_object_does_not_restrict_the_types() -> None:
    a = """
      interface Media @key(fields: "id") { id: ID! }
      type Book implements Media @key(fields: "id") { id: ID! pages: Int }
      type Film implements Media @key(fields: "id") { id: ID! }
    """
    b = 'type Query { media: Media } type Media @key(fields: "id") @interfaceObject { id: ID! stars: Int }'
    walk = Walk.over("{ media { stars ... on Book { pages } } }", a=a, b=b)
    assert walk.options("media.stars") == {"b.media"}
    assert walk.options("media.pages|Book") == {"->a(media.id)|Book"}


def test_different_values_under_one_response_key_split_the_paths_by_type() -> None:
    a = """
      type Query { media: Media }
      interface Media { id: ID! }
      type Book implements Media { id: ID! part: Part }
      type Film implements Media { id: ID! part: Part }
      type Part @key(fields: "id") { id: ID! name(size: Int): String }
    """
    query = "{ media { ... on Book { part { name(size: 1) } } ... on Film { part { name(size: 2) } } } }"
    walk = Walk.over(query, a=a)
    assert [leaf.node.track for leaf in walk.leaves] == [("media", "Book.part"), ("media", "Film.part")]
