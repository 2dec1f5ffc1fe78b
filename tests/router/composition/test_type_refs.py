from __future__ import annotations

from graphql.language import parse_type

from router.composition.type_refs import ListOf, Named, NonNull, base_name, from_node, nullable, rename


def test_a_reference_prints_as_it_is_written() -> None:
    ref = from_node(parse_type("[[A!]]!"))
    assert ref == NonNull(ListOf(ListOf(NonNull(Named("A")))))
    assert str(ref) == "[[A!]]!"


def test_the_named_type_is_inside_all_lists_and_non_nulls() -> None:
    ref = from_node(parse_type("[A!]!"))
    assert base_name(ref) == "A"
    assert str(rename(ref, {"A": "B"})) == "[B!]!"
    assert rename(ref, {"X": "Y"}) == ref


def test_only_the_outer_non_null_is_removed() -> None:
    assert str(nullable(from_node(parse_type("[A!]!")))) == "[A!]"
    assert nullable(Named("A")) == Named("A")
