"""The deferred blocks of an operation, and the selections of its initial response."""

from __future__ import annotations

from router.planner.normalise.deferred_blocks import Block, DeferredBlocks
from tests.router.plan.fetches import selections_of
from tests.router.planner.normalise.operations import normaliser, operation


def blocks(text: str, deferring: frozenset[str] = frozenset()) -> DeferredBlocks:
    one = operation(text)
    found = DeferredBlocks(normaliser(one, deferring), one.fragments, deferring)
    found.find(one.definition.selection_set, "Query")
    return found


def text_of(part: Block | DeferredBlocks) -> str | None:
    """The text of the selections, after a check that the data says the same as the text."""
    if part.selections is None:
        return None
    text, selections = part.selections
    assert selections == selections_of(text, entities=False)
    return text


def test_the_data_of_selections_is_that_of_their_text() -> None:
    found = blocks(
        "query ($a: Boolean!, $b: Boolean!) { user { name @skip(if: $b) @include(if: $a) "
        '... @include(if: $a) { friends { n: name } } ... on User @defer(label: "more") @skip(if: $a) { age } } }'
    )
    assert text_of(found) == ("{user{name@include(if:$a)@skip(if:$b)...@include(if:$a){friends{n:name}}}}")
    (block,) = found.inside(None)
    assert text_of(block) == "{...on User@skip(if:$a){age}}"


def test_what_is_in_no_block_is_the_initial_response() -> None:
    found = blocks('{ user { name ... @defer(label: "more") { age } } }')
    assert text_of(found) == "{user{name}}"
    (block,) = found.inside(None)
    assert (block.label, block.path, text_of(block)) == ("more", ("user",), "{age}")


def test_a_block_in_a_block_belongs_to_it() -> None:
    found = blocks("{ user { name ... @defer { age friends { name ... @defer { age } } } } }")
    (outer,) = found.inside(None)
    (inner,) = found.inside(outer)
    assert (text_of(outer), outer.path) == ("{age friends{name}}", ("user",))
    assert (text_of(inner), inner.path, inner.parent) == ("{age}", ("user", "friends"), outer)


def test_a_fragment_at_two_paths_makes_two_blocks() -> None:
    found = blocks("{ user { ...F @defer friends { ...F @defer } } } fragment F on User { age }")
    assert [block.path for block in found.inside(None)] == [("user",), ("user", "friends")]


def test_an_object_of_which_nothing_comes_first_is_still_in_the_response() -> None:
    # The object above a block is part of the response because of the block.
    assert blocks("{ user { ... @defer { name } } }").selections is None
    skipped = blocks("{ user { friends { ... @include(if: false) { name } } } }")
    assert text_of(skipped) == "{user{friends{__typename}}}"


def test_an_empty_block_is_none() -> None:
    assert blocks("{ user { name ... @defer { age @include(if: false) } } }").inside(None) == []


def test_type_conditions_are_part_of_a_path_where_they_narrow() -> None:
    found = blocks("{ media { id ... on Book { next { id ... on Media @defer { next { id } } } } } }")
    (block,) = found.inside(None)
    assert block.path == ("media", "... on Book", "next")
