"""Selections in normal form: fragments inlined, equal fields merged, different ones kept apart."""

from __future__ import annotations

import pytest

from router.planner.normalise import merge_selections
from router.planner.normalise.merge_selections import TooComplexError, grouped, signature
from router.planner.normalise.skip_and_include_guards import ALWAYS, Guards
from tests.router.planner.normalise.operations import items

X: Guards = frozenset({("x", True)})
XY: Guards = X | {("y", True)}


def names(text: str) -> list[str]:
    return [item.node.name.value for item in items(text)[1]]


def test_fragments_are_inlined_in_document_order() -> None:
    assert names("{ user { name } ...F ... { b: user { name } } } fragment F on Query { media { id } }") == [
        "user",
        "media",
        "user",
    ]


def test_what_can_never_be_selected_is_left_out() -> None:
    assert names("{ user @include(if: false) { name } media @skip(if: true) { id } }") == []


def test_guards_of_fragments_are_those_of_their_fields() -> None:
    _, (item,) = items("query ($x: Boolean!, $y: Boolean!) { ... @include(if: $x) { user @include(if: $y) { name } } }")
    assert item.guards == XY


def test_type_conditions_become_sets_of_object_types() -> None:
    made, (media,) = items("{ media { id ... on Book { pages } ... on Media { next { id } } } }")
    (selection,) = made.merged([media], "Query")
    assert (selection.type_name, selection.list_depth) == ("Media", 2)
    below = made.selected_fields(selection.below, "Media")
    assert [(item.node.name.value, item.types) for item in below] == [
        ("id", None),
        ("pages", frozenset({"Book"})),
        ("next", None),
    ]


def test_selections_of_one_field_are_merged_under_the_weakest_guards() -> None:
    made, found = items("query ($x: Boolean!) { user { name } user @include(if: $x) { age } }")
    (selection,) = made.merged(found, "Query")
    assert (selection.key, selection.guards) == ("user", ALWAYS)
    # What only the guarded one selects keeps its guard.
    assert [(item.node.name.value, item.guards) for item in made.selected_fields(selection.below, "User")] == [
        ("name", ALWAYS),
        ("age", X),
    ]


def test_signatures_tell_fields_with_different_values_apart() -> None:
    _, found = items('{ a: media(first: 1, after: "x") { id } b: media(after: "x", first: 1) { id } media { id } }')
    first, second, third = (signature(item.node) for item in found)
    assert first == second == 'media(after:"x",first:1)'
    assert third == "media"
    assert len(grouped(found)) == 3, "response keys are different"


def test_selections_that_all_types_share_become_one_item() -> None:
    made, (media,) = items("{ media { ... on Book { next { id } } ... on Film { next { id } } } }")
    (selection,) = made.merged([media], "Query")
    below = made.selected_fields(selection.below, "Media")
    (folded,) = made.folded(below, "Media", frozenset({"Book", "Film"}))
    assert folded.types is None
    assert made.folded(below, "Media", frozenset({"Book", "Film", "Disc"})) == below


def test_a_key_with_different_values_below_it_is_split() -> None:
    made, (media,) = items("{ media { ... on Book { next { x: id } } ... on Film { next { x: __typename } } } }")
    (selection,) = made.merged([media], "Query")
    below = made.selected_fields(selection.below, "Media")
    by_type = {name: [item for item in below if item.types == frozenset({name})] for name in ("Book", "Film")}
    assert made.split_keys(by_type) == {"next"}
    assert made.split_keys({"Book": by_type["Book"]}) == frozenset()


def test_an_operation_with_too_many_selections_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge_selections, "MAX_SELECTIONS", 5)
    with pytest.raises(TooComplexError):
        items("{ ...F ...F ...F } fragment F on Query { user { name } media { id } }")
